package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// mostLeases bounds how many lease ids a capture records; the count is always complete.
const mostLeases = 100

// lease is every credential that a secrets engine issues for one role.
type lease struct {
	server   server
	transit  transit
	probe    Probe
	patience time.Duration
	of       *inventory.Credential

	rolePath, issuePath string
	// sessions is nil unless the credential opens a database.
	sessions *sessions
	// expires is true if the engine may issue what it cannot take back.
	expires bool
	// prefix ends in a slash, so that it never covers another role whose name begins alike.
	prefix string
}

// leaseState is Capture.State of a lease.
type leaseState struct {
	// Role is the role's definition exactly as Vault answered; "" if there was none.
	Role   string   `json:"role,omitempty"`
	Leases int      `json:"leases"`
	IDs    []string `json:"lease_ids,omitempty"`
	Canary canary   `json:"canary"`
	// Logins are those of a database role; Expiry is that of what cannot be taken back.
	Logins *logins `json:"logins,omitempty"`
	Expiry *expiry `json:"expiry,omitempty"`
}

func (r *Revoke) lease(t *inventory.Credential) (*lease, error) {
	v := t.Vault
	mount, prefix := strings.Trim(v.Mount, "/"), strings.TrimSuffix(v.LeasePrefix, "/")+"/"
	for key, value := range map[string]string{"mount": mount, "role": v.Role, "lease_prefix": strings.TrimSuffix(prefix, "/")} {
		if err := checkPath(t, key, value); err != nil {
			return nil, err
		}
	}
	// A prefix that is not the role's own would revoke the credentials of others.
	if !strings.HasPrefix(prefix, mount+"/") || !strings.HasSuffix(prefix, "/"+v.Role+"/") {
		return nil, failure.New(failure.Invalid, "credential %s: vault.lease_prefix %s does not end in its role %s under its mount %s", t.ID, prefix, v.Role, mount)
	}
	return &lease{
		server: r.server, transit: r.transit, probe: r.probe, patience: r.patience, of: t,
		rolePath: mount + "/roles/" + v.Role, issuePath: mount + "/creds/" + v.Role, prefix: prefix,
	}, nil
}

// dynamic is lease for an engine whose paths for issuing are known; a prefix elsewhere would miss what was issued.
func (r *Revoke) dynamic(t *inventory.Credential, issuing ...string) (*lease, error) {
	l, err := r.lease(t)
	if err != nil {
		return nil, err
	}
	mount := strings.Trim(t.Vault.Mount, "/")
	for _, how := range issuing {
		if path := mount + "/" + how + "/" + t.Vault.Role; l.prefix == path+"/" {
			l.issuePath = path
			return l, nil
		}
	}
	return nil, failure.New(failure.Invalid, "credential %s: vault.lease_prefix %s is not %s/<%s>/%s/", t.ID, l.prefix, mount, strings.Join(issuing, " or "), t.Vault.Role)
}

func (l *lease) capture(ctx context.Context) (string, any, error) {
	role, err := l.server.readExact(ctx, l.rolePath)
	if err != nil {
		return "", nil, err
	}
	ids, err := l.leases(ctx)
	if err != nil {
		return "", nil, err
	}
	state := leaseState{Role: role, Leases: len(ids), IDs: ids[:min(len(ids), mostLeases)]}
	if l.expires && expiring(role) {
		if state.Expiry, err = l.latest(ctx, ids); err != nil {
			return "", nil, err
		}
	}
	var name string
	if state.Canary, name, err = l.issueCanary(ctx, role != ""); err != nil {
		return "", nil, err
	}
	var seen string
	if l.sessions != nil {
		found := l.sessions.capture(ctx, name)
		state.Logins, seen = &found, "; "+found.describe()
	}
	defined := "role " + l.rolePath + " recorded"
	if role == "" {
		defined = "role " + l.rolePath + " does not exist"
	}
	if state.Expiry != nil {
		defined += ", whose credentials cannot be revoked"
	}
	return fmt.Sprintf("%s; %d leases under %s; %s%s", defined, len(ids), l.prefix, state.Canary.describe(), seen), state, nil
}

