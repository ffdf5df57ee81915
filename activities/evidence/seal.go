package evidence

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	"firebreak/activities/evidence/objects"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// sealSchema names the form of an incident's manifest.
const sealSchema = "firebreak/evidence/v1"

// document is the evidence manifest of an incident: the whole record, and where each snapshot is.
type document struct {
	Schema  string          `json:"schema"`
	Record  incident.Record `json:"record"`
	Objects []snapshotRef   `json:"objects"`
}

// snapshotRef points at the manifest of one snapshot.
type snapshotRef struct {
	Step     string `json:"step"`
	Target   string `json:"target"`
	Manifest string `json:"manifest"`
	SHA256   string `json:"sha256"`
	Objects  int    `json:"objects"`
	Proved   bool   `json:"proved"`
}

// Seal writes the evidence manifest of incidents.
type Seal struct {
	api store
}

// NewSeal returns the activity. api is an *s3.Client, e.g. from NewS3.
func NewSeal(api store) *Seal { return &Seal{api: api} }

// Seal writes the record and the list of its snapshots to the evidence store under Object Lock, reads it back by version
// id, and proves that it is locked. The object's name has the digest of its content in it, so that the same record is
// sealed once however often this runs, and a record that went on is sealed beside the one before.
func (s *Seal) Seal(ctx context.Context, in playbooks.SealInput) (*incident.Evidence, error) {
	l, err := newLock(in.Store)
	if err != nil {
		return nil, err
	}
	doc := document{Schema: sealSchema, Record: in.Record, Objects: snapshots(&in.Record)}
	content, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode evidence manifest: %w", err)
	}
	content = append(content, '\n')
	raw := sha256.Sum256(content)
	sum := hex.EncodeToString(raw[:])
	key := incidentPrefix(in.Record.ID) + "manifest-" + sum[:12] + ".json"
	v, err := place(ctx, s.api, in.Store.Bucket, piece{key: key, contentType: "application/json", bytes: content}, l)
	if err != nil {
		return nil, err
	}
	if err := prove(ctx, s.api, in.Store.Bucket, v, sum, l); err != nil {
		return nil, fmt.Errorf("seal evidence: %w", err)
	}
	return &incident.Evidence{Manifest: objects.VersionURI(in.Store.Bucket, key, v.ID), SHA256: sum, Objects: provedObjects(doc.Objects)}, nil
}

// snapshots lists the evidence steps that have a manifest, in the record's order.
func snapshots(r *incident.Record) []snapshotRef {
	out := []snapshotRef{}
	for i := range r.Steps {
		step := &r.Steps[i]
		if step.Role != incident.RoleEvidence || step.Receipt == nil || step.Receipt.Effect == nil {
			continue
		}
		facts := step.Receipt.Effect.Facts
		n, err := strconv.Atoi(facts[incident.FactObjects])
		if facts[incident.FactManifest] == "" || err != nil {
			continue
		}
		out = append(out, snapshotRef{
			Step: step.ID, Target: step.Target, Manifest: facts[incident.FactManifest], SHA256: facts[incident.FactSHA256], Objects: n, Proved: provedStep(step),
		})
	}
	return out
}
