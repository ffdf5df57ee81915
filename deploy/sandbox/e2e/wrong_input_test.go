package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"firebreak/deploy/sandbox/fault"
	"firebreak/deploy/sandbox/scenario"
	"firebreak/deploy/sandbox/stack"
	"firebreak/internal/incident"
)

// Everything that a sender, a person or a configuration can get wrong, one after the other on one stack. The parts up to
// the group start nothing; the later ones go on with the incident that the outage could not lose.
func TestWrongInputIsRefusedAndNothingIsLost(t *testing.T) {
	t.Parallel()
	s := start(t)
	parts := []struct {
		name string
		run  func(*testing.T, *stack.Stack)
	}{
		{"alerts that are refused", refusedAlerts},
		{"starts that are refused", refusedStarts},
		{"settings that are refused", refusedSettings},
		{"Temporal is away", temporalAway},
		{"decisions that are refused", refusedDecisions},
		{"a group of which one alert is good", partlyGoodGroup},
	}
	for _, p := range parts {
		if !t.Run(p.name, func(t *testing.T) { p.run(t, s) }) {
			return
		}
	}
}

// unknownAsset differs from an asset of the inventory by its date alone.
const unknownAsset = "loan-applications@2026-07-13"

// stagingAsset is in an environment that a live trigger refuses.
const stagingAsset = "credit-api-stg"

func refusedAlerts(t *testing.T, s *stack.Stack) {
	good := alertOf(incident.ExtractionEvent, scenario.Asset(incident.ExtractionEvent))
	huge := append(bytes.Clone(good), bytes.Repeat([]byte(" "), 10<<20)...)
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	cases := []struct {
		name   string
		body   []byte
		change func(*http.Request)
		status int
		texts  []string
	}{
		{"a wrong token", good, header("Authorization", "Bearer "+strings.Repeat("x", 32)), http.StatusUnauthorized, []string{"bearer token is missing or wrong"}},
		{"no token", good, func(r *http.Request) { r.Header.Del("Authorization") }, http.StatusUnauthorized, []string{"bearer token is missing or wrong"}},
		{"a body that is cut off", good[:len(good)/2], nil, http.StatusBadRequest, []string{"malformed body"}},
		{"a body that is no JSON", []byte("firing=1"), nil, http.StatusBadRequest, []string{"malformed body"}},
		{"10 MB that say so", huge, nil, http.StatusRequestEntityTooLarge, []string{"larger than 1048576 bytes"}},
		{"10 MB in chunks", huge, func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(huge)), -1 }, http.StatusRequestEntityTooLarge, []string{"larger than 1048576 bytes"}},
		{"a wrong content type", good, header("Content-Type", "text/plain"), http.StatusUnsupportedMediaType, []string{"must be application/json"}},
		{"an asset that nobody knows", alertOf(incident.DatasetCompromise, unknownAsset), nil, http.StatusOK,
			[]string{unknownAsset, "is not in the inventory", `did you mean \"loan-applications\"?`}},
		{"an asset of another environment", alertOf(incident.ExtractionEvent, stagingAsset), nil, http.StatusOK,
			[]string{stagingAsset, `in environment \"staging\", which a live incident may not touch`}},
		{"a kind that nobody knows", alertOf("dataset-tampering", "credit-api"), nil, http.StatusOK, []string{`unknown incident kind \"dataset-tampering\"`}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ctx := bounded(t)
			status, answer := send(t, ctx, s, c.body, c.change)
			require.Equal(t, c.status, status, answer)
			for _, text := range c.texts {
				require.Contains(t, answer, text)
			}
			require.NotContains(t, answer, s.AlertToken)
			require.NoError(t, reach(ctx, s.TriggerURL+"/readyz"), "the trigger goes on answering")
			untouched(t, ctx, s)
		})
	}
}

func refusedStarts(t *testing.T, s *stack.Stack) {
	cases := map[string]struct {
		asset, person string
		want          string
	}{
		"an asset that nobody knows":      {unknownAsset, "sam@nordwall.example", `asset "` + unknownAsset + `" is not in the inventory (did you mean "loan-applications"?)`},
		"an asset of another environment": {stagingAsset, "sam@nordwall.example", `in environment "staging", which a live incident may not touch`},
		"a person whom nobody knows":      {"credit-api", "mallory@example.com", `"mallory@example.com" is not a person of the inventory`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			ctx := bounded(t)
			output, code, err := s.CLI(ctx, "start", "--kind", "extraction-event", "--asset", c.asset, "--as", c.person)
			require.NoError(t, err)
			require.Equal(t, exitRefused, code, output)
			require.Contains(t, output, c.want)
			untouched(t, ctx, s)
		})
	}
}

