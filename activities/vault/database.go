package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// Database uses logins of a database and sees to the sessions that they opened. A login is the data of Vault's database
// engine: username and password. No text may hold anything of it.
type Database interface {
	// Refused is Probe.Refused for a login at an address.
	Refused(ctx context.Context, address string, login map[string]any) (refused bool, how string, err error)
	// Logins returns the ids of the users whose names match a regular expression, as seen by login.
	Logins(ctx context.Context, address string, login map[string]any, pattern string) ([]uint32, error)
	// Sessions counts the open sessions of those users that are gone or may not log in any more; with end it ends them
	// first, and counts those that it ended.
	Sessions(ctx context.Context, address string, login map[string]any, ids []uint32, end bool) (int, error)
}

// sessions are those that logins of a database role have opened. Revocation drops the login; a session that was open
// before goes on until somebody ends it.
type sessions struct {
	server   server
	database Database
	address  string
	// path issues a login that may see and end sessions; "" if the inventory names none.
	path string
	// roles lists the engine's roles, of which role is the one that is revoked.
	roles, role string
	// pattern is what Vault calls the users of the role, unless the engine was told otherwise.
	pattern string
}

// logins are the users of a database role that were there before the revocation.
type logins struct {
	IDs []uint32 `json:"ids,omitempty"`
	// Gap says why their sessions cannot be seen.
	Gap string `json:"gap,omitempty"`
}

func (n logins) describe() string {
	if n.Gap != "" {
		return "their sessions cannot be seen: " + n.Gap
	}
	return fmt.Sprintf("%d logins of the role in the database", len(n.IDs))
}

func (r *Revoke) databaseRole(t *inventory.Credential) (*lease, error) {
	l, err := r.dynamic(t, "creds")
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(t.Vault.Address)
	if err != nil || u.Scheme == "" || u.Host == "" || u.User != nil {
		// The value is not quoted: it may carry a password.
		return nil, failure.New(failure.Invalid, "credential %s: vault.address is not a URL without user and password, such as postgres://db.example.com:5432/loans", t.ID)
	}
	l.sessions = &sessions{server: r.server, database: r.database, address: t.Vault.Address, pattern: userPattern(t.Vault.Role),
		roles: strings.Trim(t.Vault.Mount, "/") + "/roles", role: t.Vault.Role}
	if role := t.Vault.SessionsRole; role != "" {
		if err := checkPath(t, "sessions_role", role); err != nil {
			return nil, err
		}
		if role == t.Vault.Role {
			return nil, failure.New(failure.Invalid, "credential %s: vault.sessions_role is the role that is revoked", t.ID)
		}
		l.sessions.path = strings.Trim(t.Vault.Mount, "/") + "/creds/" + role
	}
	l.probe = nil
	if r.database != nil {
		l.probe = loginProbe{database: r.database, address: t.Vault.Address}
	}
	return l, nil
}

// userPattern is Vault's own template of user names: v-<who>-<role, cut>-<random>-<time>.
func userPattern(role string) string {
	return "^v-.{0,8}-" + regexp.QuoteMeta(shown(role)) + "-[A-Za-z0-9]{20}-[0-9]{10}$"
}

// shown is what of a role's name is in the names of its users.
func shown(role string) string { return role[:min(len(role), 8)] }

// loginProbe makes a Probe of a database at one address.
type loginProbe struct {
	database Database
	address  string
}

func (p loginProbe) Refused(ctx context.Context, data map[string]any) (bool, string, error) {
	return p.database.Refused(ctx, p.address, data)
}

// capture lists the role's logins. name is that of the canary, by which the template is checked. That they cannot be
// listed never stands in the way of the revocation.
func (s *sessions) capture(ctx context.Context, name string) logins {
	switch {
	case s.path == "" || s.database == nil:
		return logins{Gap: "the inventory names no sessions_role whose logins may see them"}
	case name == "":
		return logins{Gap: "no canary shows what the role's users are called"}
	}
	if ok, err := regexp.MatchString(s.pattern, name); err != nil || !ok {
		return logins{Gap: "the role's users are not called as Vault's own template says, so that they cannot be told from others"}
	}
	roles, err := s.server.list(ctx, s.roles)
	if err != nil {
		return logins{Gap: err.Error()}
	}
	for _, other := range roles {
		if other != s.role && shown(other) == shown(s.role) {
			return logins{Gap: "the users of role " + other + " are called alike, so that they cannot be told apart"}
		}
	}
	ids, err := s.list(ctx)
	if err != nil {
		return logins{Gap: err.Error()}
	}
	return logins{IDs: ids}
}