func (l *lease) leases(ctx context.Context) ([]string, error) {
	return l.server.list(ctx, "sys/leases/lookup/"+strings.TrimSuffix(l.prefix, "/"))
}

// issueCanary never stands in the way of the revocation: where the engine cannot issue, e.g. because a quota is used up,
// the reason is recorded instead. name is the canary's user name, if it has one. What can be mended, such as a sealed Vault or a missing capability, is an error.
func (l *lease) issueCanary(ctx context.Context, role bool) (issued canary, name string, err error) {
	switch {
	case !role:
		return canary{Gap: "the role does not exist, so nothing can be issued"}, "", nil
	case l.probe == nil:
		return canary{Gap: "no probe that could use it is configured"}, "", nil
	}
	secret, err := l.server.read(ctx, l.issuePath)
	if answered(err, http.StatusBadRequest, http.StatusInternalServerError, http.StatusBadGateway) {
		return canary{Gap: err.Error()}, "", nil
	}
	if err != nil {
		return canary{}, "", err
	}
	if secret == nil || len(secret.Data) == 0 {
		return canary{Gap: l.issuePath + " answered without a credential"}, "", nil
	}
	issued = canary{Lease: secret.LeaseID}
	if issued.Sealed, err = l.transit.seal(ctx, secret.Data); err != nil {
		return canary{}, "", l.withdraw(ctx, secret, err)
	}
	issued.Gap, err = untilAccepted(ctx, l.patience, func(ctx context.Context) (bool, string, error) {
		return l.probe.Refused(ctx, secret.Data)
	})
	issued.Worked = issued.Gap == ""
	name, _ = secret.Data["username"].(string)
	return issued, name, err
}

// withdraw revokes a lease that nobody is to have, and returns why it came to that.
func (l *lease) withdraw(ctx context.Context, secret *api.Secret, why error) error {
	if _, err := l.server.write(ctx, "sys/leases/revoke", map[string]any{"lease_id": secret.LeaseID, "sync": true}); err != nil {
		return fmt.Errorf("%w; its lease %s is left: %w", why, secret.LeaseID, err)
	}
	return why
}

func (l *lease) do(ctx context.Context, raw json.RawMessage) (*incident.Effect, error) {
	role, err := l.server.readExact(ctx, l.rolePath)
	if err != nil {
		return nil, err
	}
	if role != "" {
		if err := l.server.delete(ctx, l.rolePath); err != nil {
			return nil, err
		}
	}
	// The leases are counted after the role is gone: none can be added any more.
	ids, err := l.leases(ctx)
	if err != nil {
		return nil, err
	}
	known, missed := l.known(ctx, raw)
	if len(ids) > 0 {
		if err := l.server.revokePrefix(ctx, l.prefix); err != nil {
			return nil, err
		}
	}
	effect := l.effect(role != "", len(ids))
	if err := l.endSessions(ctx, known, missed, effect); err != nil {
		return nil, err
	}
	return effect, nil
}

func (l *lease) effect(role bool, leases int) *incident.Effect {
	facts := map[string]string{"role_deleted": strconv.FormatBool(role), "leases_revoked": strconv.Itoa(leases)}
	if !role && leases == 0 {
		return &incident.Effect{Summary: fmt.Sprintf("role %s was gone and no lease was left under %s", l.rolePath, l.prefix), Facts: facts}
	}
	return &incident.Effect{
		Summary: fmt.Sprintf("role %s deleted, %d leases under %s revoked synchronously", l.rolePath, leases, l.prefix),
		Changed: true, Facts: facts,
	}
}

func (l *lease) undo(ctx context.Context, raw json.RawMessage) (*incident.Effect, error) {
	state, err := decode[leaseState](raw)
	if err != nil {
		return nil, err
	}
	stays := fmt.Sprintf("the revoked leases stay revoked; %s", reissue(l.of))
	if state.Role == "" {
		return &incident.Effect{Summary: "there was no role to restore; " + stays}, nil
	}
	changed, err := l.server.restore(ctx, l.rolePath, state.Role)
	if err != nil {
		return nil, err
	}
	return &incident.Effect{Summary: fmt.Sprintf("role %s is as it was; %s", l.rolePath, stays), Changed: changed}, nil
}
