package page

import (
	"cmp"
	"strings"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/internal/picture"
)

// graph is the blast radius as the page draws it. Note says what is missing of its lines.
type graph struct {
	picture.Graph
	Note string
}

// newGraph draws the radius of the record with what the steps have proved. Without an inventory there are no lines.
func newGraph(r *incident.Record, inv *inventory.Inventory) graph {
	steps := map[string][]*incident.Step{}
	for i := range r.Steps {
		s := &r.Steps[i]
		steps[s.Target] = append(steps[s.Target], s)
	}
	g := graph{Graph: picture.New(picture.Subject{Asset: r.Asset, Radius: r.Radius, Inventory: inv, Whole: "record", State: func(id string) (picture.Mark, string) {
		m, proof := assetState(steps[id])
		return picture.Mark(m), proof
	}})}
	switch {
	case inv == nil:
		g.Note = "No inventory is at hand: the lineage between these assets is not drawn."
	case inv.Digest() != r.Playbook.InventoryDigest && r.Playbook.InventoryDigest != "":
		g.Note = "The inventory has changed since the plan was made: the lines show it as it is now."
	}
	return g
}

// assetState says what the steps have proved of one asset, worst first: an act without its proof is not containment.
func assetState(steps []*incident.Step) (mark, string) {
	var best *incident.Step
	rank := func(s *incident.Step) int {
		proved := s.Status == incident.Done && s.Verified
		needless := s.Status == incident.Skipped && s.Omitted
		switch {
		case needless:
			return 0
		case s.Role == incident.RoleContainment && !proved:
			return 6
		case s.Role == incident.RoleRecovery && !proved && s.Receipt != nil && s.Receipt.Effect != nil && s.Status != incident.Undone:
			return 5
		case s.Role == incident.RoleRecovery && proved:
			return 4
		case s.Role == incident.RoleContainment:
			return 3
		case s.Role == incident.RoleEradication:
			return 2
		case s.Role == incident.RoleEvidence && !proved:
			return 2
		case s.Role == incident.RoleEvidence:
			return 1
		}
		return 0
	}
	for _, s := range steps {
		if rank(s) > 0 && (best == nil || rank(s) >= rank(best)) {
			best = s
		}
	}
	if best == nil {
		return mark{"no step acts on it", "–", "none"}, ""
	}
	return assetMark(best), proofOf(best)
}

func assetMark(s *incident.Step) mark {
	m := stepMark(s)
	if m.Class == "good" {
		switch s.Role {
		case incident.RoleContainment:
			m.Word = "contained, proved"
		case incident.RoleRecovery:
			m.Word = "recovered, proved"
		case incident.RoleEradication:
			m.Word = "quarantined, proved"
		case incident.RoleEvidence, incident.RoleNotification:
			m.Word = "preserved, proved"
		}
		return m
	}
	switch s.Role {
	case incident.RoleContainment:
		m.Word = "NOT contained: " + m.Word
	case incident.RoleRecovery:
		m.Word = "recovery " + m.Word
	case incident.RoleEradication:
		m.Word = "quarantine " + m.Word
	case incident.RoleEvidence, incident.RoleNotification:
		m.Word = "evidence " + m.Word
	}
	return m
}

// proofOf is how a step was proved, or why it was not.
func proofOf(s *incident.Step) string {
	text := cmp.Or(s.HowFar, s.Reason)
	if text == "" && s.Receipt != nil && s.Receipt.Proof != nil {
		text = s.Receipt.Proof.Method
	}
	return strings.TrimSpace(text)
}
