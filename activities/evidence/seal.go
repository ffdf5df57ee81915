package evidence

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/manifest"
	"firebreak/internal/manifest/dsse"
	"firebreak/playbooks"
)

// signer signs with a key that the worker never holds.
type signer interface {
	// Key returns the key that signs for a mode: its name and version, and its public half.
	Key(ctx context.Context, mode incident.Mode) (id string, public *dsse.Key, err error)
	// Sign signs a message with the version of a key that Key named.
	Sign(ctx context.Context, id string, message []byte) ([]byte, error)
}

// actor is who the chain of custody names for what the worker does itself.
const actor = "firebreak-worker"

// Seal writes the evidence manifest of incidents.
type Seal struct {
	keep    *Keeper
	custody *Custody
	signer  signer
	history *History
}

// NewSeal returns the activity. api is an *s3.Client, e.g. from NewS3.
func NewSeal(api store, s signer, h *History) *Seal {
	return &Seal{keep: NewKeeper(api), custody: NewCustody(api), signer: s, history: h}
}

// Seal reads every piece of the incident's evidence back, brings the chain of custody up to it, exports the workflow
// history, and states all of it in a signed manifest under Object Lock, which is read back by version id and proved to be
// locked. What cannot be had is a gap in the manifest and never keeps it from being written: a manifest without a
// signature is better evidence than none, and closing the incident tries again.
//
// The manifest's name has the digest of the record in it, so that the same record is sealed once however often this runs,
// and a record that went on is sealed beside the one before.
func (s *Seal) Seal(ctx context.Context, in playbooks.SealInput) (*incident.Evidence, error) {
	if _, err := newLock(in.Store); err != nil {
		return nil, err
	}
	if !in.Record.Mode.Allows(in.Store.Env) {
		return nil, failure.New(failure.Refused, "seal evidence: the store %s is of the environment %q, where a %s incident may keep nothing", in.Store.ID, in.Store.Env, in.Record.Mode)
	}
	record, err := json.Marshal(in.Record)
	if err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	name := "manifest-" + sumOf(record)[:12]
	if done, err := s.sealed(ctx, in, name+".json", true); done != nil || err != nil {
		return done, err
	}
	c, err := s.collect(ctx, in)
	if err != nil {
		return nil, err
	}
	content, signed, err := s.state(ctx, in, c)
	if err != nil {
		return nil, err
	}
	if !signed {
		name += "-unsigned"
		if done, err := s.sealed(ctx, in, name+".json", false); done != nil || err != nil {
			return done, err
		}
	}
	return s.write(ctx, in, c, name+".json", content)
}

// manifestPiece is the manifest of a record as it is put into the store.
func manifestPiece(in playbooks.SealInput, name string, content []byte) piece {
	return piece{key: incidentPrefix(in.Record.ID) + name, contentType: "application/json", bytes: content}
}

// sealed returns what an earlier attempt sealed for the same record, or nil.
func (s *Seal) sealed(ctx context.Context, in playbooks.SealInput, name string, signed bool) (*incident.Evidence, error) {
	v, err := oldest(ctx, s.keep.api, in.Store.Bucket, manifestPiece(in, name, nil).key)
	if v == nil || err != nil {
		return nil, err
	}
	content, sum, err := readAll(ctx, s.keep.api, in.Store.Bucket, *v)
	if err != nil {
		return nil, err
	}
	uri := objects.VersionURI(in.Store.Bucket, v.Key, v.ID)
	e, err := dsse.Decode(content)
	if err != nil {
		return nil, failure.New(failure.EvidenceMismatch, "seal evidence: %s was written by another: %w", uri, err)
	}
	stated, err := manifest.DecodeStatement(e.Payload)
	if err != nil || stated.Predicate.Incident != in.Record.ID || signed != (len(e.Signatures) == 1) {
		return nil, failure.New(failure.EvidenceMismatch, "seal evidence: %s was written by another and is not the manifest of this record", uri)
	}
	return s.finish(ctx, in, stated, objects.Version{Key: v.Key, ID: v.ID}, sum)
}

