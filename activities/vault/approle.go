package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// appRole is a role of the AppRole method with its secret ids and the tokens that logins gave out. Destroying a secret id
// leaves those tokens alive, so they are revoked one by one.
type appRole struct {
	server  server
	transit transit
	of      *inventory.Credential

	mount, name, path string
}

// appRoleState is Capture.State of an AppRole.
type appRoleState struct {
	// Role is the role's definition exactly as Vault answered; "" if there was none.
	Role string `json:"role,omitempty"`
	// RoleID is transit ciphertext: a role that binds no secret id is opened by its role id alone.
	RoleID    string   `json:"role_id,omitempty"`
	SecretIDs []string `json:"secret_id_accessors,omitempty"`
	Tokens    []string `json:"token_accessors,omitempty"`
	Canary    canary   `json:"canary"`
}

// appRoleLogin is what the canary of an AppRole seals: a token, and a way to log in that has not been used.
type appRoleLogin struct {
	Token    string `json:"token"`
	RoleID   string `json:"role_id"`
	SecretID string `json:"secret_id,omitempty"`
	// accessor is that of SecretID. It is no secret and is kept in the open.
	accessor string
}

// appRoleSettings is what matters here of a role's definition.
type appRoleSettings struct {
	BindSecretID bool   `json:"bind_secret_id"`
	TokenNumUses int    `json:"token_num_uses"`
	TokenType    string `json:"token_type"`
}

func (r *Revoke) appRole(t *inventory.Credential) (*appRole, error) {
	mount := strings.Trim(t.Vault.Mount, "/")
	if err := checkPath(t, "mount", mount); err != nil {
		return nil, err
	}
	if err := checkPath(t, "role", t.Vault.Role); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(mount, "auth/") {
		return nil, failure.New(failure.Invalid, "credential %s: vault.mount %s is not an auth method such as auth/approle", t.ID, mount)
	}
	return &appRole{server: r.server, transit: r.transit, of: t, mount: mount, name: t.Vault.Role, path: mount + "/role/" + t.Vault.Role}, nil
}

func (a *appRole) capture(ctx context.Context) (string, any, error) {
	var state appRoleState
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
	if state.SecretIDs, err = a.server.list(ctx, a.path+"/secret-id"); err != nil {
		return "", nil, err
	}
	roleID, err := a.field(ctx, a.path+"/role-id", "role_id")
	if err != nil {
		return "", nil, err
	}
	if state.RoleID, err = a.transit.seal(ctx, roleID); err != nil {
		return "", nil, err
	}
	if state.Canary, err = a.issueCanary(ctx, state.Role, roleID); err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("role %s recorded; %d secret ids; %s; %s", a.path, len(state.SecretIDs), issued, state.Canary.describe()), state, nil
}

func (a *appRole) field(ctx context.Context, path, name string) (string, error) {
	secret, err := a.server.read(ctx, path)
	if err != nil {
		return "", err
	}
	if secret != nil {
		if value, ok := secret.Data[name].(string); ok && value != "" {
			return value, nil
		}
	}
	return "", fmt.Errorf("read %s: the answer has no %s", path, name)
}

// issueCanary logs in as a holder would. A login that is refused, e.g. because the role is bound to other addresses, is
// recorded and does not stand in the way of the revocation.
func (a *appRole) issueCanary(ctx context.Context, definition, roleID string) (canary, error) {
	var role appRoleSettings
	if err := json.Unmarshal([]byte(definition), &role); err != nil {
		return canary{}, fmt.Errorf("decode role %s: %w", a.path, err)
	}
	used := appRoleLogin{RoleID: roleID}
	spare := used
	if role.BindSecretID {
		for _, login := range []*appRoleLogin{&used, &spare} {
			var err error
			if login.SecretID, login.accessor, err = a.newSecretID(ctx); err != nil {
				return canary{}, err
			}
		}
	}
	token, accessor, err := a.login(ctx, used)
	if answered(err, http.StatusBadRequest) {
		return canary{Gap: err.Error()}, nil
	}
	if err != nil {
		return canary{}, err
	}
	spare.Token = token
	issued := canary{Accessor: accessor, SecretIDs: slices.DeleteFunc([]string{used.accessor, spare.accessor}, func(s string) bool { return s == "" })}
	if issued.Sealed, err = a.transit.seal(ctx, spare); err != nil {
		return canary{}, err
	}
	if role.TokenNumUses > 0 {
		// Each use counts, so the token would be spent by trying it, whatever became of the role.
		issued.Gap = fmt.Sprintf("a token of the role is spent after %d uses", role.TokenNumUses)
		return issued, nil
	}
	holder, err := a.server.as(token)
	if err != nil {
		return canary{}, err
	}
	self, err := holder.self(ctx)
	if err != nil {
		return canary{}, err
	}
	if issued.Worked = self != nil; !issued.Worked {
		issued.Gap = "its policies do not let a token of the role look itself up"
	}
	return issued, nil
}

