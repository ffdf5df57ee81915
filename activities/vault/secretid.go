package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// secretIDs are some or all secret ids of an AppRole that itself stays. Destroying them leaves the tokens alive that were
// got with them, and nothing says which secret id a token came from: therefore every token of the role is revoked, and
// holders of other secret ids log in again.
type secretIDs struct {
	role *appRole
	// named are the accessors of the inventory; none means all.
	named []string
}

// secretIDState is Capture.State of secret ids.
type secretIDState struct {
	// Role is the role's definition; "" if there was none.
	Role      string   `json:"role,omitempty"`
	SecretIDs []string `json:"secret_id_accessors,omitempty"`
	Tokens    []string `json:"token_accessors,omitempty"`
	Canary    canary   `json:"canary"`
}

func (r *Revoke) secretIDs(t *inventory.Credential) (*secretIDs, error) {
	role, err := r.appRole(t)
	if err != nil {
		return nil, err
	}
	for _, accessor := range t.Vault.SecretIDs {
		if err := checkPath(t, "secret_ids", accessor); err != nil {
			return nil, err
		}
	}
	return &secretIDs{role: role, named: t.Vault.SecretIDs}, nil
}

func (s *secretIDs) capture(ctx context.Context) (string, any, error) {
	a := s.role
	var state secretIDState
	var err error
	if state.Role, err = a.server.readExact(ctx, a.path); err != nil {
		return "", nil, err
	}
	if state.Tokens, err = a.tokens(ctx); err != nil {
		return "", nil, err
	}
	issued := fmt.Sprintf("%d tokens issued by it are alive", len(state.Tokens))
	if state.Role == "" {
		state.Canary.Gap = "the role does not exist, so nobody can log in"
		return fmt.Sprintf("role %s does not exist; %s", a.path, issued), state, nil
	}
	var settings appRoleSettings
	if err := json.Unmarshal([]byte(state.Role), &settings); err != nil {
		return "", nil, fmt.Errorf("decode role %s: %w", a.path, err)
	}
	if !settings.BindSecretID {
		return "", nil, failure.New(failure.Invalid, "role %s lets holders in by its role id alone: without its secret ids they log in as before; revoke the whole role (kind %s)", a.path, kindAppRole)
	}
	present, err := a.server.list(ctx, a.path+"/secret-id")
	if err != nil {
		return "", nil, err
	}
	state.SecretIDs = s.wanted(present, nil)
	roleID, err := a.field(ctx, a.path+"/role-id", "role_id")
	if err != nil {
		return "", nil, err
	}
	if state.Canary, err = a.issueCanary(ctx, state.Role, roleID); err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("%d of the %d secret ids of role %s are to go; %s; %s",
		len(state.SecretIDs), len(present), a.path, issued, state.Canary.describe()), state, nil
}

// wanted are those of the present secret ids that are to be destroyed; the canary's own always are.
func (s *secretIDs) wanted(present, canary []string) []string {
	var out []string
	for _, accessor := range present {
		if len(s.named) == 0 || slices.Contains(s.named, accessor) || slices.Contains(canary, accessor) {
			out = append(out, accessor)
		}
	}
	return out
}

func (s *secretIDs) do(ctx context.Context, raw json.RawMessage) (*incident.Effect, error) {
	state, err := decode[secretIDState](raw)
	if err != nil {
		return nil, err
	}
	a := s.role
	own, err := a.server.own(ctx)
	if err != nil {
		return nil, err
	}
	if a.issued(own) {
		return nil, failure.New(failure.Refused, "the worker's own token was issued by role %s, whose secret ids are therefore not destroyed", a.path)
	}
	present, err := a.server.list(ctx, a.path+"/secret-id")
	if err != nil {
		return nil, err
	}
	gone := s.wanted(present, state.Canary.SecretIDs)
	for _, accessor := range gone {
		if err := s.destroy(ctx, accessor); err != nil {
			return nil, err
		}
	}
	// The tokens are listed after the secret ids are gone: with those, none can be added any more.
	tokens, err := a.tokens(ctx)
	if err != nil {
		return nil, err
	}
	for _, accessor := range tokens {
		if err := a.server.revokeAccessor(ctx, accessor); err != nil {
			return nil, err
		}
	}
	facts := map[string]string{"secret_ids_destroyed": strconv.Itoa(len(gone)), "tokens_revoked": strconv.Itoa(len(tokens))}
	return &incident.Effect{
		Summary: fmt.Sprintf("%d secret ids of role %s destroyed, %d tokens issued by it revoked", len(gone), a.path, len(tokens)),
		Changed: len(gone)+len(tokens) > 0, Facts: facts,
	}, nil
}

