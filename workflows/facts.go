package workflows

import (
	"strings"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// facts are the values of the references that a condition names, as they are now.
func (r *response) facts(c playbooks.Condition) playbooks.Facts {
	facts := r.plan.IncidentFacts(r.req)
	for _, alternative := range c {
		for _, x := range alternative {
			rest, ok := strings.CutPrefix(string(x.Reference), "steps.")
			if !ok {
				continue
			}
			if id, ok := strings.CutSuffix(rest, ".status"); ok {
				facts[x.Reference] = r.statuses(id)
			}
			if id, ok := strings.CutSuffix(rest, ".outcome"); ok {
				facts[x.Reference] = r.outcome(id)
			}
		}
	}
	return facts
}

// statuses are those of a step's targets.
func (r *response) statuses(id string) []string {
	var out []string
	for i := range r.rec.Steps {
		if r.rec.Steps[i].ID == id {
			out = append(out, string(r.rec.Steps[i].Status))
		}
	}
	return out
}

// outcome is what a task, an approval or a child playbook came to.
func (r *response) outcome(id string) []string {
	if t := r.task(id); t != nil && t.Outcome != "" {
		return []string{t.Outcome}
	}
	if a := r.approval(id); a != nil {
		return []string{string(a.Status)}
	}
	for _, c := range r.rec.Children {
		if c.Step == id {
			return []string{string(c.Verdict)}
		}
	}
	return nil
}

// approval is the latest request for the step's approval.
func (r *response) approval(step string) *incident.Approval {
	for i := len(r.rec.Approvals) - 1; i >= 0; i-- {
		if r.rec.Approvals[i].Step == step {
			return &r.rec.Approvals[i]
		}
	}
	return nil
}

func (r *response) task(step string) *incident.Task {
	for i := range r.rec.Tasks {
		if r.rec.Tasks[i].Step == step {
			return &r.rec.Tasks[i]
		}
	}
	return nil
}
