package process

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shell is a Command that runs a script in a folder of the test's. It is
// ready once the script has made the file "ready".
func shell(t *testing.T, script string) Command {
	t.Helper()
	dir := t.TempDir()
	return Command{
		Name: "script", Path: "/bin/sh", Args: []string{"-c", script}, Env: BaseEnv(dir), Dir: dir,
		LogFile: filepath.Join(dir, "log"), ReadyWithin: 20 * time.Second, Grace: 20 * time.Second,
		Ready: func(context.Context) error {
			_, err := os.Stat(filepath.Join(dir, "ready"))
			return err
		},
	}
}

func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func TestStopLetsTheProcessEndItself(t *testing.T) {
	t.Parallel()
	command := shell(t, `trap 'echo bye; exit 0' TERM; echo hello; touch ready; while :; do sleep 0.05; done`)
	p, err := Start(t.Context(), command)
	require.NoError(t, err)
	require.NoError(t, p.Stop())
	require.True(t, gone(p.PID()))
	<-p.Done()
	written, err := os.ReadFile(command.LogFile)
	require.NoError(t, err)
	require.Contains(t, string(written), "bye\n")
	require.NoError(t, p.Stop(), "stopping it again is no error")
}

func TestStopKillsAProcessThatIgnoresIt(t *testing.T) {
	t.Parallel()
	command := shell(t, `trap '' TERM; touch ready; while :; do sleep 0.05; done`)
	command.Grace = 100 * time.Millisecond
	p, err := Start(t.Context(), command)
	require.NoError(t, err)
	require.NoError(t, p.Stop())
	require.True(t, gone(p.PID()))
}

func TestKillTakesTheChildrenToo(t *testing.T) {
	t.Parallel()
	command := shell(t, `sleep 600 & echo $! >child; touch ready; wait`)
	p, err := Start(t.Context(), command)
	require.NoError(t, err)
	written, err := os.ReadFile(filepath.Join(command.Dir, "child"))
	require.NoError(t, err)
	child, err := strconv.Atoi(strings.TrimSpace(string(written)))
	require.NoError(t, err)
	require.NoError(t, p.Kill())
	require.Eventually(t, func() bool { return ended(child) }, 10*time.Second, 10*time.Millisecond)
}

// ended tells of a process that is gone, or a zombie that nobody has reaped:
// an orphan's reaper is the system's.
func ended(pid int) bool {
	if gone(pid) {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestRestartRunsTheSameCommandAgain(t *testing.T) {
	t.Parallel()
	command := shell(t, `echo started; touch ready; while :; do sleep 0.05; done`)
	p, err := Start(t.Context(), command)
	require.NoError(t, err)
	first, ended := p.PID(), p.Done()
	require.NoError(t, p.Kill())
	<-ended
	require.NoError(t, os.Remove(filepath.Join(command.Dir, "ready")))
	require.NoError(t, p.Restart(t.Context()))
	require.NotEqual(t, first, p.PID())
	select {
	case <-p.Done():
		require.Fail(t, "the new run has ended")
	default:
	}
	require.NoError(t, p.Kill())
	written, err := os.ReadFile(command.LogFile)
	require.NoError(t, err)
	require.Equal(t, "started\nstarted\n", string(written))
}

func TestStartErrors(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		script string
		change func(*Command)
		want   string
	}{
		"it ends before it is ready": {`echo port in use; exit 3`, nil, "port in use"},
		"it says how it ended":       {`exit 3`, nil, "exit status 3"},
		"it is never ready": {`echo waiting; sleep 600`, func(c *Command) {
			c.ReadyWithin = 200 * time.Millisecond
		}, "it is not ready after 200ms"},
		"there is no such binary": {`:`, func(c *Command) { c.Path = "/nonexistent/server" }, "no such file"},
		"its log cannot be made":  {`:`, func(c *Command) { c.LogFile = "/nonexistent/log" }, "open log of script"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := shell(t, c.script)
			if c.change != nil {
				c.change(&command)
			}
			_, err := Start(t.Context(), command)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestTheEnvironmentIsNotInherited(t *testing.T) {
	t.Setenv("VAULT_TOKEN", "a-developers-own")
	command := shell(t, `echo "token=${VAULT_TOKEN:-none} given=$GIVEN"; touch ready; sleep 600`)
	command.Env = append(command.Env, "GIVEN=yes")
	p, err := Start(t.Context(), command)
	require.NoError(t, err)
	require.NoError(t, p.Kill())
	written, err := os.ReadFile(command.LogFile)
	require.NoError(t, err)
	require.Equal(t, "token=none given=yes\n", string(written))
}

func TestFreePortsAreDifferent(t *testing.T) {
	t.Parallel()
	ports, err := FreePorts(20)
	require.NoError(t, err)
	seen := map[int]bool{}
	for _, port := range ports {
		require.False(t, seen[port], "port %d twice", port)
		seen[port] = true
	}
}
