package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// token is a single token, named by its accessor.
type token struct {
	server server
	of     *inventory.Credential
	// copyPath and copyField say where a copy of the token is kept in KV v2; both are "" if nowhere.
	copyPath, copyField string
}

// tokenState is Capture.State of a token.
type tokenState struct {
	Known       bool        `json:"known"`
	DisplayName string      `json:"display_name,omitempty"`
	Path        string      `json:"path,omitempty"`
	Policies    []string    `json:"policies,omitempty"`
	TTL         json.Number `json:"ttl,omitempty"`
	CreatedAt   json.Number `json:"creation_time,omitempty"`
	// Worked is true if the copy was used before the revocation and is the token of the accessor.
	Worked bool   `json:"copy_worked"`
	Gap    string `json:"gap,omitempty"`
}

func (r *Revoke) token(t *inventory.Credential) (*token, error) {
	if err := checkPath(t, "accessor", t.Vault.Accessor); err != nil {
		return nil, err
	}
	out := &token{server: r.server, of: t}
	if t.Vault.TokenRef == "" {
		return out, nil
	}
	path, field, ok := strings.Cut(t.Vault.TokenRef, "#")
	if err := checkPath(t, "token_ref", path); err != nil || !ok || field == "" {
		return nil, failure.New(failure.Invalid, "credential %s: vault.token_ref %q is not of the form mount/data/name#field", t.ID, t.Vault.TokenRef)
	}
	out.copyPath, out.copyField = path, field
	return out, nil
}

func (k *token) capture(ctx context.Context) (string, any, error) {
	accessor := k.of.Vault.Accessor
	secret, err := k.server.accessor(ctx, accessor)
	if err != nil {
		return "", nil, err
	}
	if secret == nil {
		return fmt.Sprintf("no token has the accessor %s", accessor), tokenState{Gap: "the token was gone already"}, nil
	}
	state := tokenState{Known: true}
	state.DisplayName, _ = secret.Data["display_name"].(string)
	state.Path, _ = secret.Data["path"].(string)
	state.TTL, _ = secret.Data["ttl"].(json.Number)
	state.CreatedAt, _ = secret.Data["creation_time"].(json.Number)
	if state.Policies, err = secret.TokenPolicies(); err != nil {
		return "", nil, fmt.Errorf("read policies of accessor %s: %w", accessor, err)
	}
	used, err := k.use(ctx)
	if err != nil {
		return "", nil, err
	}
	if state.Worked = used.works && used.same; !state.Worked {
		state.Gap = used.how
	}
	return fmt.Sprintf("token %q of %s with policies %s, %s seconds to live; %s",
		state.DisplayName, state.Path, strings.Join(state.Policies, ", "), state.TTL, used.how), state, nil
}

// usage is what came of using the copy of the token.
type usage struct {
	// tried is false if there is no copy.
	tried, works, same bool
	how                string
}

// use reads the copy of the token into memory and lets it look itself up.
func (k *token) use(ctx context.Context) (usage, error) {
	if k.copyPath == "" {
		return usage{how: "the inventory names no copy of the token to use"}, nil
	}
	secret, err := k.server.read(ctx, k.copyPath)
	if err != nil {
		return usage{}, err
	}
	var copied string
	if secret != nil {
		data, _ := secret.Data["data"].(map[string]any)
		copied, _ = data[k.copyField].(string)
	}
	if copied == "" {
		return usage{how: fmt.Sprintf("%s has no field %s", k.copyPath, k.copyField)}, nil
	}
	holder, err := k.server.as(copied)
	if err != nil {
		return usage{}, err
	}
	self, err := holder.self(ctx)
	switch {
	case err != nil:
		return usage{}, err
	case self == nil:
		return usage{tried: true, how: "the copy of the token is refused with 403"}, nil
	case self.Data["accessor"] != k.of.Vault.Accessor:
		return usage{tried: true, works: true, how: "the copy is another token by now"}, nil
	default:
		return usage{tried: true, works: true, same: true, how: "the copy of the token works"}, nil
	}
}

func (k *token) do(ctx context.Context, _ json.RawMessage) (*incident.Effect, error) {
	accessor := k.of.Vault.Accessor
	own, err := k.server.own(ctx)
	if err != nil {
		return nil, err
	}
	if own.Data["accessor"] == accessor {
		return nil, failure.New(failure.Refused, "accessor %s is the worker's own token", accessor)
	}
	secret, err := k.server.accessor(ctx, accessor)
	if err != nil {
		return nil, err
	}
	if secret == nil {
		return &incident.Effect{Summary: fmt.Sprintf("no token with accessor %s was left", accessor)}, nil
	}
	if err := k.server.revokeAccessor(ctx, accessor); err != nil {
		return nil, err
	}
	return &incident.Effect{Summary: fmt.Sprintf("token with accessor %s revoked, and its children and leases with it", accessor), Changed: true}, nil
}

func (k *token) verify(ctx context.Context, p past) (*findings, error) {
	state, err := decode[tokenState](p.state)
	if err != nil {
		return nil, err
	}
	found := newFindings()
	secret, err := k.server.accessor(ctx, k.of.Vault.Accessor)
	if err != nil {
		return nil, err
	}
	if secret != nil {
		found.fails("accessor", "the accessor still leads to a live token")
	} else {
		found.holds("accessor", "the accessor leads to no token")
	}
	used, err := k.use(ctx)
	switch {
	case err != nil:
		return nil, err
	case used.works && used.same:
		found.fails("use", "the token still works: "+k.copyPath+" was read and the token used")
	case used.tried && !used.works && state.Worked:
		found.holds("use", "the token worked before and is refused with 403 now")
	case used.tried && !used.works:
		found.holds("use", used.how+", but was not seen to work before: "+state.Gap)
	default:
		found.holds("use", "only the accessor could be checked: "+used.how)
	}
	return found, nil
}

func (k *token) undo(_ context.Context, raw json.RawMessage) (*incident.Effect, error) {
	if _, err := decode[tokenState](raw); err != nil {
		return nil, err
	}
	return &incident.Effect{Summary: "nothing to restore: a revoked token stays revoked; " + reissue(k.of)}, nil
}
