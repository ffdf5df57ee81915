package server

import (
	"errors"
	"net"
	"net/url"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/build"
	"firebreak/deploy/sandbox/process"
)

// binary builds a server or finds it in the cache.
func binary(t *testing.T, name string) string {
	t.Helper()
	path, err := build.Server(t.Context(), name, os.Stderr)
	require.NoError(t, err)
	return path
}

// stopsAtTheEnd stops a server after the test and checks that nothing of it
// is left: no process, and nobody who listens.
func stopsAtTheEnd(t *testing.T, p *process.Process, address string) {
	t.Helper()
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		address = u.Host
	}
	t.Cleanup(func() {
		pid := p.PID()
		began := time.Now()
		require.NoError(t, p.Stop())
		t.Logf("stopped in %s", time.Since(began).Round(time.Millisecond))
		require.ErrorIs(t, syscall.Kill(-pid, 0), syscall.ESRCH, "a process of the group is left")
		connection, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = connection.Close()
			err = errors.New("it accepts connections")
		}
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	})
}
