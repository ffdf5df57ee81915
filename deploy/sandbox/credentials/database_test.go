package credentials

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/server"
	"firebreak/internal/inventory"
)

// requireVariable turns the skip of tests without an installed platform into a failure.
const requireVariable = "FIREBREAK_REQUIRE_PLATFORMS"

// database is a real PostgreSQL for whose logins Vault's database engine has roles.
type database struct {
	*scene
	postgres *server.Postgres
	admin    *pgx.Conn
	address  string
}

func (s *scene) database() *database {
	s.t.Helper()
	pg, err := server.StartPostgres(s.t.Context())
	if errors.Is(err, server.ErrNoPostgres) && os.Getenv(requireVariable) != "1" {
		s.t.Skip(err)
	}
	require.NoError(s.t, err)
	s.t.Cleanup(func() { require.NoError(s.t, pg.Stop()) })
	d := &database{scene: s, postgres: pg, address: "postgres://" + pg.Address + "/postgres?sslmode=disable"}
	d.admin = d.connect(pg.User, pg.Password)
	d.exec("CREATE TABLE loans (id int)", "CREATE ROLE reader", "GRANT SELECT ON loans TO reader")
	s.write("database/config/loans", map[string]any{
		"plugin_name": "postgresql-database-plugin", "allowed_roles": "*", "username": pg.User, "password": pg.Password,
		"connection_url": "postgresql://{{username}}:{{password}}@" + pg.Address + "/postgres?sslmode=disable",
	})
	create := `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE `
	s.write("database/roles/loan-reader", map[string]any{"db_name": "loans", "creation_statements": create + "reader", "default_ttl": "1h"})
	s.write("database/roles/firebreak-sessions", map[string]any{"db_name": "loans", "creation_statements": create + "pg_monitor, pg_signal_backend", "default_ttl": "5m"})
	return d
}

func (d *database) exec(statements ...string) {
	d.t.Helper()
	for _, statement := range statements {
		_, err := d.admin.Exec(d.t.Context(), statement)
		require.NoError(d.t, err)
	}
}

func (d *database) try(user, password string) (*pgx.Conn, error) {
	u, err := url.Parse(d.address)
	require.NoError(d.t, err)
	u.User = url.UserPassword(user, password)
	ctx, cancel := context.WithTimeout(d.t.Context(), 5*time.Second)
	defer cancel()
	return pgx.Connect(ctx, u.String())
}

