package registry

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/failure"
	"firebreak/activities/registry/mlflow"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/internal/manifest/dsse"
	"firebreak/playbooks"
)

// Verify is the action checkpoint.verify, the gate before a rollback: it reads the known-good candidate and proves that it is
// what was signed, by a key that is trusted, whole, and safe to load. It changes nothing. What only a person or a sandbox
// can say (evaluations, the trigger suite) is not part of it.
type Verify struct {
	api objects.Reader
	// mlflow and catalogue are nil if there are none.
	mlflow    models
	catalogue *Catalogue
}

// NewVerify returns the action. api is an *s3.Client; the client of MLflow and the catalogue may be nil.
func NewVerify(api objects.Reader, client *mlflow.Client, catalogue *Catalogue) *Verify {
	v := &Verify{api: api, catalogue: catalogue}
	if client != nil {
		v.mlflow = client
	}
	return v
}

// Facts of a candidate that passed.
const (
	factKey    = "signing_key"
	factState  = "versions_sha256"
	factFiles  = "files"
	factSigned = "signature_in_store_since"
)

// Capture says which candidate is looked at.
func (g *Verify) Capture(_ context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	good, _, err := g.check(op)
	if err != nil {
		return nil, err
	}
	return &incident.Capture{Summary: "the candidate is " + good.ID + " at " + good.URI, At: time.Now().UTC()}, nil
}

// Do reads every byte of the candidate. Whatever speaks against it is named at once, and then it is no known-good.
func (g *Verify) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	good, key, err := g.check(op)
	if err != nil {
		return nil, err
	}
	c, err := open(ctx, g.api, good)
	if err != nil {
		return nil, err
	}
	against, files, err := g.examine(ctx, op, c, key)
	if err != nil {
		return nil, err
	}
	if len(against) > 0 {
		return nil, failure.New(failure.EvidenceMismatch, "%s is not known-good: %s", good.ID, enumerate(against))
	}
	return &incident.Effect{
		Summary: fmt.Sprintf("%s is what %s signed: %d files hash to the signed manifest, and none of them runs code when it is loaded", good.ID, good.Signer.Key, files),
		Facts: map[string]string{
			incident.FactDigest: good.RootDigest, factKey: key.Fingerprint(), factState: c.state(), factFiles: strconv.Itoa(files),
			factSigned: c.since.Format(time.RFC3339),
		},
		At: time.Now().UTC(),
	}, nil
}

// Verify asks the store again which versions are current, and the signature what it covers. A version's bytes do not change;
// where the store keeps no versions, they are hashed again.
func (g *Verify) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	good, key, err := g.check(op)
	if err != nil {
		return nil, err
	}
	if op.Effect == nil {
		return nil, failure.New(failure.Invalid, "%s of %s: nothing was verified before", op.Action, op.Target.ID)
	}
	proof := &incident.Proof{At: time.Now().UTC()}
	c, err := open(ctx, g.api, good)
	if code, _ := failure.CodeOf(err); code == failure.EvidenceMismatch {
		proof.Method = err.Error()
		return proof, nil
	}
	if err != nil {
		return nil, err
	}
	signed, err := c.signed(key)
	if err != nil {
		proof.Method = err.Error()
		return proof, nil
	}
	if signed.Root != good.RootDigest {
		proof.Method = "the signature covers " + signed.Root + ", the inventory says " + good.RootDigest
		return proof, nil
	}
	how := "the store has the same current version of every file"
	switch was := op.Effect.Facts[factState]; {
	case was == "" || c.state() == "":
		files, err := c.hash(ctx)
		if err != nil {
			return nil, err
		}
		if against := signed.Differences(files); len(against) > 0 {
			proof.Method = "hashed again, " + enumerate(against)
			return proof, nil
		}
		how = "the store keeps no versions; every file hashed again to what is signed"
	case was != c.state():
		proof.Method = "the store has other current versions of the files than those that were hashed"
		return proof, nil
	}
	proof.Proved = true
	proof.Method = "signature read and verified again; " + how
	proof.Facts = map[string]string{incident.FactDigest: signed.Root}
	return proof, nil
}

// Undo has nothing to undo.
func (g *Verify) Undo(context.Context, *playbooks.Operation) (*incident.Effect, error) {
	return &incident.Effect{Summary: "nothing was changed", At: time.Now().UTC()}, nil
}

// check refuses what cannot be verified, and returns the candidate and the key that must have signed it.
func (g *Verify) check(op *playbooks.Operation) (*inventory.Checkpoint, *dsse.Key, error) {
	good := op.Target.KnownGood
	switch {
	case op.Target.Kind != inventory.EndpointTarget || good == nil || good.RootDigest == "" || good.URI == "":
		return nil, nil, failure.New(failure.Invalid, "%s: %s has no known-good checkpoint; it stays contained", op.Action, op.Target.ID)
	case good.OMSBundle == "" || op.Target.Signer == nil:
		return nil, nil, failure.New(failure.Invalid, "%s: the key %q of %s is not in the inventory; add its public half to signing_keys", op.Action, good.Signer.Key, good.ID)
	}
	key, err := dsse.ParseKey([]byte(op.Target.Signer.PublicKey))
	if err != nil {
		return nil, nil, failure.New(failure.Invalid, "%s: signing key %s: %w", op.Action, op.Target.Signer.ID, err)
	}
	return good, key, nil
}
