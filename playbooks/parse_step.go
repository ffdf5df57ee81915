package playbooks

import (
	"strconv"
	"time"

	"gopkg.in/yaml.v3"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// longest bounds every time that a playbook can name: no incident is left waiting for a quarter of a year.
const longest = 90 * 24 * time.Hour

// positive is the least time that can be meant.
const positive = time.Nanosecond

func stepFields() []field[Step] {
	return []field[Step]{
		key("id", "Names the step.", id[string]("id", codeID), func(s *Step) *string { return &s.ID }),
		key("title", "One line for people.", text("title"), func(s *Step) *string { return &s.Title }),
		key("when", "Must hold for the step to run; otherwise it is skipped.", condition(), func(s *Step) *Condition { return &s.When }),
		key("needs", "Earlier steps that must be done, proved or granted; otherwise this one is skipped.", setOf("needs", text("each of needs")), func(s *Step) *[]string { return &s.Needs }),
		key("lesser_of", "An approval with on_timeout: proceed_with_lesser. The step runs only if nobody decided on it in time.", text("lesser_of"), func(s *Step) *string { return &s.LesserOf }),
		key("on_failure", "What follows if the step fails for good: go on, stop the playbook, or stop it and undo.", oneOf("on_failure", codeUnknownValue, []OnFailure{Continue, Stop, Abort}), func(s *Step) *OnFailure { return &s.OnFailure }),
		key("action", "What is done, from the catalogue.", action(), func(s *Step) *string { return &s.Action }),
		key("targets", "On what: a query on the inventory.", oneOf("target query", codeUnknownQuery, inventory.Queries()), func(s *Step) *inventory.Query { return &s.Targets }),
		key("with", "Parameters of the action.", with(), func(s *Step) *map[string]string { return &s.With }),
		key("timeout", "Bounds one attempt of one stage.", duration("timeout", positive, longest), func(s *Step) *time.Duration { return &s.Timeout }),
		key("rounds", "How often the step acts and verifies in its place before it goes on in the background.", number("rounds", codeNumber, 1, 10), func(s *Step) *int { return &s.Rounds }),
		key("budget", "How long what follows waits for an action or a task; then it goes on, and what is missing is a gap of the evidence.", duration("budget", positive, longest), func(s *Step) *time.Duration { return &s.Budget }),
		key("approval", "Asks people.", pointerTo(mappingOf("approval", approvalFields)), func(s *Step) **Approval { return &s.Approval }),
		key("wait", "Pauses for a time. A person can end it early.", pointerTo(mappingOf("wait", waitFields)), func(s *Step) **Wait { return &s.Wait }),
		key("task", "Something that a person does and reports.", pointerTo(mappingOf("task", taskFields)), func(s *Step) **Task { return &s.Task }),
		key("playbook", "Runs another playbook on the same asset.", pointerTo(mappingOf("child", childFields)), func(s *Step) **Child { return &s.Child }),
		key("parallel", "Steps that run at the same time.", parallel(), func(s *Step) *[]Step { return &s.Parallel }),
		key("limit", "How many steps of parallel run at a time; all of them if left out.", number("limit", codeNumber, 1, 100), func(s *Step) *int { return &s.Limit }),
	}
}

// stepKinds are the keys of which a step has exactly one, each with the other keys that it may stand with.
func stepKinds() []stepKind {
	all := []string{"id", "title", "when", "needs", "on_failure"}
	return []stepKind{
		{"action", append([]string{"lesser_of", "targets", "with", "timeout", "rounds", "budget"}, all...), []string{"id", "targets"}},
		{"approval", all, []string{"id"}},
		{"wait", all, []string{"id"}},
		{"task", append([]string{"lesser_of", "budget"}, all...), []string{"id"}},
		{"playbook", all, []string{"id"}},
		{"parallel", []string{"title", "limit"}, nil},
	}
}

// stepKind is one kind of step: the key that makes it one, the keys that may and those that must stand beside it.
type stepKind struct {
	key       string
	may, must []string
}

// parallel takes no parallel inside; the rules say so with the place of the inner one.
func parallel() shape[[]Step] {
	steps := listOf("parallel", mappingOf("step", stepFields))
	steps.schema["items"] = object{"$ref": "#/$defs/step", "not": object{"required": []string{"parallel"}}}
	return steps
}

func action() shape[string] {
	all := Catalogue()
	known := make([]string, 0, len(all))
	for _, a := range all {
		known = append(known, a.Name)
	}
	return oneOf("action", codeUnknownAction, known)
}

// with reads parameters; the rules check them against the action.
func with() shape[map[string]string] {
	schema := object{"type": "object", "additionalProperties": object{"type": []string{"string", "number", "boolean"}}}
	return shape[map[string]string]{schema, func(p *parser, n *yaml.Node, into *map[string]string) {
		if !p.is(n, yaml.MappingNode, "with", "a mapping") {
			return
		}
		at := place{node: n, keys: map[string]*yaml.Node{}, values: map[string]*yaml.Node{}}
		*into = map[string]string{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k, v := n.Content[i], n.Content[i+1]
			if k.Tag == "!!merge" { // plain has reported it
				continue
			}
			if at.keys[k.Value] != nil {
				p.fault(k, codeDuplicateKey, "", "parameter %q is given twice", k.Value)
				continue
			}
			at.keys[k.Value], at.values[k.Value] = k, v
			if s, ok := p.scalar(v, "parameter "+k.Value); ok {
				(*into)[k.Value] = s
			}
		}
		p.places[into] = at
	}}
}

// scalar returns a single value as it was written. A null is none: it is what a forgotten value looks like.
func (p *parser) scalar(n *yaml.Node, what string) (string, bool) {
	if !p.is(n, yaml.ScalarNode, what, "a single value") {
		return "", false
	}
	if n.ShortTag() == "!!null" || n.Value == "" {
		p.fault(n, codeType, "", "%s has no value", what)
		return "", false
	}
	if n.ShortTag() == "!!bool" {
		if b, err := strconv.ParseBool(n.Value); err == nil {
			return strconv.FormatBool(b), true
		}
	}
	return n.Value, true
}

func approvalFields() []field[Approval] {
	return []field[Approval]{
		key("roles", "The roles whose holders, or their deputies, may decide. Each counted approval covers another role.", setOf("roles", role()), func(a *Approval) *[]string { return &a.Roles }).must(),
		key("quorum", "How many must approve; at most as many as there are roles.", number("quorum", codeQuorum, 1, len(Roles())), func(a *Approval) *int { return &a.Quorum }).must(),
		key("timeout", "How long to wait. Silence is never a yes.", duration("timeout", positive, longest), func(a *Approval) *time.Duration { return &a.Timeout }).must(),
		key("on_timeout", "What follows if nobody decides in time.", onTimeout(), func(a *Approval) *OnTimeout { return &a.OnTimeout }).must(),
		key("escalate_to", "Further roles that may decide after the first timeout; needs on_timeout: escalate.", setOf("escalate_to", role()), func(a *Approval) *[]string { return &a.EscalateTo }),
		key("remind_every", "Repeats the question; less than timeout.", duration("remind_every", positive, longest), func(a *Approval) *time.Duration { return &a.RemindEvery }),
		key("auto_when", "Grants the approval without asking if it holds.", condition(), func(a *Approval) *Condition { return &a.AutoWhen }),
	}
}

// onTimeout refuses approval by silence in words of its own: it is what people try first.
func onTimeout() shape[OnTimeout] {
	known := oneOf("on_timeout", codeOnTimeout, []OnTimeout{Stay, Escalate, ProceedWithLesser, AbortOnTimeout})
	return shape[OnTimeout]{known.schema, func(p *parser, n *yaml.Node, into *OnTimeout) {
		if n.Value == "approve" {
			p.fault(n, codeOnTimeout, "write on_timeout: stay", "silence never approves")
			return
		}
		known.read(p, n, into)
	}}
}

func waitFields() []field[Wait] {
	return []field[Wait]{
		key("for", "How long.", duration("for", positive, longest), func(w *Wait) *time.Duration { return &w.For }).must(),
	}
}

func taskFields() []field[Task] {
	return []field[Task]{
		key("assignee", "The role that does it.", role(), func(t *Task) *string { return &t.Assignee }).must(),
		key("countersign", "Further roles whose holders must report the same outcome, each another person.", setOf("countersign", role()), func(t *Task) *[]string { return &t.Countersign }),
		key("due", "How long the person has.", duration("due", positive, longest), func(t *Task) *time.Duration { return &t.Due }).must(),
		key("instructions", "Exactly what to do, for somebody who was just woken up.", text("instructions"), func(t *Task) *string { return &t.Instructions }).must(),
		key("outcomes", "What the person can report; done and not_done if left out.", setOf("outcomes", text("each of outcomes")), func(t *Task) *[]string { return &t.Outcomes }),
		key("gaps", "The outcomes that the verdict lists as a gap.", setOf("gaps", text("each of gaps")), func(t *Task) *[]string { return &t.Gaps }),
		key("false_positive", "The outcome that ends the incident as a false positive and undoes containment.", text("false_positive"), func(t *Task) *string { return &t.FalsePositive }),
		key("blocks", "Whether the next steps wait for the report.", boolean("blocks"), func(t *Task) *bool { return &t.Blocks }),
	}
}

func childFields() []field[Child] {
	return []field[Child]{
		key("kind", "The kind of the playbook to run.", id[incident.Kind]("kind", codeKind), func(c *Child) *incident.Kind { return &c.Kind }).must(),
	}
}
