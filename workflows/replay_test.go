package workflows_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // a time zone other than this machine's must exist on every machine

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"firebreak/internal/incident"
	"firebreak/playbooks"
	"firebreak/workflows"
)

// expectedHistories is how many histories are recorded. A lost file must fail; whoever records again sets what the
// recorder counted: go run -C deploy/sandbox ./record
const expectedHistories = 76

const historiesFolder = "../testdata/histories"

// Both variables are set for the child process of TestHistoriesReplayUnderAnotherConfiguration alone.
const (
	replayFolder  = "FIREBREAK_TEST_REPLAY_FOLDER"
	replayResults = "FIREBREAK_TEST_REPLAY_RESULTS"
)

func TestMain(m *testing.M) {
	if os.Getenv(replayResults) == "" {
		os.Exit(m.Run())
	}
	if err := replayInThisProcess(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// recorded is one history with the incident's id, which decides the ids of its operations.
type recorded struct {
	name, id string
	history  *history.History
}

func readHistory(file string) (*recorded, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	if strings.HasSuffix(file, ".gz") {
		r, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return nil, fmt.Errorf("decompress %s: %w", file, err)
		}
		if raw, err = io.ReadAll(r); err != nil {
			return nil, fmt.Errorf("decompress %s: %w", file, err)
		}
	}
	h, err := client.HistoryFromJSON(bytes.NewReader(raw), client.HistoryJSONOptions{})
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", file, err)
	}
	name := filepath.Base(filepath.Dir(file)) + "/" + strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file), ".gz"), ".json")
	return &recorded{name, h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowId(), h}, nil
}

// replay runs the workflow's code against the history and returns the record that it comes to, or nil if the recorded
// workflow failed. Register, which may be nil, replaces the real workflows.
func (h *recorded) replay(register func(worker.WorkflowRegistry)) (*incident.Record, error) {
	// The deadlock detector measures real time, which says nothing on a machine that is busy with other tests.
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{DisableDeadlockDetection: true})
	if err != nil {
		return nil, fmt.Errorf("make replayer: %w", err)
	}
	if register == nil {
		register = registerWorkflows
	}
	register(replayer)
	err = replayer.ReplayWorkflowHistoryWithOptions(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), h.history,
		worker.ReplayWorkflowHistoryOptions{OriginalExecution: workflow.Execution{ID: h.id}})
	if err != nil || h.last().GetEventType() != enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED {
		return nil, err
	}
	var rec incident.Record
	// Replayers of the SDK have the method, its interface does not.
	results, ok := replayer.(interface {
		GetWorkflowResult(id string, value any) error
	})
	if !ok {
		return nil, errors.New("the replayer does not tell results")
	}
	if err := results.GetWorkflowResult(h.id, &rec); err != nil {
		return nil, fmt.Errorf("read result of %s: %w", h.name, err)
	}
	return &rec, nil
}

func (h *recorded) last() *history.HistoryEvent { return h.history.Events[len(h.history.Events)-1] }

// registerWorkflows registers under the names that histories hold. They are written out: renaming a workflow type in the
// contract must fail here.
func registerWorkflows(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(workflows.BackdoorDiscovery, workflow.RegisterOptions{Name: "BackdoorDiscovery"})
	r.RegisterWorkflowWithOptions(workflows.ExtractionEvent, workflow.RegisterOptions{Name: "ExtractionEvent"})
	r.RegisterWorkflowWithOptions(workflows.DatasetCompromise, workflow.RegisterOptions{Name: "DatasetCompromise"})
	r.RegisterWorkflowWithOptions(workflows.Custom, workflow.RegisterOptions{Name: "Custom"})
}

func historyFiles(folder string) ([]string, error) {
	plain, err := filepath.Glob(filepath.Join(folder, "*", "*.json"))
	if err != nil {
		return nil, err
	}
	compressed, err := filepath.Glob(filepath.Join(folder, "*", "*.json.gz"))
	return slices.Sorted(slices.Values(append(plain, compressed...))), err
}

func TestEveryRecordedHistoryReplays(t *testing.T) {
	t.Parallel()
	files, err := historyFiles(historiesFolder)
	require.NoError(t, err)
	require.Len(t, files, expectedHistories)
	kinds, err := playbooks.BuiltIn().Kinds()
	require.NoError(t, err)
	for _, kind := range kinds {
		require.True(t, slices.ContainsFunc(files, func(f string) bool { return filepath.Base(filepath.Dir(f)) == string(kind) }), "no history of %s", kind)
	}
	for _, file := range files {
		h, err := readHistory(file)
		require.NoError(t, err)
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			rec, err := h.replay(nil)
			require.NoError(t, err)
			if rec == nil {
				require.Equal(t, enums.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED, h.last().GetEventType())
				return
			}
			var then incident.Record
			err = converter.GetDefaultDataConverter().FromPayloads(h.last().GetWorkflowExecutionCompletedEventAttributes().GetResult(), &then)
			require.NoError(t, err)
			require.Equal(t, then.Verdict, rec.Verdict, "an incident of the past has another verdict now")
			require.Equal(t, then.PlanDigest, rec.PlanDigest)
		})
	}
}

