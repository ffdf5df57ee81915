package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
)

func alertFile(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile("../../testdata/alerts/alertmanager/" + name)
	require.NoError(t, err)
	return raw
}

func alertPost(body io.Reader) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/alerts/alertmanager", body)
	r.Header.Set("Authorization", "Bearer "+testToken)
	r.Header.Set("Content-Type", "application/json")
	return r
}

func send(t testing.TB, in *intake, r *http.Request) (int, answer) {
	t.Helper()
	w := httptest.NewRecorder()
	in.routes().ServeHTTP(w, r)
	var a answer
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &a), "%s", w.Body)
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	return w.Code, a
}

func TestAlertStartsThenJoins(t *testing.T) {
	t.Parallel()
	f := &fakeTemporal{}
	in, logs := newIntake(t, f)
	raw := alertFile(t, "dataset-compromise.json")
	want := result{Fingerprint: "5f1c9a3be0d7248c", Asset: "loan-applications@2026-07-31", IncidentID: loanIncident}
	for _, outcome := range []string{"started", "joined", "joined"} {
		code, a := send(t, in, alertPost(bytes.NewReader(raw)))
		want.Outcome = outcome
		require.Equal(t, http.StatusOK, code)
		require.Equal(t, answer{Alerts: []result{want}}, a)
	}
	require.Len(t, f.alerts, 3)
	require.Equal(t, f.alerts[0], f.alerts[2], "a repetition has the same key")
	require.Equal(t, incident.DatasetCompromise, f.alerts[0].Kind)
	require.Equal(t, received, f.alerts[0].ReceivedAt)
	require.Len(t, f.requests, 3)
	require.Equal(t, incident.Live, f.requests[0].Mode)
	require.Equal(t, "SEV1", f.requests[0].Severity, "critical")
	require.Contains(t, logs.String(), f.alerts[0].RawSHA256)
	require.NotContains(t, logs.String(), testToken)
}

func TestAlertStormStartsOneIncident(t *testing.T) {
	t.Parallel()
	f := &fakeTemporal{}
	in, _ := newIntake(t, f)
	raw := alertFile(t, "extraction-event.json")
	var started, joined atomic.Int32
	t.Cleanup(func() {
		require.Equal(t, int32(1), started.Load())
		require.Equal(t, int32(31), joined.Load())
	})
	for range 32 {
		t.Run("post", func(t *testing.T) {
			t.Parallel()
			code, a := send(t, in, alertPost(bytes.NewReader(raw)))
			require.Equal(t, http.StatusOK, code)
			if a.Alerts[0].Outcome == "started" {
				started.Add(1)
			} else {
				joined.Add(1)
			}
		})
	}
}

func TestAlertResolved(t *testing.T) {
	t.Parallel()
	f := &fakeTemporal{}
	in, _ := newIntake(t, f)
	raw := alertFile(t, "resolved.json")

	code, a := send(t, in, alertPost(bytes.NewReader(raw)))
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "no_open_incident", a.Alerts[0].Outcome)
	require.Empty(t, f.open, "the end of an alert starts nothing")

	f.open[loanIncident] = true
	code, a = send(t, in, alertPost(bytes.NewReader(raw)))
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "joined", a.Alerts[0].Outcome)
	require.True(t, f.alerts[0].Resolved)
}

func TestAlertWhileTemporalIsAway(t *testing.T) {
	t.Parallel()
	tests := map[string]*fakeTemporal{
		"refused connection": {failure: errors.New("dial 10.0.0.1:7233: connection refused")},
		"no answer":          {block: true},
	}
	for name, f := range tests {
		for _, file := range []string{"dataset-compromise.json", "resolved.json", "other-assets.json"} {
			t.Run(name+" "+file, func(t *testing.T) {
				t.Parallel()
				f := &fakeTemporal{failure: f.failure, block: f.block}
				in, logs := newIntake(t, f)
				in.timeout = 20 * time.Millisecond
				code, a := send(t, in, alertPost(bytes.NewReader(alertFile(t, file))))
				require.Equal(t, http.StatusServiceUnavailable, code, "only a 5xx is sent again")
				require.Contains(t, a.Error, "send the group again")
				for _, r := range a.Alerts {
					require.Equal(t, "failed", r.Outcome, "a triage that is not durable is sent again too")
				}
				require.NotContains(t, a.Alerts[0].Error, "10.0.0.1", "a sender learns nothing of the inside")
				require.Contains(t, logs.String(), `level=WARN msg="alert not delivered" incident_id=`+loanIncident)
				require.Contains(t, logs.String(), "raw_sha256=")
			})
		}
	}
}

