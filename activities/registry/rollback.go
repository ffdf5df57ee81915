// Package registry decides which checkpoint an endpoint loads. No registry and no serving platform vouches for the bytes
// of a checkpoint, so they are hashed, before and after.
package registry

import (
	"context"
	"fmt"
	"strings"
	"time"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/failure"
	"firebreak/activities/serving"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// Rollback is the action checkpoint.rollback: it points an endpoint at its known-good checkpoint. It does not start what
// is stopped.
type Rollback struct {
	platforms serving.Platforms
	api       objects.Reader
}

// NewRollback returns the action. api is an *s3.Client.
func NewRollback(platforms serving.Platforms, api objects.Reader) *Rollback {
	return &Rollback{platforms: platforms, api: api}
}

// Capture saves what the endpoint loads.
func (r *Rollback) Capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	c, _, _, err := r.platforms.KnownGood(op)
	if err != nil {
		return nil, err
	}
	var s serving.Saved
	if s.State, s.Platform, err = c.Capture(ctx, op); err != nil {
		return nil, err
	}
	what := c.Describe(op.Target.Endpoint)
	if s.Loads == "" {
		return nil, failure.New(failure.Unsupported, "roll back %s: %s does not say where it loads its model from; repoint it by hand", op.Target.ID, what)
	}
	return s.Record(what)
}

// Do hashes the known-good checkpoint in the store and, if the digest is the inventory's, points the endpoint at it. It
// refuses an endpoint that somebody else has pointed elsewhere since Capture.
func (r *Rollback) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	c, good, wanted, err := r.platforms.KnownGood(op)
	if err != nil {
		return nil, err
	}
	before, err := serving.ReadSaved(op)
	if err != nil {
		return nil, err
	}
	now, err := c.Observe(ctx, op)
	if err != nil {
		return nil, err
	}
	effect := &incident.Effect{Summary: "this operation pointed it at " + wanted + " before", At: time.Now().UTC()}
	if now.Loads == wanted && now.Pointer == op.ID {
		return effect, nil
	}
	digest, err := r.digest(ctx, good)
	if err != nil {
		return nil, err
	}
	if digest != good.RootDigest {
		return nil, failure.New(failure.EvidenceMismatch, "roll back %s: the bytes of %s hash to %s, and the inventory says %s; nothing was changed",
			op.Target.ID, good.ID, digest, good.RootDigest)
	}
	change, err := c.Load(ctx, op, before, wanted, func(s serving.State) error {
		if s.Loads != wanted && s.Loads != before.Loads {
			return failure.New(failure.TargetChanged, "roll back %s: it points at %s, which is neither what was captured (%s) nor the known-good", op.Target.ID, s.Loads, before.Loads)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	effect.Changed = change.Changed
	effect.Summary = fmt.Sprintf("pointed at %s (%s) instead of %s", good.ID, wanted, before.Loads)
	effect.Facts = map[string]string{incident.FactDigest: digest}
	if by := reverter(op, change); by != "" {
		effect.Facts["reverted_by"] = by
		effect.Summary += "; it had been put back by " + by + " since: pause what applies it (GitOps), or change it there"
	}
	effect.At = time.Now().UTC()
	return effect, nil
}

// reverter names who put back what this operation had done before, or "".
func reverter(op *playbooks.Operation, change serving.Change) string {
	if op.Effect == nil || !op.Effect.Changed || !change.Changed {
		return ""
	}
	if change.Found.Writer == "" {
		return "somebody else"
	}
	return change.Found.Writer
}

// Verify reads the endpoint's object back and hashes the checkpoint's bytes again from the store.
func (r *Rollback) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	c, good, wanted, err := r.platforms.KnownGood(op)
	if err != nil {
		return nil, err
	}
	now, err := c.Observe(ctx, op)
	if err != nil {
		return nil, err
	}
	what := c.Describe(op.Target.Endpoint) + " read back"
	proof := &incident.Proof{Facts: map[string]string{"loads": now.Loads}, At: time.Now().UTC()}
	if now.Loads != wanted {
		proof.Method = fmt.Sprintf("%s: it points at %s, not at %s", what, now.Loads, wanted)
		if now.Writer != "" {
			proof.Method += "; the last to write it besides firebreak was " + now.Writer
		}
		return proof, nil
	}
	digest, err := r.digest(ctx, good)
	if code, _ := failure.CodeOf(err); code == failure.EvidenceMismatch {
		proof.Method = err.Error()
		return proof, nil
	}
	if err != nil {
		return nil, err
	}
	proof.Facts[incident.FactDigest] = digest
	proof.Proved = digest == good.RootDigest
	proof.Method = what + "; bytes of the checkpoint hashed again to " + digest
	if !proof.Proved {
		proof.Method += ", and the inventory says " + good.RootDigest
	}
	proof.At = time.Now().UTC()
	return proof, nil
}

// Undo restores what was captured, byte for byte. It does not put a suspect checkpoint back into service: an endpoint that
// was out of service when it was captured must be out of service again first.
func (r *Rollback) Undo(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	c, _, wanted, err := r.platforms.KnownGood(op)
	if err != nil {
		return nil, err
	}
	before, err := serving.ReadSaved(op)
	if err != nil {
		return nil, err
	}
	change, err := c.Restore(ctx, op, before, serving.Model, func(s serving.State) error {
		switch {
		case s.Loads == before.Loads:
		case s.Loads != wanted:
			return failure.New(failure.TargetChanged, "undo rollback of %s: it points at %s by now, which is not what this operation set", op.Target.ID, s.Loads)
		case before.IsOff("") && !s.IsOff(""):
			return failure.New(failure.Refused, "undo rollback of %s: it is in service, and would serve %s again; disable it first", op.Target.ID, before.Loads)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &incident.Effect{Summary: "it loads " + before.Loads + " as before", Changed: change.Changed, At: time.Now().UTC()}, nil
}

// digest hashes a checkpoint's files in the store. The signature that may be kept beside them is not one of them.
func (r *Rollback) digest(ctx context.Context, c *inventory.Checkpoint) (string, error) {
	at, err := objects.ParseURI(c.URI)
	if err != nil {
		return "", err
	}
	signature := strings.TrimPrefix(serving.PlainURI(c.OMSBundle), "s3://"+at.Bucket+"/")
	return objects.Root(ctx, r.api, at, signature)
}
