package vault

import (
	"context"
	"encoding/json"
	"strings"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// Kinds of credentials, as the inventory calls them.
const (
	kindLease    = "vault-lease"
	kindDatabase = "vault-database"
	kindAWS      = "vault-aws"
	kindAppRole  = "vault-approle"
	kindSecretID = "vault-secret-id"
	kindToken    = "vault-token"
	kindPKI      = "vault-pki"
	kindTransit  = "vault-transit"
	kindKV       = "vault-kv"
)

// credential is what each kind of credential does in the four stages. The state is Capture.State, decoded by the kind.
type credential interface {
	capture(context.Context) (summary string, state any, err error)
	do(ctx context.Context, state json.RawMessage) (*incident.Effect, error)
	verify(context.Context, past) (*findings, error)
	undo(ctx context.Context, state json.RawMessage) (*incident.Effect, error)
}

// past is what happened to a credential before it is verified.
type past struct {
	state json.RawMessage
	// effect is nil as long as Do has not come to its end.
	effect *incident.Effect
}

// credential returns what deals with the target's kind.
func (r *Revoke) credential(op *playbooks.Operation) (credential, error) {
	t := op.Target.Credential
	if t == nil {
		return nil, failure.New(failure.Invalid, "target %s is not a credential", op.Target.ID)
	}
	switch t.Kind {
	case kindLease:
		return r.lease(t)
	case kindDatabase:
		return r.databaseRole(t)
	case kindAWS:
		return r.awsRole(t)
	case kindAppRole:
		return r.appRole(t)
	case kindSecretID:
		return r.secretIDs(t)
	case kindToken:
		return r.token(t)
	case kindPKI:
		return r.certificates(t)
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
	case kindTransit:
		what = "rotate the key with the action vault.rotate"
	case kindKV:
		what = "withdraw its versions with the action vault.withdraw and rotate what they hold where it is issued"
	default:
		what = "revoke it by hand where it is issued"
	}
	if len(t.Revoke.Order) > 0 {
		what += " (the inventory's order: " + strings.Join(t.Revoke.Order, ", ") + ")"
	}
	return what
}
