package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// Kinds of credentials, as the inventory calls them.
const (
	kindLease   = "vault-lease"
	kindAppRole = "vault-approle"
	kindToken   = "vault-token"
)

// Probe uses the data of a leased credential against the service that it opens.
type Probe interface {
	// Refused reports whether the service refused the credential itself, and says how, e.g. "ListBuckets answered 403
	// InvalidAccessKeyId". A credential that the service knows but that lacks a right is not refused. An error means that
	// it could not be observed. Neither text may hold anything of data.
	Refused(ctx context.Context, data map[string]any) (refused bool, how string, err error)
}

// Revoke is the action vault.revoke.
type Revoke struct {
	server  server
	transit transit
	probe   Probe
	// patience is how long Capture waits until a new canary works: upstreams such as IAM are eventually consistent.
	patience time.Duration
}

// NewRevoke returns the action for a Vault. Canaries are encrypted with transitKey of the transit engine mounted at
// transit/. Without a probe, leases that were issued before a revocation are never proved to be refused.
func NewRevoke(client *api.Client, transitKey string, probe Probe) *Revoke {
	s := server{client: client}
	return &Revoke{server: s, transit: transit{server: s, key: transitKey}, probe: probe, patience: 15 * time.Second}
}

// credential is what each kind of credential does in the four stages. The state is Capture.State, decoded by the kind.
type credential interface {
	capture(context.Context) (summary string, state any, err error)
	do(context.Context) (*incident.Effect, error)
	verify(ctx context.Context, state json.RawMessage) (*findings, error)
	undo(ctx context.Context, state json.RawMessage) (*incident.Effect, error)
}

// Capture records what Undo needs and issues a canary for Verify. It refuses protected credentials. Run twice, it issues
// two canaries; the revocation takes both.
func (r *Revoke) Capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	c, err := r.revocable(op)
	if err != nil {
		return nil, err
	}
	summary, state, err := c.capture(ctx)
	if err != nil {
		return nil, fmt.Errorf("capture credential %s: %w", op.Target.ID, err)
	}
	encoded, err := json.Marshal(state)
	if err != nil {
		return nil, fmt.Errorf("encode state of credential %s: %w", op.Target.ID, err)
	}
	return &incident.Capture{Summary: summary, State: encoded, At: time.Now().UTC()}, nil
}

// Do disables issuing, then revokes what was issued, synchronously. Changed is false if there was nothing left to do.
func (r *Revoke) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	c, err := r.revocable(op)
	if err != nil {
		return nil, err
	}
	effect, err := c.do(ctx)
	if err != nil {
		return nil, fmt.Errorf("revoke credential %s: %w", op.Target.ID, err)
	}
	effect.At = time.Now().UTC()
	return effect, nil
}

// Verify reads back what Do should have removed and uses the canary. The proof holds only if every finding does.
func (r *Revoke) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	c, err := r.credential(op)
	if err != nil {
		return nil, err
	}
	found, err := c.verify(ctx, captured(op))
	if err != nil {
		return nil, fmt.Errorf("verify revocation of credential %s: %w", op.Target.ID, err)
	}
	return found.proof(), nil
}

// Undo lets the credential be issued again. What was revoked stays revoked (invariant V11).
func (r *Revoke) Undo(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	c, err := r.credential(op)
	if err != nil {
		return nil, err
	}
	effect, err := c.undo(ctx, captured(op))
	if err != nil {
		return nil, fmt.Errorf("restore issuing of credential %s: %w", op.Target.ID, err)
	}
	effect.At = time.Now().UTC()
	return effect, nil
}

func captured(op *playbooks.Operation) json.RawMessage {
	if op.Capture == nil {
		return nil
	}
	return op.Capture.State
}

// revocable is credential for the stages that lead to a revocation, which a protected credential never sees (V11).
func (r *Revoke) revocable(op *playbooks.Operation) (credential, error) {
	if t := op.Target.Credential; t != nil && t.Protected {
		return nil, failure.New(failure.Refused, "credential %s is protected: it is firebreak's own or for emergencies, and is never revoked by a playbook", t.ID)
	}
	return r.credential(op)
}

func (r *Revoke) credential(op *playbooks.Operation) (credential, error) {
	t := op.Target.Credential
	if t == nil {
		return nil, failure.New(failure.Invalid, "target %s is not a credential", op.Target.ID)
	}
	switch t.Kind {
	case kindLease:
		return r.lease(t)
	case kindAppRole:
		return r.appRole(t)
	case kindToken:
		return r.token(t)
	default:
		return nil, failure.New(failure.Unsupported, "credential %s is of kind %s, which firebreak cannot revoke; %s, then tell its owner %s",
			t.ID, t.Kind, byHand(t), t.Reissue.Owner)
	}
}

// byHand says what a person does about a credential that no adapter revokes.
func byHand(t *inventory.Credential) string {
	var what string
	switch t.Kind {
	case "api-key":
		what = "block the key at the gateway and rotate it by hand"
	case "cloud-role":
		what = "attach a policy by hand that denies tokens issued before now (aws:TokenIssueTime)"
	case "hub-token":
		what = "revoke the token by hand in the hub's settings"
	default:
		what = "revoke it by hand where it is issued"
	}
	if len(t.Revoke.Order) > 0 {
		what += " (the inventory's order: " + strings.Join(t.Revoke.Order, ", ") + ")"
	}
	return what
}

// reissue says how owners get new credentials.
func reissue(t *inventory.Credential) string {
	owner := t.Reissue.Owner
	if owner == "" {
		owner = "its owner"
	}
	return fmt.Sprintf("%s issues it anew: %s", owner, t.Reissue.How)
}

// pathLike is what a mount, role, prefix or accessor of the inventory may consist of.
var pathLike = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.\-/]*$`)

// checkPath refuses a path that is empty, is the inventory's "none", or could lead elsewhere than it says.
func checkPath(t *inventory.Credential, key, value string) error {
	if value == "none" || strings.Contains(value, "..") || !pathLike.MatchString(value) {
		return failure.New(failure.Invalid, "credential %s: vault.%s %q is not a path in Vault", t.ID, key, value)
	}
	return nil
}

// decode reads a state that capture made.
func decode[S any](raw json.RawMessage) (S, error) {
	var s S
	if len(raw) == 0 {
		return s, failure.New(failure.Invalid, "the prior state was not captured")
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, failure.New(failure.Invalid, "decode the captured state: %w", err)
	}
	return s, nil
}