// state makes the statement and signs it. Without a signature it says so among its gaps.
func (s *Seal) state(ctx context.Context, in playbooks.SealInput, c *collection) (content []byte, signed bool, err error) {
	e := dsse.Envelope{PayloadType: dsse.InToto}
	if c.Signer != "" {
		if e.Payload, err = statement(in, c); err != nil {
			return nil, false, err
		}
		if err := s.sign(ctx, &e, c); err == nil {
			content, err = e.Encode()
			return content, true, err
		} else if ctx.Err() != nil {
			return nil, false, ctx.Err()
		} else {
			c.unsigned(err)
		}
	}
	e.Signatures = nil
	if e.Payload, err = statement(in, c); err != nil {
		return nil, false, err
	}
	content, err = e.Encode()
	return content, false, err
}

func statement(in playbooks.SealInput, c *collection) ([]byte, error) {
	stated, err := manifest.New(&in.Record, c.Contents)
	if err != nil {
		return nil, err
	}
	return stated.Encode()
}

// sign signs the envelope and verifies the signature with the public key: what Vault answers is not taken on trust.
func (s *Seal) sign(ctx context.Context, e *dsse.Envelope, c *collection) error {
	sig, err := s.signer.Sign(ctx, c.Signer, dsse.PAE(e.PayloadType, e.Payload))
	if err != nil {
		return err
	}
	e.Signatures = []dsse.Signature{{KeyID: c.Signer, Sig: sig}}
	return e.Verify(c.public)
}

func (s *Seal) write(ctx context.Context, in playbooks.SealInput, c *collection, name string, content []byte) (*incident.Evidence, error) {
	l, err := newLock(in.Store)
	if err != nil {
		return nil, err
	}
	v, err := place(ctx, s.keep.api, in.Store.Bucket, manifestPiece(in, name, content), l)
	if err != nil {
		return nil, err
	}
	stated := &manifest.Statement{Predicate: manifest.Predicate{Signer: c.Signer, Gaps: c.Gaps, Objects: c.Objects}}
	return s.finish(ctx, in, stated, v, sumOf(content))
}

// finish proves the manifest and records in the chain of custody that it was sealed; the next manifest has that link.
func (s *Seal) finish(ctx context.Context, in playbooks.SealInput, stated *manifest.Statement, v objects.Version, sum string) (*incident.Evidence, error) {
	l, err := newLock(in.Store)
	if err != nil {
		return nil, err
	}
	if err := prove(ctx, s.keep.api, in.Store.Bucket, v, sum, l); err != nil {
		return nil, fmt.Errorf("seal evidence: %w", err)
	}
	uri := objects.VersionURI(in.Store.Bucket, v.Key, v.ID)
	event := manifest.Event{ID: "seal/" + uri, At: time.Now(), Actor: actor, Action: manifest.Sealed, Evidence: uri, SHA256: sum}
	if _, err := s.custody.append(ctx, in.Store, in.Record.ID, in.Record.Mode, []manifest.Event{event}); err != nil {
		return nil, fmt.Errorf("seal evidence: %w", err)
	}
	out := &incident.Evidence{Manifest: uri, SHA256: sum, Signer: stated.Predicate.Signer}
	for i := range stated.Predicate.Objects {
		if o := &stated.Predicate.Objects[i]; o.Kind == manifest.SnapshotObject && o.Proved {
			out.Objects += o.Listed
		}
	}
	if len(stated.Predicate.Gaps) > 0 {
		out.Gaps = stated.Predicate.Gaps
	}
	return out, nil
}

// runOf is the run of the workflow that asks, or "" for the latest.
func runOf(ctx context.Context) string {
	if !activity.IsActivity(ctx) {
		return ""
	}
	return activity.GetInfo(ctx).WorkflowExecution.RunID
}
