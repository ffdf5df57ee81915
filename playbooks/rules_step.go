package playbooks

import (
	"maps"
	"slices"

	"firebreak/internal/incident"
)

// action checks an action step against the catalogue and fills in the defaults of its parameters.
func (p *parser) action(s *Step) {
	a, ok := p.actions[s.Action]
	if !ok {
		return
	}
	if k := s.Targets.Kind(); k != "" && k != a.Targets {
		p.fault(p.value(s, "targets"), codeTargetKind, "", "action %s takes targets of kind %s; %s yields %s", s.Action, a.Targets, s.Targets, k)
	}
	filled := map[string]string{}
	for _, param := range a.Params {
		filled[param.Name] = param.Default
	}
	for _, name := range slices.Sorted(maps.Keys(s.With)) {
		i := slices.IndexFunc(a.Params, func(x Param) bool { return x.Name == name })
		if i < 0 {
			p.fault(p.key(&s.With, name), codeUnknownParameter, paramHint(a.Params), "action %s has no parameter %q", s.Action, name)
			continue
		}
		if err := a.Params[i].Check(s.With[name]); err != nil {
			p.fault(p.value(&s.With, name), codeParameter, a.Params[i].Doc, "parameter %s: %v", name, err)
		}
		filled[name] = s.With[name]
	}
	if len(filled) > 0 {
		s.With = filled
	}
	if s.Timeout == 0 {
		s.Timeout = a.Timeout
	}
}

func paramHint(params []Param) string {
	if len(params) == 0 {
		return "it has none"
	}
	var known []string
	for _, x := range params {
		known = append(known, x.Name)
	}
	return "known: " + commas(known)
}

// approval checks that an approval can be granted by the people it asks, and that its silence leads somewhere.
func (p *parser) approval(s *Step) {
	a := s.Approval
	if a == nil {
		return
	}
	if a.Quorum > len(a.Roles) && len(a.Roles) > 0 {
		p.fault(p.value(a, "quorum"), codeQuorum, "name as many roles, or lower the quorum", "quorum %d needs as many roles; there are %d", a.Quorum, len(a.Roles))
	}
	for i, r := range a.EscalateTo {
		if r != "" && slices.Contains(a.Roles, r) {
			p.fault(p.item(a, "escalate_to", i), codeEscalation, "name others, or leave it out of roles", "role %s is asked already", r)
		}
	}
	if a.OnTimeout == Escalate && !p.has(a, "escalate_to") {
		p.fault(p.value(a, "on_timeout"), codeEscalation, "add escalate_to", "on_timeout is escalate and escalate_to names nobody")
	}
	if a.OnTimeout != "" && a.OnTimeout != Escalate && p.has(a, "escalate_to") {
		p.fault(p.key(a, "escalate_to"), codeEscalation, "write on_timeout: escalate", "escalate_to has no effect with on_timeout: %s", a.OnTimeout)
	}
	if a.RemindEvery > 0 && a.Timeout > 0 && a.RemindEvery >= a.Timeout {
		p.fault(p.value(a, "remind_every"), codeReminder, "nobody would be reminded", "remind_every %s is not shorter than the timeout of %s", short(a.RemindEvery), short(a.Timeout))
	}
}

// Reports lists what the person can report.
func (t *Task) Reports() []string {
	if len(t.Outcomes) == 0 {
		return []string{"done", "not_done"}
	}
	return t.Outcomes
}

func (p *parser) task(s *Step) {
	t := s.Task
	if t == nil {
		return
	}
	if t.FalsePositive != "" && !slices.Contains(t.Reports(), t.FalsePositive) {
		p.fault(p.value(t, "false_positive"), codeOutcome, "known: "+commas(t.Reports()), "false_positive %q is not one of the outcomes", t.FalsePositive)
	}
	for i, gap := range t.Gaps {
		if gap != "" && !slices.Contains(t.Reports(), gap) {
			p.fault(p.item(t, "gaps", i), codeOutcome, "known: "+commas(t.Reports()), "gap %q is not one of the outcomes", gap)
		}
	}
	if i := slices.Index(t.Countersign, t.Assignee); i >= 0 && t.Assignee != "" {
		p.fault(p.item(t, "countersign", i), codeCountersign, "name another role", "role %s reports the task already", t.Assignee)
	}
	if t.Blocks && s.Budget > 0 {
		p.fault(p.key(s, "budget"), codeBudget, "drop blocks: what follows then waits for the budget", "task %q holds up what follows until it is reported, so that its budget is never spent", s.ID)
	}
}

// suspension shuts a consumer out (V6). Free accounts can be suspended by an approval's auto_when, all others only by people.
const suspension = "consumer.block"

// needsApproval reports whether the action may only follow a person's decision, and why. An approval can carry auto_when.
func needsApproval(a Action) (why string, needed bool) {
	if a.Effect == ReplacesState {
		return "replaces state", true
	}
	return a.Decision, a.Decision != ""
}

// releases reports whether an approval may let something be deleted: legal and at least one other must both say yes, and
// nothing decides in their place.
func releases(a *Approval) bool {
	return a != nil && a.Quorum >= 2 && a.Quorum == len(a.Roles) && slices.Contains(a.Roles, "LEG") && len(a.AutoWhen) == 0 && len(a.EscalateTo) == 0
}

func isEvidence(a Action) bool { return a.Role == incident.RoleEvidence }
