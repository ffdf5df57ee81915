package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"firebreak/internal/incident"
)

// recorded is what of the record the statement repeats. Fields of a later version do no harm.
type recorded struct {
	ID         string               `json:"incident_id"`
	Kind       incident.Kind        `json:"kind"`
	Asset      string               `json:"asset"`
	Mode       incident.Mode        `json:"mode"`
	Progress   incident.Progress    `json:"progress"`
	Verdict    incident.Verdict     `json:"verdict"`
	OpenedAt   time.Time            `json:"opened_at"`
	PlanDigest string               `json:"plan_digest"`
	Playbook   incident.PlaybookRef `json:"playbook"`
	Steps      []struct {
		ID       string              `json:"id"`
		Target   string              `json:"target"`
		Action   string              `json:"action"`
		Status   incident.StepStatus `json:"status"`
		Verified bool                `json:"verified"`
		Receipt  json.RawMessage     `json:"receipt"`
	} `json:"steps"`
}

func (r *Report) checkRecord(s *Statement) {
	p := &s.Predicate
	var rec recorded
	if err := json.Unmarshal(p.Record, &rec); err != nil {
		r.add(RecordAspect, "predicate.record", "it cannot be read: %v", err)
		return
	}
	for _, x := range []struct{ name, said, is string }{
		{"incident_id", p.Incident, rec.ID}, {"incident_kind", string(p.Kind), string(rec.Kind)}, {"asset", p.Asset, rec.Asset},
		{"mode", string(p.Mode), string(rec.Mode)}, {"progress", string(p.Progress), string(rec.Progress)}, {"verdict", string(p.Verdict), string(rec.Verdict)},
		{"opened_at", p.OpenedAt.UTC().String(), rec.OpenedAt.UTC().String()}, {"plan_digest", p.PlanDigest, rec.PlanDigest},
		{"playbook_digest", p.PlaybookDigest, rec.Playbook.Digest}, {"inventory_digest", p.InventoryDigest, rec.Playbook.InventoryDigest},
	} {
		if x.said != x.is {
			r.add(RecordAspect, "predicate."+x.name, "it is %q, and the record says %q", x.said, x.is)
		}
	}
	r.checkReceipts(p, &rec)
}

func (r *Report) checkReceipts(p *Predicate, rec *recorded) {
	n := 0
	for i := range rec.Steps {
		step := &rec.Steps[i]
		if len(step.Receipt) == 0 || bytes.Equal(step.Receipt, []byte("null")) {
			continue
		}
		n++
		if n > len(p.Receipts) {
			r.add(ReceiptAspect, fmt.Sprintf("predicate.record.steps[%d]", i), "the receipt of %s on %s is not listed", step.ID, step.Target)
			continue
		}
		listed, where := &p.Receipts[n-1], fmt.Sprintf("predicate.receipts[%d]", n-1)
		switch {
		case listed.Step != step.ID || listed.Target != step.Target || listed.Action != step.Action:
			r.add(ReceiptAspect, where, "it is of %s on %s, and the record has %s on %s there", listed.Step, listed.Target, step.ID, step.Target)
		case listed.Status != step.Status || listed.Verified != step.Verified:
			r.add(ReceiptAspect, where, "%s on %s is said to be %s, verified %t; the record says %s, verified %t", step.ID, step.Target, listed.Status, listed.Verified, step.Status, step.Verified)
		case listed.SHA256 != hexSum(step.Receipt):
			r.add(ReceiptAspect, where, "the receipt of %s on %s hashes to %s, not to %s", step.ID, step.Target, hexSum(step.Receipt), listed.SHA256)
		}
	}
	if n < len(p.Receipts) {
		r.add(ReceiptAspect, "predicate.receipts", "%d are listed, and the record has %d", len(p.Receipts), n)
	}
}

func (r *Report) checkCustody(s *Statement) {
	p := &s.Predicate
	wrong := CheckChain(p.Custody, Genesis(p.Incident, p.Mode))
	for i := range p.Custody {
		if text, ok := wrong[i]; ok {
			r.add(CustodyAspect, fmt.Sprintf("predicate.custody[%d]", i), "%s of %s by %s: %s", p.Custody[i].Action, p.Custody[i].Evidence, p.Custody[i].Actor, text)
		}
	}
	// What somebody handled is in the list, with the digest that it has there.
	for i := range p.Custody {
		e := &p.Custody[i]
		j := slices.IndexFunc(p.Objects, func(o Object) bool { return o.URI() == e.Evidence })
		if j >= 0 && e.SHA256 != "" && e.SHA256 != p.Objects[j].SHA256 {
			r.add(CustodyAspect, fmt.Sprintf("predicate.custody[%d]", i), "%s of %s names the digest %s, and the object is listed with %s", e.Action, e.Evidence, e.SHA256, p.Objects[j].SHA256)
		}
	}
}
