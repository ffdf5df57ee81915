package runbook

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

func newPhase(number int, phase *playbooks.Phase, plan *playbooks.Plan) SheetPhase {
	out := SheetPhase{Number: number, ID: phase.ID, Title: phase.Title}
	if phase.Aside {
		out.Title += " (beside the phases that follow: they do not wait for it)"
	}
	place := 0
	for i := range phase.Steps {
		step := &phase.Steps[i]
		if step.Parallel == nil {
			place++
			out.Steps = append(out.Steps, newStep(fmt.Sprintf("%d.%d", number, place), "", step, plan))
			continue
		}
		group := fmt.Sprintf("%d.%d to %d.%d at the same time, by different people", number, place+1, number, place+len(step.Parallel))
		for j := range step.Parallel {
			place++
			out.Steps = append(out.Steps, newStep(fmt.Sprintf("%d.%d", number, place), group, &step.Parallel[j], plan))
			group = ""
		}
	}
	return out
}

// newStep turns a step into a box to tick. Group is the heading of the parallel set that begins with it.
func newStep(number, group string, step *playbooks.Step, plan *playbooks.Plan) SheetStep {
	out := SheetStep{Number: number, Group: group, ID: step.ID, Title: stepName(step.ID, step.Title), Notes: notes(step)}
	switch {
	case step.Approval != nil:
		out.approval(step.Approval)
	case step.Wait != nil:
		out.Does = "wait"
		out.Do = []string{"Wait " + period(step.Wait.For) + ". The incident commander may end it early; write down when and why."}
	case step.Task != nil:
		out.Does = "task for " + strings.Join(step.Task.Reporters(), " and ")
		out.Do = append(out.Do, paragraphs(step.Task.Instructions)...)
		out.Outcomes = outcomes(step.Task)
		out.Notes = append(out.Notes, "Due within "+period(step.Task.Due)+".")
		if len(step.Task.Countersign) > 0 {
			out.Notes = append(out.Notes, "One person of each role signs; it counts once they say the same.")
			for range step.Task.Reporters() {
				out.Sign = append(out.Sign, "name, role, outcome, time (UTC)")
			}
		}
		if step.Task.FalsePositive != "" {
			out.Notes = append(out.Notes, "The outcome "+step.Task.FalsePositive+" ends the incident: undo containment, newest act first. Evidence and revocations stay.")
		}
	case step.Child != nil:
		out.Does = "playbook " + string(step.Child.Kind)
		out.Do = []string{"Take the page of the playbook " + string(step.Child.Kind) + ", work through it for the same asset, and write its verdict here."}
	default:
		out.action(step, plan)
	}
	return out
}

func (s *SheetStep) approval(a *playbooks.Approval) {
	s.Does = "approval"
	s.Do = []string{fmt.Sprintf("Ask by phone for %d of: %s. Each who agrees covers another role. Say exactly what will be done to what.", a.Quorum, named(a.Roles))}
	switch a.OnTimeout {
	case playbooks.Escalate:
		s.Notes = append(s.Notes, fmt.Sprintf("No decision within %s: ask %s too. Silence is never a yes.", period(a.Timeout), named(a.EscalateTo)))
	case playbooks.ProceedWithLesser:
		s.Notes = append(s.Notes, fmt.Sprintf("No decision within %s: do the steps marked as lesser instead. Silence is never a yes.", period(a.Timeout)))
	case playbooks.AbortOnTimeout:
		s.Notes = append(s.Notes, fmt.Sprintf("No decision within %s: stop here and undo what was done, newest act first.", period(a.Timeout)))
	case playbooks.Stay:
		s.Notes = append(s.Notes, fmt.Sprintf("No decision within %s: leave things as they are. Silence is never a yes.", period(a.Timeout)))
	}
	if len(a.AutoWhen) > 0 {
		s.Notes = append(s.Notes, "No approval is needed if "+a.AutoWhen.String()+".")
	}
	for range a.Quorum {
		s.Sign = append(s.Sign, "name, role, yes or no, time (UTC)")
	}
}

