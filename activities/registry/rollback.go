// Package registry decides which checkpoint an endpoint loads. No registry and no serving platform vouches for the bytes
// of a checkpoint, so they are hashed, before and after.
package registry

import (
	"context"
	"encoding/json"
	"errors"
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

const (
	// RollbackAnnotation names the operation that set storageUri last.
	RollbackAnnotation = "firebreak.dev/rollback-operation"
	// conflictTries bounds how often the patch is tried when others write the object too.
	conflictTries = 8
)

// platform is the part of Kubernetes that repoints an InferenceService. *serving.Kubernetes has it.
type platform interface {
	Get(context.Context, inventory.Serving) (*serving.InferenceService, error)
	Patch(context.Context, inventory.Serving, map[string]any) (*serving.InferenceService, error)
}

// Rollback is the action checkpoint.rollback: it points a KServe InferenceService at its known-good checkpoint. It does
// not start what is stopped.
type Rollback struct {
	platform platform
	api      objects.Reader
}

// NewRollback returns the action. k8s is a *serving.Kubernetes and api an *s3.Client.
func NewRollback(k8s platform, api objects.Reader) *Rollback {
	return &Rollback{platform: k8s, api: api}
}

// saved is what the InferenceService was like before.
type saved struct {
	StorageURI      string  `json:"storage_uri"`
	ResourceVersion string  `json:"resource_version"`
	Stopped         bool    `json:"stopped"`
	Operation       *string `json:"operation"`
}

// Capture saves the storageUri.
func (r *Rollback) Capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	if err := check(op); err != nil {
		return nil, err
	}
	service, err := r.platform.Get(ctx, op.Target.Endpoint.Serving)
	if err != nil {
		return nil, err
	}
	if service.StorageURI() == "" {
		return nil, failure.New(failure.Unsupported, "roll back %s: its InferenceService has no spec.predictor.model.storageUri; repoint it by hand", op.Target.ID)
	}
	s := saved{StorageURI: service.StorageURI(), ResourceVersion: service.Metadata.ResourceVersion, Stopped: service.Stopped()}
	if v, ok := service.Metadata.Annotations[RollbackAnnotation]; ok {
		s.Operation = &v
	}
	state, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode state of %s: %w", op.Target.ID, err)
	}
	return &incident.Capture{Summary: "it loads " + s.StorageURI, State: state, At: time.Now().UTC()}, nil
}

// Do hashes the known-good checkpoint in the store and, if the digest is the inventory's, points the InferenceService at
// it. It refuses an InferenceService that somebody else has pointed elsewhere since Capture.
func (r *Rollback) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	before, err := readSaved(op)
	if err != nil {
		return nil, err
	}
	wanted := serving.PlainURI(op.Target.KnownGood.URI)
	service, err := r.platform.Get(ctx, op.Target.Endpoint.Serving)
	if err != nil {
		return nil, err
	}
	effect := &incident.Effect{Summary: "this operation pointed it at " + wanted + " before", At: time.Now().UTC()}
	if service.StorageURI() == wanted && service.Metadata.Annotations[RollbackAnnotation] == op.ID {
		return effect, nil
	}
	digest, err := r.digest(ctx, op.Target.KnownGood)
	if err != nil {
		return nil, err
	}
	if digest != op.Target.KnownGood.RootDigest {
		return nil, failure.New(failure.EvidenceMismatch, "roll back %s: the bytes of %s hash to %s, and the inventory says %s; nothing was changed",
			op.Target.ID, op.Target.KnownGood.ID, digest, op.Target.KnownGood.RootDigest)
	}
	effect.Changed, err = r.point(ctx, op, func(service *serving.InferenceService) (map[string]any, error) {
		switch uri := service.StorageURI(); {
		case uri == wanted && service.Metadata.Annotations[RollbackAnnotation] == op.ID:
			return nil, nil
		case uri != wanted && uri != before.StorageURI:
			return nil, failure.New(failure.TargetChanged, "roll back %s: it points at %s, which is neither what was captured (%s) nor the known-good", op.Target.ID, uri, before.StorageURI)
		}
		return patch(service, wanted, op.ID), nil
	})
	if err != nil {
		return nil, err
	}
	effect.Summary = fmt.Sprintf("pointed at %s (%s) instead of %s", op.Target.KnownGood.ID, wanted, before.StorageURI)
	effect.Facts = map[string]string{incident.FactDigest: digest}
	effect.At = time.Now().UTC()
	return effect, nil
}

