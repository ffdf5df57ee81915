package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

func (a *appRole) verify(ctx context.Context, p past) (*findings, error) {
	state, err := decode[appRoleState](p.state)
	if err != nil {
		return nil, err
	}
	found := newFindings()
	role, err := a.server.readExact(ctx, a.path)
	if err != nil {
		return nil, err
	}
	if role != "" {
		found.fails("role", "role "+a.path+" still exists and lets its holders log in")
	} else {
		found.holds("role", "role "+a.path+" is gone")
	}
	tokens, err := a.tokens(ctx)
	if err != nil {
		return nil, err
	}
	if len(tokens) > 0 {
		found.fails("tokens", fmt.Sprintf("%d tokens issued by the role are alive", len(tokens)))
	} else {
		found.holds("tokens", "no token issued by the role is alive")
	}
	if state.Canary.Sealed == "" {
		found.holds("use", "no canary was used, only the role and the accessors were checked: "+state.Canary.Gap)
		return found, nil
	}
	if err := a.verifyUse(ctx, state, role != "", found); err != nil {
		return nil, err
	}
	return found, nil
}

// verifyUse is the proof by use: the canary's token is used, and its unused secret id is used to log in, unless the role
// still exists, since the login would then only add a token.
func (a *appRole) verifyUse(ctx context.Context, state appRoleState, role bool, found *findings) error {
	var login appRoleLogin
	if err := a.transit.open(ctx, state.Canary.Sealed, &login); err != nil {
		return err
	}
	if !role {
		if err := a.verifyLogin(ctx, login, found); err != nil {
			return err
		}
	}
	return a.verifyToken(ctx, login.Token, state.Canary, found, a.batch(state))
}

// verifyToken uses the canary's token. why explains a token that cannot be revoked.
func (a *appRole) verifyToken(ctx context.Context, token string, c canary, found *findings, why string) error {
	holder, err := a.server.as(token)
	if err != nil {
		return err
	}
	self, err := holder.self(ctx)
	switch {
	case err != nil:
		return err
	case self != nil:
		found.fails("use", "the canary's token still works"+why)
	case c.Worked:
		found.holds("use", "the canary's token worked before and is refused with 403 now")
	default:
		found.holds("use", "the canary's token is refused with 403 now, but was not seen to work before: "+c.Gap)
	}
	return nil
}

func (a *appRole) verifyLogin(ctx context.Context, login appRoleLogin, found *findings) error {
	_, accessor, err := a.login(ctx, login)
	switch {
	case answered(err, http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound):
		found.holds("login", "a login with an unused secret id is refused")
	case err != nil:
		return err
	default:
		found.fails("login", "a login with an unused secret id still works")
		return a.server.revokeAccessor(ctx, accessor)
	}
	return nil
}

// batch explains the one kind of tokens that nothing can revoke.
func (a *appRole) batch(state appRoleState) string {
	var role appRoleSettings
	if json.Unmarshal([]byte(state.Role), &role) != nil || (role.TokenType != "batch" && role.TokenType != "default-batch") {
		return ""
	}
	return "; tokens of the role are batch tokens, which cannot be revoked: they end with their time to live"
}