func TestAlertsBeyondTheSlotsAreSentAgain(t *testing.T) {
	t.Parallel()
	f := &fakeTemporal{}
	in, _ := newIntake(t, f)
	in.slots = make(chan struct{}, 1)
	in.slots <- struct{}{}
	raw := alertFile(t, "dataset-compromise.json")
	w := httptest.NewRecorder()
	in.routes().ServeHTTP(w, alertPost(bytes.NewReader(raw)))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "1", w.Header().Get("Retry-After"))
	require.Empty(t, f.alerts)

	<-in.slots
	code, _ := send(t, in, alertPost(bytes.NewReader(raw)))
	require.Equal(t, http.StatusOK, code)
	require.Empty(t, in.slots, "the slot is given back")
}

func TestAlertTruncatedGroupIsSaid(t *testing.T) {
	t.Parallel()
	in, logs := newIntake(t, &fakeTemporal{})
	code, a := send(t, in, alertPost(bytes.NewReader(alertFile(t, "truncated.json"))))
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, 7, a.TruncatedAlerts)
	require.Contains(t, logs.String(), "truncated_alerts=7")
}

func TestLogsTakeSecretsOut(t *testing.T) {
	t.Parallel()
	logs := &lockedBuffer{}
	secrets := []string{
		"hv" + "s.CAESIJlWh8wKq", "hv" + "b.AAAAAQJlWh8wKq", "xox" + "b-1111-2222-abc", "AK" + "IAIOSFODNN7EXAMPLE", "AS" + "IAIOSFODNN7EXAMPLE",
		"eyJhbGciOiJIUzI1NiJ9.e30.x", "s.abcdefghijklmnopqrstuvwx", "Bearer " + testToken,
	}
	log := newLogger(logs)
	for _, s := range secrets {
		log.Warn("said "+s, "error", errors.New("with "+s), "target", s)
	}
	for _, s := range secrets {
		require.NotContains(t, logs.String(), strings.TrimPrefix(s, "Bearer "))
	}
	require.Equal(t, 3*len(secrets), strings.Count(logs.String(), "[redacted]"))
}

func TestAlertSaysHowBadAndHowSure(t *testing.T) {
	t.Parallel()
	f := &fakeTemporal{}
	in, logs := newIntake(t, f)
	in.kinds, in.routing = append(in.kinds, "secret-leak"), builtInRoutes(t, "secret-leak")
	raw := strings.NewReplacer(`"extraction-event"`, `"secret-leak"`, `"severity": "critical"`,
		`"severity": "warning", "firebreak_confidence": "0.9", "firebreak_facet": "everything"`).Replace(string(alertFile(t, "extraction-event.json")))
	code, a := send(t, in, alertPost(strings.NewReader(raw)))
	require.Equal(t, http.StatusOK, code, a)
	require.Equal(t, "incident/secret-leak/credit-api", a.Alerts[0].IncidentID)
	require.Equal(t, incident.Request{
		Kind: "secret-leak", Asset: "credit-api", Mode: incident.Live, Requester: "alertmanager", Summary: f.alerts[0].Summary,
		DetectedAt: f.alerts[0].StartsAt, Severity: "SEV2", Confidence: 0.9,
	}, f.requests[0])
	require.Contains(t, logs.String(), "fields=[firebreak_facet]")
}