// Verify reads the InferenceService back and hashes the checkpoint's bytes again from the store.
func (r *Rollback) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	if err := check(op); err != nil {
		return nil, err
	}
	good := op.Target.KnownGood
	service, err := r.platform.Get(ctx, op.Target.Endpoint.Serving)
	if err != nil {
		return nil, err
	}
	uri := service.StorageURI()
	proof := &incident.Proof{Facts: map[string]string{"storage_uri": uri}, At: time.Now().UTC()}
	if wanted := serving.PlainURI(good.URI); uri != wanted {
		proof.Method = fmt.Sprintf("InferenceService read back: it points at %s, not at %s", uri, wanted)
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
	proof.Method = "InferenceService read back; bytes of the checkpoint hashed again to " + digest
	if !proof.Proved {
		proof.Method += ", and the inventory says " + good.RootDigest
	}
	proof.At = time.Now().UTC()
	return proof, nil
}

// Undo restores the storageUri that was captured, byte for byte. It does not put a suspect checkpoint back into service:
// an endpoint that was stopped when it was captured must be stopped again first.
func (r *Rollback) Undo(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	before, err := readSaved(op)
	if err != nil {
		return nil, err
	}
	wanted := serving.PlainURI(op.Target.KnownGood.URI)
	changed, err := r.point(ctx, op, func(service *serving.InferenceService) (map[string]any, error) {
		ours := service.Metadata.Annotations[RollbackAnnotation] == op.ID
		switch uri := service.StorageURI(); {
		case uri == before.StorageURI && !ours:
			return nil, nil
		case uri != before.StorageURI && uri != wanted:
			return nil, failure.New(failure.TargetChanged, "undo rollback of %s: it points at %s by now, which is not what this operation set", op.Target.ID, uri)
		case uri != before.StorageURI && before.Stopped && !service.Stopped():
			return nil, failure.New(failure.Refused, "undo rollback of %s: it is in service, and would serve %s again; disable it first", op.Target.ID, before.StorageURI)
		}
		var operation any
		if before.Operation != nil {
			operation = *before.Operation
		}
		return patch(service, before.StorageURI, operation), nil
	})
	if err != nil {
		return nil, err
	}
	return &incident.Effect{Summary: "it loads " + before.StorageURI + " as before", Changed: changed, At: time.Now().UTC()}, nil
}

// point patches the InferenceService as wanted says of a fresh read, and reports whether it changed anything.
func (r *Rollback) point(ctx context.Context, op *playbooks.Operation, wanted func(*serving.InferenceService) (map[string]any, error)) (bool, error) {
	var conflict error
	for try := range conflictTries {
		if try > 0 {
			select {
			case <-time.After(time.Duration(try) * 20 * time.Millisecond):
			case <-ctx.Done():
				return false, fmt.Errorf("patch %s again: %w", op.Target.ID, ctx.Err())
			}
		}
		service, err := r.platform.Get(ctx, op.Target.Endpoint.Serving)
		if err != nil {
			return false, err
		}
		change, err := wanted(service)
		if err != nil || change == nil {
			return false, err
		}
		_, err = r.platform.Patch(ctx, op.Target.Endpoint.Serving, change)
		if !errors.Is(err, serving.ErrConflict) {
			return err == nil, err
		}
		conflict = err
	}
	return false, conflict
}

// patch points the InferenceService that was read at a URI, unless it has changed since.
func patch(service *serving.InferenceService, uri string, operation any) map[string]any {
	return map[string]any{
		"metadata": map[string]any{
			"resourceVersion": service.Metadata.ResourceVersion,
			"annotations":     map[string]any{RollbackAnnotation: operation},
		},
		"spec": map[string]any{"predictor": map[string]any{"model": map[string]any{"storageUri": uri}}},
	}
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

// check refuses what cannot be rolled back.
func check(op *playbooks.Operation) error {
	if err := serving.RequireKServe(op); err != nil {
		return err
	}
	if good := op.Target.KnownGood; good == nil || good.RootDigest == "" || good.URI == "" {
		return failure.New(failure.Invalid, "%s: endpoint %s has no known-good checkpoint; it stays contained", op.Action, op.Target.ID)
	}
	return nil
}

// readSaved returns the state that Capture saved.
func readSaved(op *playbooks.Operation) (*saved, error) {
	if err := check(op); err != nil {
		return nil, err
	}
	if op.Capture == nil || len(op.Capture.State) == 0 {
		return nil, failure.New(failure.Invalid, "%s of %s: nothing was captured", op.Action, op.Target.ID)
	}
	var s saved
	if err := json.Unmarshal(op.Capture.State, &s); err != nil {
		return nil, failure.New(failure.Invalid, "%s of %s: read captured state: %w", op.Action, op.Target.ID, err)
	}
	return &s, nil
}