// destroy removes a secret id. One that went since it was listed is no error.
func (s *secretIDs) destroy(ctx context.Context, accessor string) error {
	a := s.role
	_, err := a.server.write(ctx, a.path+"/secret-id-accessor/destroy", map[string]any{"secret_id_accessor": accessor})
	if err == nil {
		return nil
	}
	left, listed := a.server.list(ctx, a.path+"/secret-id")
	if listed != nil || slices.Contains(left, accessor) {
		return errors.Join(err, listed)
	}
	return nil
}

func (s *secretIDs) verify(ctx context.Context, p past) (*findings, error) {
	state, err := decode[secretIDState](p.state)
	if err != nil {
		return nil, err
	}
	found := newFindings()
	if err := s.verifyGone(ctx, state, p.effect, found); err != nil {
		return nil, err
	}
	if err := s.verifyTokens(ctx, state, p.effect, found); err != nil {
		return nil, err
	}
	if state.Canary.Sealed == "" {
		found.holds("use", "no canary was used, only the accessors were checked: "+state.Canary.Gap)
		return found, nil
	}
	var login appRoleLogin
	if err := s.role.transit.open(ctx, state.Canary.Sealed, &login); err != nil {
		return nil, err
	}
	// A login before the act would only add a token.
	if p.effect != nil {
		if err := s.role.verifyLogin(ctx, login, found); err != nil {
			return nil, err
		}
	}
	why := s.role.batch(appRoleState{Role: state.Role})
	if err := s.role.verifyToken(ctx, login.Token, state.Canary, found, why); err != nil {
		return nil, err
	}
	return found, nil
}

// verifyGone looks for the secret ids by their accessors. Those made after the act are the owner's new ones.
func (s *secretIDs) verifyGone(ctx context.Context, state secretIDState, effect *incident.Effect, found *findings) error {
	present, err := s.role.server.list(ctx, s.role.path+"/secret-id")
	if err != nil {
		return err
	}
	wanted := slices.Concat(state.SecretIDs, state.Canary.SecretIDs)
	left := slices.DeleteFunc(present, func(accessor string) bool {
		return !slices.Contains(wanted, accessor) && !slices.Contains(s.named, accessor) && (len(s.named) > 0 || effect != nil)
	})
	if len(left) > 0 {
		found.fails("secret_ids", fmt.Sprintf("%d of the secret ids still exist", len(left)))
	} else {
		found.holds("secret_ids", "none of the secret ids exists any more")
	}
	return nil
}

// verifyTokens takes every token that is older than the act for one that the secret ids may have given out.
func (s *secretIDs) verifyTokens(ctx context.Context, state secretIDState, effect *incident.Effect, found *findings) error {
	tokens, err := s.role.tokens(ctx)
	if err != nil {
		return err
	}
	var old int
	for _, accessor := range tokens {
		secret, err := s.role.server.accessor(ctx, accessor)
		if err != nil {
			return err
		}
		if secret == nil {
			continue
		}
		made, _ := secret.Data["creation_time"].(json.Number)
		at, err := made.Int64()
		if err != nil || effect == nil || slices.Contains(state.Tokens, accessor) || !time.Unix(at, 0).After(effect.At) {
			old++
		}
	}
	switch {
	case old > 0:
		found.fails("tokens", fmt.Sprintf("%d tokens issued by the role before are alive", old))
	case len(tokens) > 0:
		found.holds("tokens", fmt.Sprintf("no token issued before is alive; %d were issued since, with other secret ids", len(tokens)))
	default:
		found.holds("tokens", "no token issued by the role is alive")
	}
	return nil
}

func (s *secretIDs) undo(_ context.Context, raw json.RawMessage) (*incident.Effect, error) {
	if _, err := decode[secretIDState](raw); err != nil {
		return nil, err
	}
	return &incident.Effect{Summary: "nothing to restore: the role was never touched, and destroyed secret ids stay destroyed; " + reissue(s.role.of)}, nil
}
