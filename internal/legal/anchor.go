package legal

import (
	"fmt"
	"slices"
	"time"
)

// Anchor names an instant from which a duty runs. Duties start at different instants, so each is kept apart.
type Anchor string

// The anchors. DetectedAt is the engine's own and starts provisional clocks only. FiledAt comes from filings. The others
// are findings of people.
const (
	OccurredAtEst      Anchor = "occurred_at_est"
	DetectedAt         Anchor = "detected_at"
	AwareAt            Anchor = "aware_at"
	ClassifiedAt       Anchor = "classified_at"
	MaterialAt         Anchor = "material_at"
	CausalLinkAt       Anchor = "causal_link_at"
	DiscoveredAt       Anchor = "discovered_at"
	ReasonableBeliefAt Anchor = "reasonable_belief_at"
	FiledAt            Anchor = "filed_at"
	// HighRiskAt is when a high risk to persons was established (GDPR Art. 34).
	HighRiskAt Anchor = "high_risk_at"
	// RequestedAt is when an authority asked for a report. ResolvedAt is when the incident was resolved, or the fix of a
	// vulnerability was available.
	RequestedAt Anchor = "requested_at"
	ResolvedAt  Anchor = "resolved_at"
)

// Anchors lists every anchor in the order in which they are shown.
func Anchors() []Anchor {
	return []Anchor{
		OccurredAtEst, DetectedAt, AwareAt, ClassifiedAt, MaterialAt, CausalLinkAt, DiscoveredAt, ReasonableBeliefAt, HighRiskAt,
		RequestedAt, ResolvedAt, FiledAt,
	}
}

// later reports whether the anchor cannot lie at the first signal, so that no provisional clock can run from there.
func (a Anchor) later() bool { return a == FiledAt || a == RequestedAt || a == ResolvedAt }

// AnchorSet is one finding about an anchor. The list of them is only ever appended to: a correction is a further one.
type AnchorSet struct {
	Anchor Anchor `json:"anchor"`
	// At is the instant found. Zero withdraws what was set before: the clocks that need it then show it as missing.
	At time.Time `json:"at,omitzero"`
	// Regimes limits the finding to these clocks, because to be aware of a breach of personal data is not to be aware of a
	// serious incident. Empty means every clock.
	Regimes    []string  `json:"regimes,omitempty"`
	By         string    `json:"by"`
	Role       string    `json:"role"`
	Reason     string    `json:"reason"`
	RecordedAt time.Time `json:"recorded_at"`
}

// Roles that decide on clocks, as the inventory names them.
const (
	RoleLegal   = "LEG"
	RolePrivacy = "PRIV"
)

// Check returns an error unless people of the role may set anchors, dismiss clocks and record filings.
func Check(role string) error {
	if role == RoleLegal || role == RolePrivacy {
		return nil
	}
	return fmt.Errorf("role %q may not decide on legal clocks; %s and %s may", role, RoleLegal, RolePrivacy)
}

// SetAnchor returns the list with one finding more, or an error that says why a person may not record it. The list that
// was passed is not changed.
func SetAnchor(anchors []AnchorSet, set AnchorSet) ([]AnchorSet, error) {
	if err := person(set.By, set.Role, set.Reason); err != nil {
		return anchors, err
	}
	switch {
	case set.Anchor == DetectedAt:
		return anchors, fmt.Errorf("%s is the time of the first signal and is not set by hand", set.Anchor)
	case set.Anchor == FiledAt:
		return anchors, fmt.Errorf("%s is set by recording a filing with its reference", set.Anchor)
	case !slices.Contains(Anchors(), set.Anchor):
		return anchors, fmt.Errorf("anchor %q is not known (known: %v)", set.Anchor, Anchors())
	case set.At.After(set.RecordedAt):
		return anchors, fmt.Errorf("%s cannot be set to %s, which is in the future", set.Anchor, stamp(set.At))
	}
	set.At, set.RecordedAt = set.At.UTC(), set.RecordedAt.UTC()
	set.Regimes = slices.Clone(set.Regimes)
	return append(slices.Clone(anchors), set), nil
}

// person checks who decides and that a reason is given.
func person(by, role, reason string) error {
	switch {
	case by == "":
		return fmt.Errorf("a decision on a legal clock needs a person")
	case reason == "":
		return fmt.Errorf("a decision on a legal clock needs a reason")
	}
	return Check(role)
}

// at returns the instant of an anchor for a regime. Set is false if nobody recorded anything; a zero instant with set true
// means that it was withdrawn. The last finding counts, but knowledge of anyone in the workforce counts from its earliest
// moment (45 CFR 164.404(a)(2)), so of discovered_at the earliest since the last withdrawal does.
func at(anchors []AnchorSet, anchor Anchor, regime string) (found time.Time, set bool) {
	for i := range anchors {
		s := &anchors[i]
		if s.Anchor != anchor || len(s.Regimes) > 0 && !slices.Contains(s.Regimes, regime) {
			continue
		}
		if anchor == DiscoveredAt && !found.IsZero() && !s.At.IsZero() && found.Before(s.At) {
			continue
		}
		found, set = s.At, true
	}
	return found, set
}

// stamp shows an instant to people.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.UTC().Format(time.RFC3339)
}
