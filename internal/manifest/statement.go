package manifest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"firebreak/internal/incident"
)

// StatementType is that of in-toto statements (https://github.com/in-toto/attestation, v1).
const StatementType = "https://in-toto.io/Statement/v1"

// The predicate types. Evidence of a drill has a type, a key and a store of its own, so that it never passes for that of a
// live incident.
const (
	LiveType  = "urn:firebreak:incident-evidence:v1"
	DrillType = "urn:firebreak:drill-evidence:v1"
)

// MaxBytes bounds a manifest. Temporal bounds the record in it to 2 MiB.
const MaxBytes = 64 << 20

// TypeOf returns the predicate type of a mode.
func TypeOf(mode incident.Mode) string {
	if mode == incident.Live {
		return LiveType
	}
	return DrillType
}

// Statement is the evidence manifest of an incident, as an in-toto statement. Its one subject is the incident, named by
// the root digest of its evidence.
type Statement struct {
	Type          string    `json:"_type"`
	Subject       []Subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     Predicate `json:"predicate"`
}

// Subject names the incident and the root digest of its objects and its record (see Root).
type Subject struct {
	Name   string        `json:"name"`
	Digest SubjectDigest `json:"digest"`
}

// SubjectDigest is a SHA-256 in hexadecimal.
type SubjectDigest struct {
	SHA256 string `json:"sha256"`
}

// Predicate is what is stated of an incident.
type Predicate struct {
	Incident string            `json:"incident_id"`
	Kind     incident.Kind     `json:"incident_kind"`
	Asset    string            `json:"asset"`
	Mode     incident.Mode     `json:"mode"`
	Progress incident.Progress `json:"progress"`
	Verdict  incident.Verdict  `json:"verdict"`
	OpenedAt time.Time         `json:"opened_at"`
	SealedAt time.Time         `json:"sealed_at"`
	// Signer is the key that signs, as name:version; nothing outside the statement can say otherwise unseen. It is empty in
	// a manifest that could not be signed.
	Signer string `json:"signer"`
	// SignerKey is the fingerprint of its public key.
	SignerKey       string    `json:"signer_key"`
	Store           StoreRef  `json:"store"`
	PlaybookDigest  string    `json:"playbook_digest"`
	InventoryDigest string    `json:"inventory_digest"`
	PlanDigest      string    `json:"plan_digest"`
	Receipts        []Receipt `json:"receipts"`
	Objects         []Object  `json:"objects"`
	Custody         []Event   `json:"custody"`
	// Gaps is what is missing from the evidence, for people.
	Gaps []string `json:"gaps"`
	// Record is the whole incident.Record.
	Record json.RawMessage `json:"record"`
}

// StoreRef is where the evidence is kept.
type StoreRef struct {
	ID     string `json:"id"`
	Bucket string `json:"bucket"`
	Env    string `json:"env"`
}

// Receipt is the digest of one step's receipt in the record.
type Receipt struct {
	Operation string              `json:"operation"`
	Step      string              `json:"step"`
	Target    string              `json:"target"`
	Action    string              `json:"action"`
	Status    incident.StepStatus `json:"status"`
	Verified  bool                `json:"verified"`
	SHA256    string              `json:"sha256"`
}

// Contents is what a statement is made from besides the record.
type Contents struct {
	SealedAt          time.Time
	Signer, SignerKey string
	Store             StoreRef
	Objects           []Object
	Custody           []Event
	Gaps              []string
}

// New states what a record and its evidence hold.
func New(r *incident.Record, c Contents) (*Statement, error) {
	record, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	receipts, err := receiptsOf(r)
	if err != nil {
		return nil, err
	}
	objects := append([]Object{}, c.Objects...)
	slices.SortFunc(objects, func(a, b Object) int { return cmp.Compare(a.URI(), b.URI()) })
	s := &Statement{
		Type: StatementType, PredicateType: TypeOf(r.Mode),
		Predicate: Predicate{
			Incident: r.ID, Kind: r.Kind, Asset: r.Asset, Mode: r.Mode, Progress: r.Progress, Verdict: r.Verdict,
			OpenedAt: r.OpenedAt.UTC(), SealedAt: c.SealedAt.UTC(), Signer: c.Signer, SignerKey: c.SignerKey, Store: c.Store,
			PlaybookDigest: r.Playbook.Digest, InventoryDigest: r.Playbook.InventoryDigest, PlanDigest: r.PlanDigest,
			Receipts: receipts, Objects: objects, Custody: append([]Event{}, c.Custody...), Gaps: append([]string{}, c.Gaps...), Record: record,
		},
	}
	root, err := s.root()
	if err != nil {
		return nil, err
	}
	s.Subject = []Subject{{Name: r.ID, Digest: SubjectDigest{SHA256: root}}}
	return s, nil
}

func receiptsOf(r *incident.Record) ([]Receipt, error) {
	out := []Receipt{}
	for i := range r.Steps {
		step := &r.Steps[i]
		if step.Receipt == nil {
			continue
		}
		content, err := json.Marshal(step.Receipt)
		if err != nil {
			return nil, fmt.Errorf("encode receipt of %s: %w", step.ID, err)
		}
		out = append(out, Receipt{
			Operation: step.Receipt.Operation, Step: step.ID, Target: step.Target, Action: step.Action,
			Status: step.Status, Verified: step.Verified, SHA256: hexSum(content),
		})
	}
	return out, nil
}

// root is the root digest over the objects and the record, in hexadecimal.
func (s *Statement) root() (string, error) {
	files := []File{{Name: "record", SHA256: hexSum(s.Predicate.Record)}}
	for i := range s.Predicate.Objects {
		o := &s.Predicate.Objects[i]
		files = append(files, File{Name: o.URI(), SHA256: o.SHA256})
	}
	root, err := Root(files)
	if err != nil {
		return "", err
	}
	return root[len("sha256:"):], nil
}

// Encode writes a statement as the payload of an envelope.
func (s *Statement) Encode() ([]byte, error) {
	content, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode statement: %w", err)
	}
	return content, nil
}

// DecodeStatement reads what Encode wrote and nothing else. A field that is repeated, at whatever depth, is an error, as is
// any spelling that Encode does not use: a reader who takes the last of two values must not see another statement than one
// who takes the first.
func DecodeStatement(content []byte) (*Statement, error) {
	if err := checkUnique(content); err != nil {
		return nil, fmt.Errorf("decode statement: %w", err)
	}
	var s Statement
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("decode statement: %w", err)
	}
	again, err := s.Encode()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, content) {
		return nil, errors.New("decode statement: it is not in the form in which statements are written")
	}
	return &s, nil
}