func (a *appRole) newSecretID(ctx context.Context) (id, accessor string, err error) {
	secret, err := a.server.write(ctx, a.path+"/secret-id", nil)
	if err != nil {
		return "", "", err
	}
	if secret != nil {
		accessor, _ = secret.Data["secret_id_accessor"].(string)
		if id, ok := secret.Data["secret_id"].(string); ok {
			return id, accessor, nil
		}
	}
	return "", "", fmt.Errorf("write %s/secret-id: the answer has no secret_id", a.path)
}

// login needs no token of ours. It returns a token and its accessor.
func (a *appRole) login(ctx context.Context, with appRoleLogin) (token, accessor string, err error) {
	anyone, err := a.server.as("")
	if err != nil {
		return "", "", err
	}
	body := map[string]any{"role_id": with.RoleID}
	if with.SecretID != "" {
		body["secret_id"] = with.SecretID
	}
	secret, err := anyone.writeSecret(ctx, a.mount+"/login", body)
	if err != nil {
		return "", "", err
	}
	if secret == nil || secret.Auth == nil {
		return "", "", fmt.Errorf("write %s/login: the answer has no token", a.mount)
	}
	return secret.Auth.ClientToken, secret.Auth.Accessor, nil
}

func (a *appRole) do(ctx context.Context, _ json.RawMessage) (*incident.Effect, error) {
	own, err := a.server.own(ctx)
	if err != nil {
		return nil, err
	}
	role, err := a.server.readExact(ctx, a.path)
	if err != nil {
		return nil, err
	}
	if a.issued(own) {
		return nil, failure.New(failure.Refused, "the worker's own token was issued by role %s, which is therefore not revoked", a.path)
	}
	if role != "" {
		// The role's secret ids go with it, so that nobody can log in any more.
		if err := a.server.delete(ctx, a.path); err != nil {
			return nil, err
		}
	}
	// The tokens are listed after the role is gone: none can be added any more.
	tokens, err := a.tokens(ctx)
	if err != nil {
		return nil, err
	}
	for _, accessor := range tokens {
		if err := a.server.revokeAccessor(ctx, accessor); err != nil {
			return nil, err
		}
	}
	facts := map[string]string{"role_deleted": strconv.FormatBool(role != ""), "tokens_revoked": strconv.Itoa(len(tokens))}
	if role == "" && len(tokens) == 0 {
		return &incident.Effect{Summary: fmt.Sprintf("role %s was gone and no token issued by it was alive", a.path), Facts: facts}, nil
	}
	return &incident.Effect{
		Summary: fmt.Sprintf("role %s deleted with its secret ids, %d tokens issued by it revoked", a.path, len(tokens)),
		Changed: true, Facts: facts,
	}, nil
}

func (a *appRole) undo(ctx context.Context, raw json.RawMessage) (*incident.Effect, error) {
	state, err := decode[appRoleState](raw)
	if err != nil {
		return nil, err
	}
	stays := fmt.Sprintf("revoked tokens and secret ids stay revoked; %s", reissue(a.of))
	if state.Role == "" {
		return &incident.Effect{Summary: "there was no role to restore; " + stays}, nil
	}
	changed, err := a.server.restore(ctx, a.path, state.Role)
	if err != nil {
		return nil, err
	}
	var wanted string
	if err := a.transit.open(ctx, state.RoleID, &wanted); err != nil {
		return nil, err
	}
	// A role made anew has a new role id; holders know the old one.
	present, err := a.field(ctx, a.path+"/role-id", "role_id")
	if err != nil {
		return nil, err
	}
	if present != wanted {
		if _, err := a.server.writeSecret(ctx, a.path+"/role-id", map[string]any{"role_id": wanted}); err != nil {
			return nil, err
		}
		changed = true
	}
	return &incident.Effect{Summary: fmt.Sprintf("role %s is as it was, with its role id; %s", a.path, stays), Changed: changed}, nil
}
