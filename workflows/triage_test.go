package workflows_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
	"firebreak/workflows"
)

// desk is a test environment for Triage: each activity takes the failures that are in line for it, and then works.
type desk struct {
	*testsuite.TestWorkflowEnvironment
	mu    sync.Mutex
	calls []string
	fail  map[string][]error
	// queue of each call, by name.
	queues map[string]string
	page   playbooks.Page
	kept   playbooks.KeepAlert
}

func triageRequest() workflows.TriageRequest {
	return workflows.TriageRequest{
		Alert: incident.Alert{Source: "alertmanager", Key: "g/f", Raw: []byte{0x1f, 0x8b}, RawSHA256: "ff"}, Reason: "no route matches", Mode: incident.Live,
	}
}

func newDesk(t *testing.T, req workflows.TriageRequest) *desk {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	d := &desk{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), fail: map[string][]error{}, queues: map[string]string{}}
	d.SetTestTimeout(time.Minute)
	d.RegisterWorkflow(workflows.Triage)
	d.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: workflows.TriageID(req.Alert), TaskQueue: workflows.TaskQueue(req.Mode)})
	register := func(name string, f any) { d.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name}) }
	register(playbooks.OncallActivity, func(ctx context.Context, _ incident.Mode) (*playbooks.Oncall, error) {
		return &playbooks.Oncall{Oncall: inventory.Oncall{Channel: "#incidents"}, Store: inventory.Store{Bucket: "evidence"}}, d.next(ctx, "oncall")
	})
	register(playbooks.KeepAlertActivity, func(ctx context.Context, in playbooks.KeepAlert) (*playbooks.KeptAlert, error) {
		d.mu.Lock()
		d.kept = in
		d.mu.Unlock()
		return &playbooks.KeptAlert{URI: "s3://evidence/a?versionId=1", SHA256: "ff"}, d.next(ctx, "keep")
	})
	register(playbooks.PageActivity, func(ctx context.Context, in playbooks.Page) (*incident.Effect, error) {
		d.mu.Lock()
		d.page = in
		d.mu.Unlock()
		return &incident.Effect{Summary: "on-call paged in #incidents", Changed: true}, d.next(ctx, "page")
	})
	return d
}

func (d *desk) next(ctx context.Context, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, name)
	d.queues[name] = activity.GetInfo(ctx).TaskQueue
	line := d.fail[name]
	if len(line) == 0 {
		return nil
	}
	d.fail[name] = line[1:]
	return line[0]
}

func (d *desk) run(t *testing.T, req workflows.TriageRequest) incident.Effect {
	t.Helper()
	d.ExecuteWorkflow(workflows.Triage, req)
	require.True(t, d.IsWorkflowCompleted())
	require.NoError(t, d.GetWorkflowError())
	var out incident.Effect
	require.NoError(t, d.GetWorkflowResult(&out))
	return out
}

func times(n int, err error) []error {
	out := make([]error, n)
	for i := range out {
		out[i] = err
	}
	return out
}

func TestTriage(t *testing.T) {
	t.Parallel()
	invalid := temporal.NewNonRetryableApplicationError("no evidence store", "Invalid", nil)
	cases := []struct {
		name string
		fail map[string][]error
		want []string
		// paged is the evidence that the page names, kept the one that the result names.
		paged, kept string
		summary     string
	}{
		{"all works", nil, []string{"oncall", "keep", "page"}, "s3://evidence/a?versionId=1", "s3://evidence/a?versionId=1", "on-call paged in #incidents"},
		// The test environment ends unlimited attempts after ten; a server does not.
		{"the inventory names nobody at first", map[string][]error{"oncall": times(9, down())}, nil, "s3://evidence/a?versionId=1", "s3://evidence/a?versionId=1", "on-call paged"},
		{"Slack is down for hours", map[string][]error{"page": times(300, down())}, nil, "s3://evidence/a?versionId=1", "s3://evidence/a?versionId=1", "on-call paged"},
		{"whom the inventory named is mended", map[string][]error{"page": {invalid}}, []string{"oncall", "keep", "page", "oncall", "page"}, "s3://evidence/a?versionId=1", "s3://evidence/a?versionId=1", "on-call paged"},
		{"the store is down at first", map[string][]error{"keep": times(12, down())}, nil, "", "s3://evidence/a?versionId=1", "on-call paged"},
		{"the store is down for days", map[string][]error{"keep": times(1<<12, down())}, nil, "", "", "could not be kept as evidence: connection refused"},
		{"there is no store", map[string][]error{"keep": {invalid}}, []string{"oncall", "keep", "page"}, "", "", "could not be kept as evidence: no evidence store"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			req := triageRequest()
			d := newDesk(t, req)
			for name, line := range c.fail {
				d.fail[name] = line
			}
			out := d.run(t, req)
			if c.want != nil {
				require.Equal(t, c.want, d.calls)
			}
			require.Equal(t, c.paged, d.page.RawURI)
			require.Equal(t, c.kept, out.Facts["raw_uri"])
			require.Contains(t, out.Summary, c.summary)
			require.Equal(t, "alertmanager", out.Facts["source"])
			require.Equal(t, "no route matches", out.Facts["reason"])
			require.Empty(t, d.page.Alert.Raw, "the page is not given the bytes")
			require.Equal(t, req.Alert.Raw, d.kept.Alert.Raw)
			require.Equal(t, workflows.TriageID(req.Alert), d.page.ID)
			require.Equal(t, d.page.ID, d.kept.IncidentID)
		})
	}
}

func TestTriageUsesTheQueuesOfItsMode(t *testing.T) {
	t.Parallel()
	for mode, want := range map[incident.Mode]map[string]string{
		incident.Live:  {"oncall": "contain", "keep": "evidence", "page": "notify"},
		incident.Drill: {"oncall": "drill", "keep": "drill", "page": "drill"},
	} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			req := triageRequest()
			req.Mode = mode
			d := newDesk(t, req)
			d.run(t, req)
			require.Equal(t, want, d.queues)
		})
	}
}
