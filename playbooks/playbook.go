package playbooks

import (
	"slices"
	"time"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// Playbook is one parsed and checked playbook. It is a snapshot: once an incident has started, an edit of the file no
// longer changes it. Its JSON form is in workflow history and is therefore frozen: fields are only ever added.
type Playbook struct {
	Kind   incident.Kind `json:"kind"`
	Title  string        `json:"title"`
	Threat Threat        `json:"threat"`
	Rating Rating        `json:"rating,omitzero"`
	// Watch says how often containment is proved again until the incident is closed; zero means never.
	Watch  Watch   `json:"watch,omitzero"`
	Phases []Phase `json:"phases"`
}

// Threat is the scenario that the playbook answers.
type Threat struct {
	Scenario     string   `json:"scenario"`
	Goal         string   `json:"goal,omitempty"`
	Capabilities []string `json:"capabilities,omitempty"`
	Assets       []string `json:"assets,omitempty"`
	Impact       string   `json:"impact,omitempty"`
	Indicators   []string `json:"indicators,omitempty"`
	// ATLAS lists MITRE ATLAS technique ids, e.g. AML.T0020. OWASP ids carry their year, e.g. LLM04:2025. RMF lists NIST AI
	// RMF subcategories, e.g. MANAGE 4.1, and CSF those of the NIST Cybersecurity Framework 2.0, e.g. RS.MI-01.
	ATLAS []string `json:"atlas,omitempty"`
	OWASP []string `json:"owasp,omitempty"`
	RMF   []string `json:"nist_ai_rmf,omitempty"`
	CSF   []string `json:"csf,omitempty"`
}

// Level is one of low, medium and high.
type Level string

// The levels.
const (
	Low    Level = "low"
	Medium Level = "medium"
	High   Level = "high"
)

// Rating is likelihood times impact.
type Rating struct {
	Likelihood Level `json:"likelihood"`
	Impact     Level `json:"impact"`
}

// Watch is how containment is proved again.
type Watch struct {
	Every time.Duration `json:"every"`
}

// Phase is a named run of steps.
type Phase struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	// Aside is true if neither the phases after it nor the verdict wait for the phase: it runs beside them.
	Aside bool   `json:"aside,omitempty"`
	Steps []Step `json:"steps"`
}

// Step is exactly one of an action, an approval, a wait, a task for a person, a child playbook, or a set of steps that run
// in parallel.
type Step struct {
	ID    string `json:"id,omitempty"`
	Title string `json:"title,omitempty"`

	// When must hold for the step to run; otherwise it is skipped with that reason.
	When Condition `json:"when,omitempty"`
	// Needs lists steps that must be done, proved or granted before this one runs; otherwise it is skipped.
	Needs []string `json:"needs,omitempty"`
	// LesserOf names an approval whose on_timeout is proceed_with_lesser. The step runs only if that approval timed out.
	LesserOf string `json:"lesser_of,omitempty"`
	// OnFailure says what follows if the step fails for good.
	OnFailure OnFailure `json:"on_failure,omitempty"`

	Action  string            `json:"action,omitempty"`
	Targets inventory.Query   `json:"targets,omitempty"`
	With    map[string]string `json:"with,omitempty"`
	// Timeout bounds one attempt of one stage.
	Timeout time.Duration `json:"timeout,omitempty"`
	// Rounds is how often the step acts and verifies in its place in the order before it goes on in the background.
	Rounds int `json:"rounds,omitempty"`
	// Budget is how long what follows waits for an action or a task; 0 means for an action until its end and for a task not at
	// all. What is not there by then is a gap of the evidence.
	Budget time.Duration `json:"budget,omitempty"`

	Approval *Approval `json:"approval,omitempty"`
	Wait     *Wait     `json:"wait,omitempty"`
	Task     *Task     `json:"task,omitempty"`
	Child    *Child    `json:"playbook,omitempty"`
	Parallel []Step    `json:"parallel,omitempty"`
	// Limit bounds how many steps of Parallel run at a time; 0 means all.
	Limit int `json:"limit,omitempty"`
}

