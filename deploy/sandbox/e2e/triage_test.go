package e2e_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"firebreak/deploy/sandbox/stack"
	"firebreak/internal/incident"
	"firebreak/workflows"
)

// An alert that starts nothing is kept under Object Lock and reaches a person, in Slack or past it.
func TestAlertThatStartsNothingReachesAPerson(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		breaks func(*stack.Stack)
		way    string
	}{
		{"in Slack", func(*stack.Stack) {}, "slack"},
		{"by mail while Slack is down", func(s *stack.Stack) { s.Slack.Down(true) }, "email"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, ctx := start(t), bounded(t)
			c.breaks(s)
			req := workflows.TriageRequest{Alert: rawAlert(t, `{"alerts":[{"status":"firing"}]}`), Reason: "no route matches", Mode: incident.Live}
			run, err := s.Client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: workflows.TriageID(req.Alert), TaskQueue: workflows.TaskQueue(req.Mode)}, workflows.TriageWorkflow, req)
			require.NoError(t, err)
			var told incident.Effect
			require.NoError(t, run.Get(ctx, &told))
			require.Equal(t, c.way, told.Facts["way"])
			require.Contains(t, told.Facts["raw_uri"], "s3://nordwall-evidence/incidents/")
			require.Contains(t, told.Facts["raw_uri"], "/alerts/"+req.Alert.RawSHA256+"?versionId=")

			var said string
			for _, m := range s.Slack.Messages("incidents") {
				said += string(m.Blocks)
			}
			for _, m := range s.Mail.Mails() {
				require.Equal(t, []string{"oncall@nordwall.example"}, m.To)
				said += strings.ReplaceAll(m.Raw, "=\r\n", "")
			}
			require.Contains(t, said, "no route matches")
			require.Contains(t, said, "trigger start --kind KIND --asset ASSET --as YOU")
			require.Len(t, s.Mail.Mails(), map[string]int{"email": 1}[c.way])
		})
	}
}

func rawAlert(t *testing.T, posted string) incident.Alert {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write([]byte(posted))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	sum := sha256.Sum256([]byte(posted))
	return incident.Alert{Source: "alertmanager", Key: "group/fingerprint", Summary: "something odd", ReceivedAt: time.Now(), Raw: packed.Bytes(), RawSHA256: hex.EncodeToString(sum[:])}
}
