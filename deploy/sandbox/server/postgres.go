package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"firebreak/deploy/sandbox/process"
)

// ErrNoPostgres means that PostgreSQL is not installed here.
var ErrNoPostgres = errors.New("PostgreSQL is not installed: apt-get install postgresql")

// Postgres is a running PostgreSQL server with an empty database "postgres".
type Postgres struct {
	*process.Process
	// Address is host and port.
	Address string
	// User and Password are the superuser's.
	User, Password string

	folder string
}

// StartPostgres starts the installed PostgreSQL on a free port. Its data is
// in a temporary folder of its own, which Stop removes: as root it runs as
// another user, who may not look into the caller's.
func StartPostgres(ctx context.Context) (*Postgres, error) {
	programs, err := findPostgres()
	if err != nil {
		return nil, err
	}
	as, err := postgresUser()
	if err != nil {
		return nil, err
	}
	p := &Postgres{User: "sandbox", Password: newSecret("")}
	if p.folder, err = os.MkdirTemp("", "firebreak-postgres-"); err != nil {
		return nil, fmt.Errorf("create data folder: %w", err)
	}
	if err := p.start(ctx, programs, as); err != nil {
		return nil, errors.Join(err, os.RemoveAll(p.folder))
	}
	return p, nil
}

func (p *Postgres) start(ctx context.Context, programs string, as *syscall.Credential) error {
	if as != nil {
		if err := os.Chown(p.folder, int(as.Uid), int(as.Gid)); err != nil {
			return fmt.Errorf("give data folder to PostgreSQL: %w", err)
		}
	}
	if err := p.initialise(ctx, programs, as); err != nil {
		return err
	}
	port, err := process.FreePort()
	if err != nil {
		return err
	}
	p.Address = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	p.Process, err = process.Start(ctx, process.Command{
		Name: "PostgreSQL", Path: filepath.Join(programs, "postgres"), Credential: as,
		Args: []string{"-D", p.data(), "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-k", "", "-c", "fsync=off"},
		Env:  process.BaseEnv(p.folder), Dir: p.folder, LogFile: filepath.Join(p.folder, "postgres.log"), ReadyWithin: 20 * time.Second,
		Ready: func(ctx context.Context) error {
			ready := exec.CommandContext(ctx, filepath.Join(programs, "pg_isready"), "-h", "127.0.0.1", "-p", strconv.Itoa(port))
			return ready.Run()
		},
	})
	return err
}

func (p *Postgres) data() string { return filepath.Join(p.folder, "data") }

// initialise makes the database cluster, with a password for its superuser.
func (p *Postgres) initialise(ctx context.Context, programs string, as *syscall.Credential) error {
	secret := filepath.Join(p.folder, "password")
	if err := os.WriteFile(secret, []byte(p.Password), 0o600); err != nil {
		return fmt.Errorf("write password: %w", err)
	}
	if as != nil {
		if err := os.Chown(secret, int(as.Uid), int(as.Gid)); err != nil {
			return fmt.Errorf("give password to PostgreSQL: %w", err)
		}
	}
	initdb := exec.CommandContext(ctx, filepath.Join(programs, "initdb"), "-D", p.data(), "-U", p.User,
		"--pwfile", secret, "-A", "scram-sha-256", "--no-sync", "-E", "UTF8", "--locale", "C")
	initdb.Dir, initdb.Env = p.folder, process.BaseEnv(p.folder)
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	if output, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initialise PostgreSQL: %w: %s", err, output)
	}
	return os.Remove(secret)
}

// Stop ends the server without waiting for its clients, and removes its data.
func (p *Postgres) Stop() error {
	_ = syscall.Kill(p.PID(), syscall.SIGINT) // SIGTERM would let them finish
	return errors.Join(p.Process.Stop(), os.RemoveAll(p.folder))
}

// findPostgres returns the folder of its programs: Debian keeps most of them
// off the PATH.
func findPostgres() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		// The others stand beside the program, not beside a link to it.
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", ErrNoPostgres
	}
	slices.Sort(found)
	return filepath.Dir(found[len(found)-1]), nil
}

// postgresUser is who runs PostgreSQL: nil, which is the caller, but for root.
func postgresUser() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	var failed error
	for _, name := range []string{"postgres", "nobody"} {
		who, err := user.Lookup(name)
		if err != nil {
			failed = err
			continue
		}
		uid, uidErr := strconv.ParseUint(who.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(who.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return nil, fmt.Errorf("read user %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("find a user to run PostgreSQL: %w", failed)
}
