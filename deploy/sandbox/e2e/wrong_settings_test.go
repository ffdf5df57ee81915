package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/scenario"
	"firebreak/deploy/sandbox/stack"
	"firebreak/internal/incident"
)

const (
	rightKey = "targets: radius.stakeholders"
	wrongKey = "target: radius.stakeholders"
)

// refusedSettings starts workers of its own, each with one thing wrong.
func refusedSettings(t *testing.T, s *stack.Stack) {
	folder := playbookFolder(t)
	place := spoil(t, folder)
	cases := map[string]struct {
		unset []string
		args  []string
		texts []string
	}{
		"a playbook with a typo":       {nil, []string{"--playbooks", folder}, []string{place + `: unknown-key: unknown key "target" in step (known: action, `}},
		"Vault's address is not set":   {[]string{"VAULT_ADDR"}, nil, []string{"VAULT_ADDR is not set"}},
		"no inventory is named":        {[]string{"FIREBREAK_INVENTORY"}, nil, []string{"no inventory: set --inventory or FIREBREAK_INVENTORY"}},
		"the inventory is not there":   {nil, []string{"--inventory", filepath.Join(folder, "absent.yaml")}, []string{filepath.Join(folder, "absent.yaml")}},
		"everything missing is listed": {[]string{"VAULT_ADDR", "SLACK_BOT_TOKEN"}, nil, []string{"VAULT_ADDR is not set", "set SLACK_BOT_TOKEN"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(bounded(t), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, s.WorkerBinary(), c.args...)
			cmd.Env = slices.DeleteFunc(s.WorkerEnv(), func(kv string) bool {
				name, _, _ := strings.Cut(kv, "=")
				return slices.Contains(c.unset, name)
			})
			output, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			require.True(t, errors.As(err, &exit), "%v", err)
			require.Equal(t, 1, exit.ExitCode(), "it refuses by itself: %s", output)
			for _, text := range c.texts {
				require.Contains(t, string(output), text)
			}
			require.NotContains(t, string(output), "worker is ready")
			untouched(t, ctx, s)
		})
	}
}

// A playbook that somebody breaks while the worker runs holds an incident up, visibly, and does not lose it.
func TestPlaybookBrokenWhileTheWorkerRuns(t *testing.T) {
	t.Parallel()
	folder := playbookFolder(t)
	s, err := stack.Start(t.Context(), stack.Options{Data: t.TempDir(), Log: io.Discard, Playbooks: folder})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	ctx := bounded(t)
	place := spoil(t, folder)

	r := post(t, ctx, s, incident.DatasetCompromise)
	rec := until(t, ctx, s, r.ID, func(rec *incident.Record) bool {
		return slices.ContainsFunc(rec.Timeline, func(e incident.Event) bool { return strings.Contains(e.What, place) })
	})
	require.Equal(t, incident.Opening, rec.Progress)
	require.NotEqual(t, incident.Contained, rec.Verdict)
	output, code, err := s.CLI(ctx, "status", r.ID)
	require.NoError(t, err)
	require.Zero(t, code, output)
	require.Contains(t, output, place+": unknown-key")
	output, code, err = s.CLI(ctx, "approve", r.ID, "approve-rollback", "--as", "ida@nordwall.example", "--plan", "sha256:00")
	require.NoError(t, err)
	require.Equal(t, exitRefused, code, output)
	require.Contains(t, output, "the plan is not resolved yet")
	require.Empty(t, changes(s.VaultProxy, s.S3Proxy, s.KubernetesProxy, s.SlackProxy), "without a plan nothing is touched")

	edit(t, folder, wrongKey, rightKey)
	rec, err = r.Until(ctx, scenario.Settled)
	require.NoError(t, err)
	require.Equal(t, incident.Contained, rec.Verdict, gaps(rec))
}

// playbookFolder is a copy of the playbooks that firebreak ships.
func playbookFolder(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "playbooks")
	require.NoError(t, os.CopyFS(folder, os.DirFS("../../../playbooks")))
	names, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(names), len(incident.Kinds()))
	return folder
}

// spoil puts a typo into the playbook of dataset compromises and returns its place, file:line:column.
func spoil(t *testing.T, folder string) string {
	t.Helper()
	file, lines := edit(t, folder, rightKey, wrongKey)
	line := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, wrongKey) })
	return fmt.Sprintf("%s:%d:%d", file, line+1, strings.Index(lines[line], wrongKey)+1)
}

// edit replaces old by new in that playbook, in one piece as an editor does, and returns its new lines.
func edit(t *testing.T, folder, old, new string) (file string, lines []string) {
	t.Helper()
	file = filepath.Join(folder, string(incident.DatasetCompromise)+".yaml")
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, 1, bytes.Count(raw, []byte(old)))
	raw = bytes.Replace(raw, []byte(old), []byte(new), 1)
	require.NoError(t, os.WriteFile(file+".new", raw, 0o600))
	require.NoError(t, os.Rename(file+".new", file))
	return file, strings.Split(string(raw), "\n")
}
