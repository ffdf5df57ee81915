package playbooks

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// Plan is a playbook resolved against the inventory for one incident. It is made once, by the first activity, and is in
// workflow history from then on: neither an edit of the playbook nor of the inventory changes an incident in flight.
type Plan struct {
	Playbook        Playbook        `json:"playbook"`
	File            string          `json:"file"`
	PlaybookDigest  string          `json:"playbook_digest"`
	InventoryDigest string          `json:"inventory_digest"`
	Radius          incident.Radius `json:"blast_radius"`
	// Targets maps a step's id to what it acts on.
	Targets map[string][]inventory.Target `json:"targets"`
	// People decide on approvals.
	People []inventory.Person `json:"people"`
	// Store is where evidence goes.
	Store inventory.Store `json:"store"`
	Brief Brief           `json:"brief"`
	// Digest covers everything above that decides what is done to what; approvals are bound to it.
	Digest string `json:"digest"`
}

// NewPlan resolves the playbook's targets for the request. It touches nothing.
func NewPlan(file *File, inv *inventory.Inventory, req incident.Request) (*Plan, error) {
	if req.PlaybookDigest != "" && req.PlaybookDigest != file.Digest {
		return nil, fmt.Errorf("the request expects playbook %s, the worker has %s (%s)", req.PlaybookDigest, file.Digest, file.Name)
	}
	if err := inv.CheckAsset(req.Asset); err != nil {
		return nil, err
	}
	if env := inv.Env(req.Asset); !req.Mode.Allows(env) {
		return nil, fmt.Errorf("asset %s is in environment %q, which a %s incident may not touch", req.Asset, env, req.Mode)
	}
	radius, err := inv.BlastRadius(req.Asset)
	if err != nil {
		return nil, err
	}
	p := &Plan{
		Playbook: *file.Playbook, File: file.Name, PlaybookDigest: file.Digest, InventoryDigest: inv.Digest(),
		Radius: radius, Targets: map[string][]inventory.Target{}, People: inv.People,
	}
	if err := p.resolve(inv, req.Mode); err != nil {
		return nil, err
	}
	if err := p.store(inv, req.Mode); err != nil {
		return nil, err
	}
	p.Brief = brief(p, inv, req)
	if p.Digest, err = p.digest(req); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Plan) resolve(inv *inventory.Inventory, mode incident.Mode) error {
	var failed error
	p.Playbook.Walk(func(_ string, s *Step) {
		if s.Action == "" || failed != nil {
			return
		}
		p.Targets[s.ID], failed = inv.Resolve(s.Targets, p.Radius, mode)
	})
	return failed
}

// store picks the evidence store: a drill's evidence can never be taken for a live one's.
func (p *Plan) store(inv *inventory.Inventory, mode incident.Mode) error {
	env := "prod"
	if mode == incident.Drill {
		env = "drill"
	}
	s := inv.EvidenceStore(env)
	if s == nil {
		return fmt.Errorf("the inventory has no evidence store of environment %q (stores[].env)", env)
	}
	p.Store = *s
	return nil
}

// digest hashes what an approver must be sure of: the steps, every resolved target and the mode.
func (p *Plan) digest(req incident.Request) (string, error) {
	raw, err := json.Marshal(struct {
		Playbook, Inventory string
		Kind                incident.Kind
		Asset               string
		Mode                incident.Mode
		Targets             map[string][]inventory.Target
		Store               inventory.Store
	}{p.PlaybookDigest, p.InventoryDigest, req.Kind, req.Asset, req.Mode, p.Targets, p.Store})
	if err != nil {
		return "", fmt.Errorf("encode plan: %w", err)
	}
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// brief collects the facts for legal. It draws no conclusions and sets no anchor of a clock.
func brief(p *Plan, inv *inventory.Inventory, req incident.Request) Brief {
	b := Brief{
		Kind: req.Kind, Mode: req.Mode, Title: p.Playbook.Title, Asset: req.Asset, Summary: req.Summary,
		DetectedAt: req.DetectedAt, Radius: p.Radius,
	}
	for _, id := range inv.DataOf(p.Radius) {
		d := inv.Dataset(id)
		b.Data = append(b.Data, fmt.Sprintf("%s: %s, about %d persons (%s), we are %s, legal basis %s",
			d.ID, d.Sensitivity, d.Subjects.Estimate, jurisdictions(d.Subjects.ByJurisdiction), d.ControllerRole, d.LegalBasis))
	}
	for _, id := range p.Radius.Models {
		if s := inv.System(inv.Model(id).System); s != nil {
			for _, r := range regimes(inv.Profile(s.Profile)) {
				if !slices.Contains(b.Regimes, r) {
					b.Regimes = append(b.Regimes, r)
				}
			}
		}
	}
	p.Playbook.Walk(func(_ string, s *Step) {
		if a, ok := FindAction(s.Action); ok && a.Role == incident.RoleContainment {
			for _, t := range p.Targets[s.ID] {
				b.Actions = append(b.Actions, s.Action+" on "+t.ID)
			}
		}
	})
	return b
}

func jurisdictions(by map[string]int) string {
	var out []string
	for k, n := range by {
		out = append(out, fmt.Sprintf("%s %d", k, n))
	}
	slices.Sort(out)
	return commas(out)
}

// regimes names the regimes that a profile is subject to. Which of them apply is counsel's decision.
func regimes(p *inventory.RegulatoryProfile) []string {
	if p == nil {
		return nil
	}
	var out []string
	add := func(applies bool, name string) {
		if applies {
			out = append(out, name)
		}
	}
	given := func(s string) bool { return s != "" && s != "none" }
	add(given(p.GDPR.Role), "GDPR Art. 33 ("+p.GDPR.Role+", lead authority "+p.GDPR.LeadSA+")")
	add(p.AIAct.Class == "high", "EU AI Act Art. 73 ("+p.AIAct.Role+" of a high-risk system)")
	add(given(p.NIS2), "NIS2 Art. 23 ("+p.NIS2+" entity)")
	add(p.DORA, "DORA (RTS 2025/301)")
	add(p.SEC, "SEC Form 8-K Item 1.05")
	add(given(p.HIPAA), "HIPAA 45 CFR 164.404")
	add(p.GPAISystemic, "EU AI Act Art. 55 (general-purpose AI with systemic risk)")
	add(p.CASB53, "California SB 53")
	for _, s := range p.USStates {
		out = append(out, "US state law: "+s)
	}
	for _, c := range p.Contracts {
		out = append(out, fmt.Sprintf("contract with %s: %d h", c.Party, c.NotifyHours))
	}
	return out
}
