package runbook

import (
	"fmt"
	"slices"
	"strings"

	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// survey goes through a plan's steps in their order and finds out what can run.
type survey struct {
	plan     *playbooks.Plan
	forecast *forecast
	// dead are the steps that will not run, whatever happens.
	dead map[string]bool
}

func (s *survey) step(phase string, step *playbooks.Step) PreviewStep {
	out := PreviewStep{Phase: phase, ID: step.ID, Title: step.Title, Needs: step.Needs, LesserOf: step.LesserOf}
	out.Does, out.Detail = describe(step)
	if action, ok := playbooks.FindAction(step.Action); ok {
		out.Effect = action.Effect
		out.Targets, out.Without = targets(action, s.plan.Targets[step.ID])
	}
	switch out.Skipped = s.skips(step, &out); {
	case out.Skipped != "":
		s.dead[step.ID] = true
		s.forecast.skipped(step)
	case s.forecast.condition(step.When) == depends:
		out.Depends = step.When.String()
	}
	return out
}

// skips says why a step cannot run, or "".
func (s *survey) skips(step *playbooks.Step, out *PreviewStep) string {
	if s.forecast.condition(step.When) == cannotHold {
		why := "runs only when " + step.When.String()
		if values := s.forecast.values(step.When); values != "" {
			why += "; " + values
		}
		return why
	}
	for _, need := range append(slices.Clone(step.Needs), step.LesserOf) {
		if s.dead[need] && !s.empty(need) {
			return "needs " + need + ", which is skipped"
		}
	}
	if step.LesserOf != "" && s.automatic(step.LesserOf) {
		return "runs only if " + step.LesserOf + " times out, and that is granted without asking"
	}
	switch {
	case step.Action == "" || len(out.Targets) > 0:
		return ""
	case len(out.Without) > 0:
		return "can act on none of its targets"
	}
	return "nothing in the blast radius to act on"
}

// empty reports whether a step is dead only because it has nothing to act on; the steps that need it run all the same.
func (s *survey) empty(id string) bool {
	step := s.find(id)
	return step != nil && step.Action != "" && len(s.plan.Targets[id]) == 0
}

func (s *survey) find(id string) *playbooks.Step {
	var out *playbooks.Step
	s.plan.Playbook.Walk(func(_ string, step *playbooks.Step) {
		if step.ID == id {
			out = step
		}
	})
	return out
}

// automatic reports whether the approval is certain to be granted without asking.
func (s *survey) automatic(id string) bool {
	step := s.find(id)
	return step != nil && step.Approval != nil && len(step.Approval.AutoWhen) > 0 && s.forecast.condition(step.Approval.AutoWhen) == holds
}

// targets splits what a query yielded into what the action can act on and what it cannot.
func targets(action playbooks.Action, list []inventory.Target) (usable, without []string) {
	for _, t := range list {
		switch {
		case !action.NeedsKnownGood:
			usable = append(usable, t.ID)
		case t.KnownGood == nil:
			without = append(without, t.ID+": no known-good checkpoint ("+strings.Join(t.Rejected, "; ")+"); it stays contained")
		default:
			usable = append(usable, t.ID+" to "+t.KnownGood.ID)
		}
	}
	return usable, without
}

// describe says what kind of step it is, and what there is to say of one that is no action.
func describe(step *playbooks.Step) (does, detail string) {
	switch {
	case step.Approval != nil:
		return "approval", fmt.Sprintf("%d of %s, within %s", step.Approval.Quorum, strings.Join(step.Approval.Roles, ", "), period(step.Approval.Timeout))
	case step.Wait != nil:
		return "wait", period(step.Wait.For) + ", or until a person ends it"
	case step.Task != nil:
		detail = strings.Join(step.Task.Reporters(), " and ") + verb(step.Task) + strings.Join(outcomes(step.Task), " or ") + " within " + period(step.Task.Due)
		if step.Task.Blocks {
			detail += "; the next steps wait for it"
		}
		if step.Budget > 0 {
			detail += "; the next steps wait " + period(step.Budget) + " for it"
		}
		if step.Task.FalsePositive != "" {
			detail += "; " + step.Task.FalsePositive + " ends the incident as a false positive and undoes containment"
		}
		return "task", detail
	case step.Child != nil:
		return "playbook", string(step.Child.Kind) + " on the same asset"
	}
	return step.Action, ""
}

// verb goes with one person or with several, who must say the same.
func verb(t *playbooks.Task) string {
	if len(t.Countersign) > 0 {
		return " report the same, "
	}
	return " reports "
}

// outcomes are what the person who does a task can report.
func outcomes(t *playbooks.Task) []string {
	if len(t.Outcomes) == 0 {
		return []string{"done", "not_done"}
	}
	return t.Outcomes
}

func days(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}
