package playbooks

import (
	"slices"

	"gopkg.in/yaml.v3"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// order checks what a step says of other steps. They must stand before it in the file: inside a parallel set a step waits
// for the siblings that it needs.
type order struct {
	p       *parser
	kind    incident.Kind
	earlier map[string]*Step
	// aside is true while the step being checked is in a phase that runs aside. beside maps a step to its phase if that does.
	aside  bool
	beside map[string]string
}

func (o *order) step(s *Step) {
	o.needs(s)
	o.lesser(s)
	o.conditions(s)
	o.child(s)
	o.decided(s)
}

func (o *order) needs(s *Step) {
	for i, id := range s.Needs {
		if id != "" && o.earlier[id] == nil {
			o.p.fault(o.p.item(s, "needs", i), codeUnknownStep, "name a step that stands earlier in the file", "step %q needs %q, which is not an earlier step", s.ID, id)
		}
		o.together(o.p.item(s, "needs", i), id)
	}
}

// together checks that nothing for which the verdict waits needs a step of a phase that runs aside: the verdict would wait
// for it after all.
func (o *order) together(at *yaml.Node, id string) {
	if phase := o.beside[id]; phase != "" && !o.aside {
		o.p.fault(at, codeAside, "put both aside, or drop aside", "%q is in phase %q, which runs aside: what the verdict waits for cannot wait for it", id, phase)
	}
}

// lesser checks that a lesser measure belongs to an approval that yields to it.
func (o *order) lesser(s *Step) {
	if s.LesserOf == "" {
		return
	}
	at := o.p.value(s, "lesser_of")
	e := o.earlier[s.LesserOf]
	switch {
	case e == nil:
		o.p.fault(at, codeUnknownStep, "name an approval that stands earlier in the file", "step %q is a lesser of %q, which is not an earlier step", s.ID, s.LesserOf)
	case e.Approval == nil:
		o.p.fault(at, codeLesser, "name an approval", "step %q is not an approval", s.LesserOf)
	case e.Approval.OnTimeout != "" && e.Approval.OnTimeout != ProceedWithLesser:
		o.p.fault(at, codeLesser, "write on_timeout: proceed_with_lesser there", "approval %q never proceeds with a lesser step: its on_timeout is %s", s.LesserOf, e.Approval.OnTimeout)
	}
	o.together(at, s.LesserOf)
	if i := slices.Index(s.Needs, s.LesserOf); i >= 0 {
		o.p.fault(o.p.item(s, "needs", i), codeLesser, "drop one of them", "step %q runs only if approval %q is granted and only if it is not", s.ID, s.LesserOf)
	}
}

func (o *order) conditions(s *Step) {
	o.condition(s.When)
	if s.Approval != nil {
		o.condition(s.Approval.AutoWhen)
	}
}

func (o *order) condition(c Condition) {
	for _, alternative := range c {
		for i := range alternative {
			x := &alternative[i]
			if m := stepReference.FindStringSubmatch(string(x.Reference)); m != nil {
				o.reference(x, m[1], m[2])
			}
		}
	}
}

// reference checks a condition on a step: the step stands earlier and can take every value that is named.
func (o *order) reference(x *Comparison, id, attribute string) {
	at := o.p.places[x]
	e := o.earlier[id]
	if e == nil {
		o.p.fault(at.node, codeUnknownStep, "name a step that stands earlier in the file", "%s: %q is not an earlier step", x.Reference, id)
		return
	}
	o.together(at.node, id)
	known := statuses()
	if attribute == "outcome" {
		if known = Outcomes(e); known == nil {
			o.p.fault(at.node, codeUnknownReference, "compare its status", "%s: only a task, an approval and a playbook have an outcome", x.Reference)
			return
		}
	}
	nodes := at.values[""].Content
	for i, v := range x.Values {
		if slices.Contains(known, v) {
			continue
		}
		n := at.values[""]
		if i < len(nodes) {
			n = nodes[i]
		}
		o.p.fault(n, codeCondition, "known: "+commas(known), "%s is never %q", x.Reference, v)
	}
}

func statuses() []string {
	return []string{
		string(incident.Pending), string(incident.Running), string(incident.Done), string(incident.Retrying), string(incident.Failed),
		string(incident.Skipped), string(incident.Undone),
	}
}

// Outcomes lists what steps.<id>.outcome of the step can be, or nil if the step has no outcome.
func Outcomes(s *Step) []string {
	switch {
	case s.Task != nil:
		return s.Task.Reports()
	case s.Approval != nil:
		return []string{
			string(incident.ApprovalGranted), string(incident.ApprovalDenied), string(incident.ApprovalTimedOut), string(incident.ApprovalNotAsked),
		}
	case s.Child != nil:
		return []string{
			string(incident.Contained), string(incident.ContainedWithGaps), string(incident.NotContained), string(incident.FalsePositive),
		}
	}
	return nil
}

func (o *order) child(s *Step) {
	if s.Child != nil && s.Child.Kind != "" && s.Child.Kind == o.kind {
		o.p.fault(o.p.value(s.Child, "kind"), codeChild, "name another kind", "playbook %q would run itself", s.Child.Kind)
	}
}

// decided keeps V1 and design rule 3: state is replaced only after proved evidence, and neither that nor what cannot be
// undone happens without an approval.
func (o *order) decided(s *Step) {
	a, ok := o.p.actions[s.Action]
	if !ok {
		return
	}
	evidence, approval, release := false, false, false
	for _, id := range s.Needs {
		if e := o.earlier[id]; e != nil {
			approval = approval || e.Approval != nil
			release = release || releases(e.Approval)
			evidence = evidence || isEvidence(o.p.actions[e.Action])
		}
	}
	at := o.p.key(s, "action")
	if a.Effect == ReplacesState && !evidence {
		o.p.fault(at, codeEvidenceFirst, "add the snapshot's id to needs", "step %q replaces state but needs no evidence step", s.ID)
	}
	if a.Effect == Deletes && !release {
		o.p.fault(at, codeApprovalFirst, "add to needs the id of an approval that LEG and another role must both give: no auto_when, no escalate_to", "step %q deletes but needs no release by legal and one other", s.ID)
		return
	}
	if a.Name == suspension && s.Targets != inventory.UnpaidConsumers {
		o.byPeople(s)
	}
	if why, needed := needsApproval(a); needed && !approval {
		o.p.fault(at, codeApprovalFirst, "add the approval's id to needs", "step %q %s but needs no approval", s.ID, why)
	}
}

// byPeople keeps V6: a step that can suspend a paying or allow-listed consumer follows from no condition alone.
func (o *order) byPeople(s *Step) {
	for i, id := range s.Needs {
		if e := o.earlier[id]; e != nil && e.Approval != nil && len(e.Approval.AutoWhen) > 0 {
			o.p.fault(o.p.item(s, "needs", i), codeApprovalFirst, "drop its auto_when, or target "+string(inventory.UnpaidConsumers),
				"step %q suspends paying or allow-listed consumers, but %q can be granted by nobody", s.ID, id)
		}
	}
}