// OnFailure is what the engine does after a step failed for good.
type OnFailure string

// Continue goes on with the next step and is the default; Stop ends the playbook where it is; Abort ends it and undoes.
const (
	Continue OnFailure = "continue"
	Stop     OnFailure = "stop"
	Abort    OnFailure = "abort"
)

// OnTimeout is what the engine does if nobody decides in time. None of them approves.
type OnTimeout string

// Stay leaves things as they are; Escalate asks again with more roles, then stays; ProceedWithLesser runs the steps that
// name the approval in lesser_of; AbortOnTimeout undoes what was done and ends the playbook.
const (
	Stay              OnTimeout = "stay"
	Escalate          OnTimeout = "escalate"
	ProceedWithLesser OnTimeout = "proceed_with_lesser"
	AbortOnTimeout    OnTimeout = "abort"
)

// Approval asks people before the steps that need it.
type Approval struct {
	// Roles are the roles whose holders, or their deputies, may decide. Each counted approval covers another role.
	Roles  []string `json:"roles"`
	Quorum int      `json:"quorum"`
	// Timeout is how long to wait. When it passes, nobody's silence is a yes.
	Timeout   time.Duration `json:"timeout"`
	OnTimeout OnTimeout     `json:"on_timeout,omitempty"`
	// EscalateTo are further roles that may decide after the first timeout, if OnTimeout is Escalate.
	EscalateTo []string `json:"escalate_to,omitempty"`
	// RemindEvery repeats the question in the timeline; 0 means never.
	RemindEvery time.Duration `json:"remind_every,omitempty"`
	// AutoWhen grants the approval without asking if it holds.
	AutoWhen Condition `json:"auto_when,omitempty"`
}

// Wait pauses for a time. A person can end it early.
type Wait struct {
	For time.Duration `json:"for"`
}

// Task is something that a person does and reports.
type Task struct {
	// Assignee is the role that does it.
	Assignee string        `json:"assignee"`
	Due      time.Duration `json:"due"`
	// Countersign are further roles whose holders must report the same outcome, each another person.
	Countersign []string `json:"countersign,omitempty"`
	// Instructions say exactly what to do, for somebody who was just woken up.
	Instructions string `json:"instructions"`
	// Outcomes are what the person can report; "done" and "not_done" if empty.
	Outcomes []string `json:"outcomes,omitempty"`
	// Gaps are the outcomes that the verdict lists as a gap.
	Gaps []string `json:"gaps,omitempty"`
	// FalsePositive is the outcome that ends the incident as a false positive and undoes containment.
	FalsePositive string `json:"false_positive,omitempty"`
	// Blocks is true if the next steps wait for the report; otherwise it can come at any time until the incident closes.
	Blocks bool `json:"blocks,omitempty"`
}

// Reporters are the roles that must report.
func (t *Task) Reporters() []string { return append([]string{t.Assignee}, t.Countersign...) }

// Child runs another playbook on the same asset and takes its verdict as the step's outcome.
type Child struct {
	Kind incident.Kind `json:"kind"`
}

// Condition is a list of alternatives of which one must hold; an empty condition always holds. All comparisons of one
// alternative must hold.
type Condition [][]Comparison

// Reference names a value that is known while an incident runs, e.g. incident.severity or steps.confirm.outcome.
type Reference string

// Comparison holds if the reference's value is one of Values, or, if AtLeast is set, is that number or more. Booleans are
// written as true and false.
type Comparison struct {
	Reference Reference `json:"reference"`
	Values    []string  `json:"values,omitempty"`
	AtLeast   *float64  `json:"at_least,omitempty"`
}

// Aside reports whether the phase runs beside the others.
func (p *Playbook) Aside(phase string) bool {
	return slices.ContainsFunc(p.Phases, func(ph Phase) bool { return ph.ID == phase && ph.Aside })
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
