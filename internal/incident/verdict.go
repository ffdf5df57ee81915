package incident

import (
	"fmt"
	"slices"
)

// Verdict is computed from the receipts alone.
type Verdict string

// Contained needs every containment, evidence and notification step proved. A gap is anything else that is missing
// while containment itself is proved.
const (
	NotContained      Verdict = "not_contained"
	Contained         Verdict = "contained"
	ContainedWithGaps Verdict = "contained_with_gaps"
	FalsePositive     Verdict = "false_positive"
)

// Judge computes the verdict and its gaps from the record's steps. Before any containment is proved the answer is
// not_contained: an act without its proof is not containment.
func Judge(r *Record) (Verdict, []string) {
	if r.Verdict == FalsePositive {
		return FalsePositive, nil
	}
	var gaps []string
	contained := false
	failed := false
	for i := range r.Steps {
		s := &r.Steps[i]
		if proved(s) {
			contained = contained || s.Role == RoleContainment
			gaps = append(gaps, openEnds(s)...)
			continue
		}
		if harmless(s) {
			continue
		}
		gaps = append(gaps, gap(s))
		if breaks(s) {
			failed = true
		}
	}
	gaps = append(gaps, recordGaps(r)...)
	switch {
	case failed || !contained:
		if !contained && !failed {
			gaps = append(gaps, "no containment step has been proved")
		}
		return NotContained, gaps
	case len(gaps) > 0:
		return ContainedWithGaps, gaps
	default:
		return Contained, nil
	}
}

func proved(s *Step) bool { return s.Status == Done && s.Verified }

// openEnds are the gaps that the proof of a step names itself.
func openEnds(s *Step) []string {
	var gaps []string
	if s.Receipt != nil && s.Receipt.Proof != nil {
		for _, g := range s.Receipt.Proof.Gaps {
			gaps = append(gaps, fmt.Sprintf("%s: %s on %s: %s", s.ID, s.Action, s.Target, g))
		}
	}
	return gaps
}

// harmless reports whether an unproved step takes nothing away from containment: it had nothing to act on, the playbook
// left it out, or it is a recovery that did not take place, so that its target stays contained.
func harmless(s *Step) bool {
	if s.Status == Skipped && (s.Target == "" || s.Omitted) {
		return true
	}
	return s.Role == RoleRecovery && (s.Status == Skipped || s.Status == Pending)
}

// breaks reports whether the step leaves a target uncontained. A containment that people decided against is their
// decision and a gap. A recovery breaks containment from its act until its proof, unless it was undone.
func breaks(s *Step) bool {
	switch s.Role {
	case RoleContainment:
		return !s.Denied
	case RoleRecovery:
		return s.Status != Undone && s.Receipt != nil && s.Receipt.Effect != nil
	case RoleEvidence, RoleNotification, RoleEradication:
		return false
	}
	return true
}

func gap(s *Step) string {
	text := fmt.Sprintf("%s: %s on %s is %s", s.ID, s.Action, s.Target, s.Status)
	if s.Role == RoleNotification {
		text = fmt.Sprintf("%s: legal is not told in %s (%s)", s.ID, s.Target, s.Status)
	}
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	return text
}

// recordGaps are the gaps that no step shows.
func recordGaps(r *Record) []string {
	var gaps []string
	if r.Radius.PersonalData && !legalAsked(r) {
		gaps = append(gaps, "the blast radius holds personal data and no stakeholder of legal is in the inventory")
	}
	if r.Progress == Settled && r.Evidence.Manifest == "" {
		gaps = append(gaps, "the incident's evidence manifest is not sealed")
	}
	for _, g := range r.Evidence.Gaps {
		gaps = append(gaps, "evidence gap: "+g)
	}
	for i := range r.Alerts {
		if a := &r.Alerts[i]; a.RawBytes > 0 && a.RawURI == "" {
			gaps = append(gaps, fmt.Sprintf("evidence gap: the alert from %s with digest %s is not kept", a.Source, a.RawSHA256))
		}
	}
	for i := range r.Tasks {
		t := &r.Tasks[i]
		if slices.Contains(t.Gaps, t.Outcome) {
			gaps = append(gaps, fmt.Sprintf("%s: %s reports %s", t.Step, t.By, t.Outcome))
		}
		if t.Late {
			gaps = append(gaps, fmt.Sprintf("evidence gap: %s was not reported within its budget of %s; what followed went on without it", t.Step, t.Budget))
		}
	}
	for _, u := range r.Radius.Unknown {
		gaps = append(gaps, "lineage of "+u+" is unknown; it counts as affected")
	}
	gaps = append(gaps, r.Radius.Unreached...)
	return gaps
}

func legalAsked(r *Record) bool {
	for i := range r.Steps {
		if r.Steps[i].Role == RoleNotification && r.Steps[i].Target != "" {
			return true
		}
	}
	return false
}
