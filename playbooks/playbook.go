package playbooks

import (
	"time"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// Playbook is one parsed and checked playbook. It is a snapshot: once an incident has started, an edit of the file no
// longer changes it.
type Playbook struct {
	Kind   incident.Kind `json:"kind"`
	Title  string        `json:"title"`
	Threat Threat        `json:"threat"`
	Phases []Phase       `json:"phases"`
}

// Threat is the scenario that the playbook answers.
type Threat struct {
	Scenario string `json:"scenario"`
	// ATLAS lists MITRE ATLAS technique ids, e.g. AML.T0020.
	ATLAS []string `json:"atlas,omitempty"`
}

// Phase is a named run of steps.
type Phase struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Steps []Step `json:"steps"`
}

// Step is exactly one of an action, an approval or a set of steps that run in parallel.
type Step struct {
	ID    string `json:"id,omitempty"`
	Title string `json:"title,omitempty"`

	Action  string            `json:"action,omitempty"`
	Targets inventory.Query   `json:"targets,omitempty"`
	With    map[string]string `json:"with,omitempty"`
	// Needs lists steps that must be done, proved or granted before this one runs; otherwise it is skipped.
	Needs []string `json:"needs,omitempty"`
	// Timeout bounds one attempt of one stage.
	Timeout time.Duration `json:"timeout,omitempty"`

	Approval *Approval `json:"approval,omitempty"`
	Parallel []Step    `json:"parallel,omitempty"`
}

// Approval asks people before the steps that need it.
type Approval struct {
	// Roles are the roles whose holders, or their deputies, may decide. Each counted approval covers another role.
	Roles  []string `json:"roles"`
	Quorum int      `json:"quorum"`
	// Timeout is how long to wait. When it passes, things stay as they are: nobody's silence is a yes.
	Timeout time.Duration `json:"timeout"`
}

// Walk calls f for every step, those inside parallel included, in the order of the file.
func (p *Playbook) Walk(f func(phase string, s *Step)) {
	var steps func(phase string, list []Step)
	steps = func(phase string, list []Step) {
		for i := range list {
			s := &list[i]
			if s.Parallel != nil {
				steps(phase, s.Parallel)
				continue
			}
			f(phase, s)
		}
	}
	for _, ph := range p.Phases {
		steps(ph.ID, ph.Steps)
	}
}