func (d *database) connect(user, password string) *pgx.Conn {
	d.t.Helper()
	c, err := d.try(user, password)
	require.NoError(d.t, err)
	d.t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// login is what a holder got from Vault.
type login struct{ user, password string }

func (d *database) issue() login {
	d.t.Helper()
	data := d.read("database/creds/loan-reader")
	return login{data["username"].(string), d.keep(data["password"].(string))}
}

func (d *database) credential() *inventory.Credential {
	c := &inventory.Credential{ID: "loan-reader", Kind: "vault-database"}
	c.Vault.Mount, c.Vault.Role, c.Vault.LeasePrefix = "database", "loan-reader", "database/creds/loan-reader/"
	c.Vault.Address, c.Vault.SessionsRole = d.address, "firebreak-sessions"
	return c
}

// alive reports whether a session can still read the loans.
func alive(t *testing.T, session *pgx.Conn) bool {
	t.Helper()
	var n int
	return session.QueryRow(t.Context(), "SELECT count(*) FROM loans").Scan(&n) == nil
}

func TestRevokedDatabaseLoginIsDead(t *testing.T) {
	t.Parallel()
	d := newScene(t).database()
	first, second := d.issue(), d.issue()
	open := d.connect(first.user, first.password)
	bystander := d.connect(d.postgres.User, d.postgres.Password)
	require.True(t, alive(t, open))
	was := d.read("database/roles/loan-reader")

	a := d.act("vault.revoke", d.credential())
	require.Contains(t, a.capture().Summary, "3 logins of the role in the database", "two and the canary")
	require.False(t, a.verify().Proved)
	effect := a.do()
	require.Equal(t, "1", effect.Facts["sessions_ended"], effect.Summary)

	for _, l := range []login{first, second} {
		_, err := d.try(l.user, l.password)
		require.ErrorContains(t, err, "28P01")
	}
	require.False(t, alive(t, open), "the session that was open is ended")
	require.True(t, alive(t, bystander))
	_, err := d.root.Logical().ReadWithContext(t.Context(), "database/creds/loan-reader")
	require.Error(t, err)
	proof := a.verify()
	require.True(t, proof.Proved, proof.Method)
	require.Empty(t, proof.Gaps)
	require.Contains(t, proof.Facts["use"], "worked before and is refused now: PostgreSQL at "+d.postgres.Address+" answered 28P01")
	require.Equal(t, "no session of the 3 logins is open", proof.Facts["sessions"])
	effect = a.do()
	require.False(t, effect.Changed, effect.Summary)

	require.True(t, a.undo().Changed)
	require.Equal(t, was, d.read("database/roles/loan-reader"))
	again := d.issue()
	d.connect(again.user, again.password)
	d.nothingLeft()
}

// nothingLeft requires that the logins with which the worker looked at sessions are gone, too.
func (d *database) nothingLeft() {
	d.t.Helper()
	keys, err := d.root.Logical().ListWithContext(d.t.Context(), "sys/leases/lookup/database/creds/firebreak-sessions/")
	require.NoError(d.t, err)
	require.Nil(d.t, keys, "a login of the sessions role is left")
}

// Without a login that may see sessions, those that are open live on: contained with a gap that says so.
func TestOpenSessionsThatNobodyMaySeeAreAGap(t *testing.T) {
	t.Parallel()
	d := newScene(t).database()
	holder := d.issue()
	open := d.connect(holder.user, holder.password)
	c := d.credential()
	c.Vault.SessionsRole = ""
	a := d.act("vault.revoke", c)
	a.capture()
	a.do()
	_, err := d.try(holder.user, holder.password)
	require.Error(t, err)
	require.NoError(t, open.Ping(t.Context()), "this is what the gap is about")
	proof := a.verify()
	require.True(t, proof.Proved, proof.Method)
	require.Len(t, proof.Gaps, 1)
	require.Contains(t, proof.Gaps[0], "neither seen nor ended, and may go on")
}

// A session that comes back, here because it was never ended, is seen by a proof later on.
func TestSessionThatIsStillOpenIsNotContained(t *testing.T) {
	t.Parallel()
	d := newScene(t).database()
	holder := d.issue()
	a := d.act("vault.revoke", d.credential())
	a.capture()
	open := d.connect(holder.user, holder.password)
	// Somebody else revokes, without ending sessions.
	require.NoError(t, d.root.Sys().RevokePrefixWithContext(t.Context(), "database/creds/loan-reader"))
	require.Eventually(t, func() bool { _, err := d.try(holder.user, holder.password); return err != nil }, 10*time.Second, 50*time.Millisecond)
	proof := a.verify()
	require.False(t, proof.Proved)
	require.Equal(t, "1 sessions of revoked logins are still open", proof.Facts["sessions"])
	require.NoError(t, open.Ping(t.Context()))

	require.Equal(t, "1", a.do().Facts["sessions_ended"])
	require.True(t, a.verify().Proved)
}

// What PostgreSQL refuses to drop is not contained, whatever Vault makes of its lease.
func TestDatabaseThatRefusesIsNotContained(t *testing.T) {
	t.Parallel()
	d := newScene(t).database()
	holder := d.issue()
	d.exec(fmt.Sprintf("CREATE TABLE kept_%d (id int)", 1), fmt.Sprintf("ALTER TABLE kept_1 OWNER TO %s", pgx.Identifier{holder.user}.Sanitize()))
	a := d.act("vault.revoke", d.credential())
	a.capture()
	_, err := a.action.Do(t.Context(), a.op)
	require.ErrorContains(t, err, "2BP01")
	d.hidden(err.Error())
	proof := a.verify()
	require.False(t, proof.Proved)
	require.Contains(t, proof.Facts["leases"], "are left")

	d.exec("DROP TABLE kept_1")
	a.do()
	require.True(t, a.verify().Proved, "once it can be dropped, it is")
}

// force makes Vault forget leases without telling PostgreSQL: a lease that is gone is no proof.
func TestForgottenLeaseIsNotContained(t *testing.T) {
	t.Parallel()
	d := newScene(t).database()
	holder := d.issue()
	d.exec("CREATE TABLE kept_1 (id int)", fmt.Sprintf("ALTER TABLE kept_1 OWNER TO %s", pgx.Identifier{holder.user}.Sanitize()))
	a := d.act("vault.revoke", d.credential())
	a.capture()
	require.NoError(t, d.root.Sys().RevokeForceWithContext(t.Context(), "database/creds/loan-reader"))
	_, err := d.root.Logical().DeleteWithContext(t.Context(), "database/roles/loan-reader")
	require.NoError(t, err)
	keys, err := d.root.Logical().ListWithContext(t.Context(), "sys/leases/lookup/database/creds/loan-reader/")
	require.NoError(t, err)
	require.Nil(t, keys, "Vault knows of nothing")
	proof := a.verify()
	require.False(t, proof.Proved, "the canary was dropped, and yet: %s", proof.Method)
	require.Contains(t, proof.Facts["logins"], "1 logins of the role are still in the database")
	d.connect(holder.user, holder.password)
}

// The users of two roles whose names begin alike are called alike: neither one's sessions are touched.
func TestSessionsThatMayBeOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	d := newScene(t).database()
	holder := d.issue()
	open := d.connect(holder.user, holder.password)
	d.write("database/roles/loan-readonly", map[string]any{"db_name": "loans", "creation_statements": "SELECT 1"})
	a := d.act("vault.revoke", d.credential())
	a.capture()
	a.do()
	proof := a.verify()
	require.True(t, proof.Proved, proof.Method)
	require.Contains(t, proof.Gaps[0], "the users of role loan-readonly are called alike")
	require.NoError(t, open.Ping(t.Context()))
}