// results replays every history of a folder and returns a digest of what each comes to.
func results(folder string) (map[string]string, error) {
	files, err := historyFiles(folder)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	var errs []error
	for _, file := range files {
		h, err := readHistory(file)
		if err != nil {
			return nil, err
		}
		rec, err := h.replay(nil)
		if err != nil {
			errs = append(errs, fmt.Errorf("replay %s: %w", h.name, err))
			continue
		}
		raw, err := json.Marshal(rec)
		if err != nil {
			return nil, fmt.Errorf("encode record of %s: %w", h.name, err)
		}
		sum := sha256.Sum256(raw)
		out[h.name] = hex.EncodeToString(sum[:])
	}
	return out, errors.Join(errs...)
}

// replayInThisProcess is what the child process does.
func replayInThisProcess() error {
	if _, offset := time.Now().Zone(); offset == 0 {
		return errors.New("the child process runs in UTC; the test would prove nothing")
	}
	out, err := results(os.Getenv(replayFolder))
	if err != nil {
		return err
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("encode results: %w", err)
	}
	return os.WriteFile(os.Getenv(replayResults), raw, 0o600)
}

// Workers differ in what their environment says, in where and when they run, and in the playbooks that they read. None of
// it may reach an incident that is open: every history must come to the very same record.
func TestHistoriesReplayUnderAnotherConfiguration(t *testing.T) {
	t.Parallel()
	folder, err := filepath.Abs(historiesFolder)
	require.NoError(t, err)
	elsewhere := t.TempDir()
	other := filepath.Join(elsewhere, "playbooks")
	require.NoError(t, os.MkdirAll(other, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(other, "dataset-compromise.yaml"), []byte("version: 1\nkind: dataset-compromise\ntitle: Another\nphases: []\n"), 0o600))
	file := filepath.Join(elsewhere, "results.json")
	binary, err := os.Executable()
	require.NoError(t, err)
	child := exec.CommandContext(t.Context(), binary)
	child.Dir = elsewhere
	child.Env = []string{
		replayFolder + "=" + folder, replayResults + "=" + file, "HOME=" + elsewhere,
		"TZ=Pacific/Kiritimati", "GOMAXPROCS=1", "LANG=tr_TR.UTF-8", "LC_ALL=tr_TR.UTF-8",
		"FIREBREAK_PLAYBOOKS=" + other, "FIREBREAK_INVENTORY=" + filepath.Join(elsewhere, "none.yaml"), "FIREBREAK_ALERT_TOKEN=another",
		"TEMPORAL_NAMESPACE=another", "TEMPORAL_ADDRESS=127.0.0.1:1", "VAULT_ADDR=http://127.0.0.1:1", "AWS_REGION=another", "KUBECONFIG=none",
	}
	output, err := child.CombinedOutput()
	require.NoError(t, err, string(output))
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	var there map[string]string
	require.NoError(t, json.Unmarshal(raw, &there))
	here, err := results(historiesFolder)
	require.NoError(t, err)
	require.Len(t, there, expectedHistories)
	require.Equal(t, here, there)
}

// mutated is the history of a contained incident, for a test to change.
func mutated(t *testing.T) *recorded {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(historiesFolder, "dataset-compromise", "contained.json*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	h, err := readHistory(files[0])
	require.NoError(t, err)
	return h
}

func TestReplayCatchesAChangedWorkflow(t *testing.T) {
	t.Parallel()
	late := func(ctx workflow.Context, req incident.Request) (*incident.Record, error) {
		if err := workflow.Sleep(ctx, time.Second); err != nil {
			return nil, err
		}
		return workflows.DatasetCompromise(ctx, req)
	}
	activities := func(h *recorded) (out []*history.ActivityTaskScheduledEventAttributes) {
		for _, e := range h.history.Events {
			if a := e.GetActivityTaskScheduledEventAttributes(); a != nil {
				out = append(out, a)
			}
		}
		return out
	}
	cases := []struct {
		name     string
		mutate   func(*recorded)
		register func(worker.WorkflowRegistry)
	}{
		{"an activity has another name", func(h *recorded) { activities(h)[3].ActivityType.Name += ".renamed" }, nil},
		{"the last activity has another name", func(h *recorded) {
			all := activities(h)
			all[len(all)-1].ActivityType.Name = playbooks.PlanActivity
		}, nil},
		{"a timer is started before everything else", func(*recorded) {}, func(r worker.WorkflowRegistry) {
			r.RegisterWorkflowWithOptions(late, workflow.RegisterOptions{Name: "DatasetCompromise"})
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := mutated(t)
			c.mutate(h)
			_, err := h.replay(c.register)
			require.ErrorContains(t, err, "TMPRL1100", "a changed workflow went unnoticed")
		})
	}
}
