package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// postgresTimeout bounds one use of a login, with its connection.
const postgresTimeout = 5 * time.Second

// Postgres uses logins of PostgreSQL as Vault's database engine issues them (username, password). Its texts hold nothing
// of them.
type Postgres struct{}

// NewPostgres returns the probe. Addresses are URLs without user and password, e.g. postgres://db.example.com:5432/loans.
func NewPostgres() *Postgres { return &Postgres{} }

// Refused logs in. Only an answer about the login itself counts as refused: the server does not know it, its password is
// wrong by now, or it may not log in any more.
func (p *Postgres) Refused(ctx context.Context, address string, login map[string]any) (refused bool, how string, err error) {
	ctx, cancel := context.WithTimeout(ctx, postgresTimeout)
	defer cancel()
	db, host, err := p.connect(ctx, address, login)
	var answer *pgconn.PgError
	switch {
	case err == nil:
		return false, "PostgreSQL at " + host + " let the login in", db.Close(ctx)
	case errors.As(err, &answer) && (answer.Code == invalidPassword || answer.Code == invalidLogin):
		return true, fmt.Sprintf("PostgreSQL at %s answered %s", host, answer.Code), nil
	}
	return false, "", fmt.Errorf("log in to PostgreSQL at %s: %w", host, withoutLogin(err))
}

// The codes of SQLSTATE class 28, invalid authorization specification.
const (
	invalidLogin    = "28000"
	invalidPassword = "28P01"
)

// Logins returns the ids of the users whose names match.
func (p *Postgres) Logins(ctx context.Context, address string, login map[string]any, pattern string) (ids []uint32, err error) {
	err = p.query(ctx, address, login, func(ctx context.Context, db *pgx.Conn) error {
		rows, err := db.Query(ctx, `SELECT oid FROM pg_roles WHERE rolname ~ $1 ORDER BY oid`, pattern)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uint32])
		return err
	})
	return ids, err
}

// Sessions counts the open sessions of those of the users that are gone or may not log in any more; with end it ends them
// and counts those.
func (p *Postgres) Sessions(ctx context.Context, address string, login map[string]any, ids []uint32, end bool) (count int, err error) {
	act := `true`
	if end {
		act = `pg_terminate_backend(pid)`
	}
	err = p.query(ctx, address, login, func(ctx context.Context, db *pgx.Conn) error {
		return db.QueryRow(ctx, `SELECT count(*) FILTER (WHERE done) FROM (SELECT `+act+` AS done FROM pg_stat_activity
WHERE usesysid = ANY($1) AND usesysid NOT IN (
	SELECT oid FROM pg_roles WHERE rolcanlogin AND (rolvaliduntil IS NULL OR rolvaliduntil > now()))) AS dead`, ids).Scan(&count)
	})
	return count, err
}

func (p *Postgres) query(ctx context.Context, address string, login map[string]any, ask func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, postgresTimeout)
	defer cancel()
	db, host, err := p.connect(ctx, address, login)
	if err != nil {
		return fmt.Errorf("log in to PostgreSQL at %s: %w", host, withoutLogin(err))
	}
	defer func() { _ = db.Close(ctx) }()
	if err := ask(ctx, db); err != nil {
		return fmt.Errorf("query PostgreSQL at %s: %w", host, withoutLogin(err))
	}
	return nil
}

// connect takes nothing from the environment but what the driver's defaults are.
func (p *Postgres) connect(ctx context.Context, address string, login map[string]any) (db *pgx.Conn, host string, err error) {
	user, _ := login["username"].(string)
	password, _ := login["password"].(string)
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") || u.Host == "" || u.User != nil {
		return nil, "its address", errors.New("it is not a URL such as postgres://db.example.com:5432/loans")
	}
	if user == "" || password == "" {
		return nil, u.Host, errors.New("the login has no username and password")
	}
	u.User = url.UserPassword(user, password)
	config, err := pgx.ParseConfig(u.String())
	if err != nil {
		return nil, u.Host, errors.New("its address has options that are not known")
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	db, err = pgx.ConnectConfig(ctx, config)
	return db, u.Host, err
}

// withoutLogin keeps what of an error is not the login: the driver's texts name user and database.
func withoutLogin(err error) error {
	var answer *pgconn.PgError
	var network *net.OpError
	switch {
	case errors.As(err, &answer):
		return fmt.Errorf("SQLSTATE %s", answer.Code)
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.As(err, &network):
		return fmt.Errorf("%s: %w", network.Op, network.Err)
	}
	var connecting *pgconn.ConnectError
	if errors.As(err, &connecting) {
		return errors.New("no answer")
	}
	return err
}
