package playbooks

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

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
	// Oncall is where the incident's thread is.
	Oncall inventory.Oncall `json:"oncall,omitzero"`
	Brief  Brief            `json:"brief"`
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
	radius.CompromisedSince = req.CompromisedSince
	inv.Cluster(&radius, req.Cluster)
	p := &Plan{
		Playbook: *file.Playbook, File: file.Name, PlaybookDigest: file.Digest, InventoryDigest: inv.Digest(),
		Radius: radius, Targets: map[string][]inventory.Target{}, People: inv.People, Oncall: inv.Oncall,
	}
	if err := p.resolve(inv, req.Mode); err != nil {
		return nil, err
	}
	if err := p.store(inv, req.Mode); err != nil {
		return nil, err
	}
	if p.Brief, err = brief(p, inv, req); err != nil {
		return nil, err
	}
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