func onSageMaker(targets []inventory.Target) bool {
	return slices.ContainsFunc(targets, func(t inventory.Target) bool {
		return t.Endpoint != nil && t.Endpoint.Serving.Platform == "sagemaker" || t.Registered != nil && t.Registered.Platform == "sagemaker"
	})
}

func (s *SheetStep) action(step *playbooks.Step, plan *playbooks.Plan) {
	s.Does = step.Action
	action, _ := playbooks.FindAction(step.Action)
	if hand, ok := byHandOn(step.Action, plan == nil || onSageMaker(plan.Targets[step.ID])); ok {
		s.Do, s.Prove = hand.Do, hand.Prove
	}
	if action.Reversal != "" {
		s.Notes = append(s.Notes, "To undo: "+action.Reversal+".")
	}
	if plan == nil {
		s.On = []string{"every " + queryName(step.Targets) + " (" + string(step.Targets) + " in the inventory)"}
		return
	}
	for _, t := range plan.Targets[step.ID] {
		s.On = append(s.On, describeTarget(action, &t))
	}
	if len(s.On) == 0 {
		s.On, s.Do, s.Prove = []string{"nothing in the blast radius"}, []string{"Nothing to do."}, nil
	}
}

// notes say when a step applies and what must come before it.
func notes(step *playbooks.Step) []string {
	var out []string
	if len(step.When) > 0 {
		out = append(out, "Only if "+step.When.String()+".")
	}
	if len(step.Needs) > 0 {
		out = append(out, "Only after "+strings.Join(step.Needs, ", ")+" (done and proved, or granted).")
	}
	if step.LesserOf != "" {
		out = append(out, "Lesser: only if nobody decided on "+step.LesserOf+" in time.")
	}
	if step.Budget > 0 {
		out = append(out, "What follows waits "+period(step.Budget)+" for this and then goes on without it: write down what is missing as a gap of the evidence.")
	}
	switch step.OnFailure {
	case playbooks.Stop:
		out = append(out, "If it fails: stop the playbook here.")
	case playbooks.Abort:
		out = append(out, "If it fails: stop, and undo what was done, newest act first.")
	case playbooks.Continue:
	}
	return out
}

func named(roles []string) string {
	out := make([]string, 0, len(roles))
	for _, r := range roles {
		out = append(out, r+" ("+roleName(r)+")")
	}
	return strings.Join(out, ", ")
}

// enumeration is the number or the dash before an item; the sheet numbers items itself.
var enumeration = regexp.MustCompile(`^([0-9]+[.)]|[-*+])\s+`)

// paragraphs splits a text of several lines.
func paragraphs(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if line = enumeration.ReplaceAllString(strings.TrimSpace(line), ""); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// queryName is what a query finds, in words.
func queryName(q inventory.Query) string {
	switch q {
	case inventory.DatasetVersions:
		return "affected version of a dataset"
	case inventory.Checkpoints:
		return "affected checkpoint"
	case inventory.RegisteredCheckpoints:
		return "affected checkpoint in a model registry"
	case inventory.Endpoints:
		return "endpoint that serves an affected checkpoint"
	case inventory.Writers:
		return "credential that can write the affected data and models"
	case inventory.Callers:
		return "credential that can call the affected endpoints"
	case inventory.Readers:
		return "credential that can read the affected data and models"
	case inventory.Keys:
		return "key that decrypts the affected data and models"
	case inventory.Secrets:
		return "secret in Vault's KV engine that opens what is affected"
	case inventory.OtherCallers:
		return "credential that can call the affected endpoints past any gateway"
	case inventory.Consumers:
		return "gateway key of the cluster"
	case inventory.UnpaidConsumers:
		return "gateway key of a free account"
	case inventory.PayingConsumers:
		return "gateway key of a paying, allow-listed or unknown account"
	case inventory.RequestLogs:
		return "request log of an affected endpoint"
	case inventory.Stakeholders:
		return "legal channel of the affected models"
	}
	return string(q)
}