func (s *sessions) list(ctx context.Context) (ids []uint32, err error) {
	err = s.as(ctx, func(login map[string]any) error {
		ids, err = s.database.Logins(ctx, s.address, login, s.pattern)
		return err
	})
	return ids, err
}

// as issues a login that may see sessions and takes it back after its use.
func (s *sessions) as(ctx context.Context, use func(login map[string]any) error) error {
	secret, err := s.server.read(ctx, s.path)
	if err != nil {
		return err
	}
	if secret == nil || len(secret.Data) == 0 {
		return fmt.Errorf("read %s: it answered without a login", s.path)
	}
	used := use(secret.Data)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	_, err = s.server.write(ctx, "sys/leases/revoke", map[string]any{"lease_id": secret.LeaseID, "sync": true})
	return errors.Join(used, err)
}

// known returns the logins whose sessions are to be ended: those captured and those issued since. That the list is
// missing does not stand in the way of the revocation, and is an error only after it.
func (l *lease) known(ctx context.Context, raw json.RawMessage) ([]uint32, error) {
	if l.sessions == nil {
		return nil, nil
	}
	state, err := decode[leaseState](raw)
	if err != nil || state.Logins == nil || state.Logins.Gap != "" {
		return nil, err
	}
	since, err := l.sessions.list(ctx)
	return union(state.Logins.IDs, since), err
}

// endSessions ends the sessions of logins that are dead now and writes it into the effect.
func (l *lease) endSessions(ctx context.Context, known []uint32, missed error, effect *incident.Effect) error {
	if missed != nil || len(known) == 0 {
		return missed
	}
	var ended int
	err := l.sessions.as(ctx, func(login map[string]any) (err error) {
		ended, err = l.sessions.database.Sessions(ctx, l.sessions.address, login, known, true)
		return err
	})
	if err != nil {
		return fmt.Errorf("end open sessions: %w", err)
	}
	effect.Changed = effect.Changed || ended > 0
	effect.Facts["sessions_ended"] = strconv.Itoa(ended)
	effect.Summary += fmt.Sprintf(", %d open sessions ended", ended)
	effect.State, err = json.Marshal(logins{IDs: known})
	return err
}

// verifySessions looks again with a login of its own. Sessions that nobody could see are a gap.
func (l *lease) verifySessions(ctx context.Context, state leaseState, effect *incident.Effect, found *findings) error {
	if l.sessions == nil || state.Logins == nil {
		return nil
	}
	if gap := state.Logins.Gap; gap != "" {
		text := "sessions that were open before the revocation were neither seen nor ended, and may go on: " + gap
		if strings.Contains(state.Role, "pg_terminate_backend") {
			text += "; the role's revocation statements say that Vault ends them"
		}
		found.leaves("sessions", text)
		return nil
	}
	ids := state.Logins.IDs
	if effect != nil && len(effect.State) > 0 {
		since, err := decode[logins](effect.State)
		if err != nil {
			return err
		}
		ids = union(ids, since.IDs)
	}
	var open int
	var left []uint32
	err := l.sessions.as(ctx, func(login map[string]any) (err error) {
		if left, err = l.sessions.database.Logins(ctx, l.sessions.address, login, l.sessions.pattern); err != nil {
			return err
		}
		open, err = l.sessions.database.Sessions(ctx, l.sessions.address, login, ids, false)
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("look for open sessions: %w", err)
	case len(common(left, ids)) > 0:
		// Vault may have forgotten a lease without telling the database.
		found.fails("logins", fmt.Sprintf("%d logins of the role are still in the database, whatever became of their leases", len(common(left, ids))))
	case open > 0:
		found.fails("sessions", fmt.Sprintf("%d sessions of revoked logins are still open", open))
	default:
		found.holds("sessions", fmt.Sprintf("no session of the %d logins is open", len(ids)))
	}
	return nil
}

func common(a, b []uint32) []uint32 {
	return slices.DeleteFunc(slices.Clone(a), func(id uint32) bool { return !slices.Contains(b, id) })
}

func union(a, b []uint32) []uint32 {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}