// temporalAway posts an alert while Temporal is dead. It is on disk then, starts its incident once Temporal is back, and the
// same bytes again join it. The incident is left open: it waits for an approval.
func temporalAway(t *testing.T, s *stack.Stack) {
	ctx := bounded(t)
	body := alertOf(incident.ExtractionEvent, "credit-api")
	require.NoError(t, s.Temporal.Kill())
	patient, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	status, answer := send(t, patient, s, body, nil)
	require.Equal(t, http.StatusAccepted, status, answer)
	require.Contains(t, answer, `"outcome":"spooled"`)
	require.NoError(t, reach(ctx, s.TriggerURL+"/readyz"), "alerts are still taken in")
	output, code, err := s.CLI(ctx, "start", "--kind", "extraction-event", "--asset", "credit-api", "--as", "sam@nordwall.example")
	require.NoError(t, err)
	require.Equal(t, exitError, code, output)
	require.Contains(t, output, "connect to Temporal at "+s.Temporal.Address)

	require.NoError(t, s.Temporal.Restart(ctx))
	until(t, ctx, s, openIncident, func(rec *incident.Record) bool { return rec.PlanDigest != "" })
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		status, answer, err := scenario.Post(ctx, s, s.AlertToken, body)
		require.NoError(c, err)
		require.Equal(c, http.StatusOK, status, answer)
		require.Contains(c, answer, openIncident)
	}, time.Minute, 200*time.Millisecond)
	rec := until(t, ctx, s, openIncident, func(rec *incident.Record) bool { return rec.PlanDigest != "" })
	require.NotEmpty(t, rec.Alerts, "the alert is in the incident")
	require.Equal(t, []string{openIncident}, incidents(t, ctx, s))

	output, code, err = s.CLI(ctx, "start", "--kind", "extraction-event", "--asset", "credit-api", "--as", "sam@nordwall.example")
	require.NoError(t, err)
	require.Equal(t, exitConflict, code, output)
	require.Contains(t, output, openIncident+" is already open")
}

// partlyGoodGroup posts three alerts: a good one, one of a misspelt asset, one of staging.
func partlyGoodGroup(t *testing.T, s *stack.Stack) {
	ctx := bounded(t)
	body, err := os.ReadFile("../../../testdata/alerts/alertmanager/other-assets.json")
	require.NoError(t, err)
	status, raw := send(t, ctx, s, body, nil)
	require.Equal(t, http.StatusOK, status, raw)
	var answer struct {
		Error  string
		Alerts []struct {
			Asset, Outcome, Reason string
			IncidentID             string `json:"incident_id"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(raw), &answer), raw)
	require.Empty(t, answer.Error)
	require.Len(t, answer.Alerts, 3)
	started, misspelt, staging := answer.Alerts[0], answer.Alerts[1], answer.Alerts[2]
	require.Equal(t, "started", started.Outcome)
	require.Equal(t, incident.WorkflowID(incident.DatasetCompromise, "loan-applications@2026-07-31", ""), started.IncidentID)
	require.Equal(t, "triaged", misspelt.Outcome)
	require.Contains(t, misspelt.Reason, `asset "loan-aplications" is not in the inventory`)
	require.Equal(t, "triaged", staging.Outcome)
	require.Contains(t, staging.Reason, `in environment "staging"`)

	until(t, ctx, s, started.IncidentID, func(rec *incident.Record) bool { return rec.PlanDigest != "" })
	// What is listed now is everything that this stack ever started, so that an empty list before meant something.
	require.Eventually(t, func() bool { return len(incidents(t, ctx, s)) > 1 }, 30*time.Second, 100*time.Millisecond)
	require.ElementsMatch(t, []string{openIncident, started.IncidentID}, incidents(t, ctx, s))
}

func alertOf(kind incident.Kind, asset string) []byte {
	return scenario.Webhook(string(kind), asset, "wrong input", time.Now())
}

// send posts a body as Alertmanager does, but for the change.
func send(t *testing.T, ctx context.Context, s *stack.Stack, body []byte, change func(*http.Request)) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.TriggerURL+"/alerts/alertmanager", bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.AlertToken)
	if change != nil {
		change(req)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(raw)
}

func reach(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	return nil
}

// untouched checks that nothing was ever started in Temporal and nothing changed in any server that firebreak acts on.
// Besides the list, which lags a little, it asks for every incident that one of the wrong inputs could have started.
func untouched(t *testing.T, ctx context.Context, s *stack.Stack) {
	t.Helper()
	require.Empty(t, incidents(t, ctx, s))
	// An alert that starts nothing is kept as evidence and a person is paged; legal is not told, and no platform is touched.
	require.Empty(t, changes(s.VaultProxy, s.KubernetesProxy))
	require.Empty(t, s.Slack.Messages("ir-legal"))
	for _, c := range changes(s.S3Proxy) {
		require.Regexp(t, `^(PUT|DELETE) /nordwall-evidence/incidents/[0-9a-f]{32}/alerts/`, c, "the copy, and the proof that it cannot be deleted")
	}
	for _, kind := range incident.Kinds() {
		for _, asset := range []string{"credit-api", unknownAsset, stagingAsset} {
			_, err := s.Client.DescribeWorkflowExecution(ctx, incident.WorkflowID(kind, asset, ""), "")
			var missing *serviceerror.NotFound
			require.ErrorAs(t, err, &missing, "%s of %s was started", kind, asset)
		}
	}
}

// incidents lists every workflow that Temporal ever ran, whatever its state.
func incidents(t *testing.T, ctx context.Context, s *stack.Stack) []string {
	t.Helper()
	answer, err := s.Client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{})
	require.NoError(t, err)
	ids := []string{}
	for _, e := range answer.GetExecutions() {
		// What went to triage is a workflow too, but no incident.
		if id := e.GetExecution().GetWorkflowId(); incident.IsWorkflowID(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// changes are the calls that were more than a look.
func changes(proxies ...*fault.Proxy) []string {
	var out []string
	for _, p := range proxies {
		for _, c := range p.Calls() {
			if c.Method != http.MethodGet && c.Method != http.MethodHead && c.Method != http.MethodOptions {
				out = append(out, c.Method+" "+c.Path)
			}
		}
	}
	return out
}
