package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
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

func TestAlertsThatReachNoPlaybookGoToAPerson(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		file  string
		mode  incident.Mode
		taken []string
		// want holds a part of the reason of each alert; an empty one was started.
		want []string
	}{
		"labels": {
			"mixed.json", incident.Live, []string{"loan-applications@2026-07-31", "assist-kb@2026-09-01"},
			[]string{
				"", "no rule fits (named-by-the-sender: field firebreak_asset is missing)", `unknown incident kind "dataset-tampering"`,
				"field firebreak_kind is missing", "",
			},
		},
		"assets": {
			"other-assets.json", incident.Live, []string{"loan-applications@2026-07-31"},
			[]string{"", `asset "loan-aplications" is not in the inventory`, `asset "loan-synthetic@2026-08-15" is in environment "staging", which a live incident may not touch`},
		},
		"drill": {
			"other-assets.json", incident.Drill, []string{"loan-synthetic@2026-08-15"},
			[]string{`is in environment "prod", which a drill incident may not touch`, "is not in the inventory", ""},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeTemporal{}
			in, logs := newIntake(t, f)
			in.mode = tt.mode
			raw := alertFile(t, tt.file)
			code, a := send(t, in, alertPost(bytes.NewReader(raw)))
			require.Equal(t, http.StatusOK, code, "a sender would not send again what is answered 4xx")
			require.Empty(t, a.Error)
			require.Len(t, a.Alerts, len(tt.want))
			triaged := 0
			for i, text := range tt.want {
				if text == "" {
					require.Equal(t, "started", a.Alerts[i].Outcome)
					continue
				}
				triaged++
				require.Equal(t, "triaged", a.Alerts[i].Outcome)
				require.Contains(t, a.Alerts[i].Reason, text)
				require.Empty(t, a.Alerts[i].IncidentID)
				require.Contains(t, logs.String(), a.Alerts[i].Fingerprint)
			}
			require.Equal(t, triaged, strings.Count(logs.String(), `level=WARN msg="alert goes to triage"`))
			require.Len(t, f.triaged, triaged)
			for _, r := range f.triaged {
				require.Equal(t, tt.mode, r.Mode)
				require.Equal(t, raw, unzipped(t, r.Alert.Raw), "what is triaged is kept whole")
			}
			var taken []string
			for _, al := range f.alerts {
				taken = append(taken, al.Asset)
			}
			require.ElementsMatch(t, tt.taken, taken)
			require.Equal(t, tt.mode, f.requests[0].Mode)

			code, _ = send(t, in, alertPost(bytes.NewReader(raw)))
			require.Equal(t, http.StatusOK, code)
			require.Len(t, f.triaged, triaged, "the same alert is triaged once")
		})
	}
}

// unzipped is the post that an alert carries.
func unzipped(t *testing.T, raw []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(raw))
	require.NoError(t, err)
	out, err := io.ReadAll(r)
	require.NoError(t, err)
	return out
}

func TestRawPostGoesOnceToEachIncident(t *testing.T) {
	t.Parallel()
	f := &fakeTemporal{}
	in, _ := newIntake(t, f)
	group := alertGroup(t, map[string]string{"a": "credit-api", "b": "credit-api", "c": "assist-chat"})
	code, _ := send(t, in, alertPost(bytes.NewReader(group)))
	require.Equal(t, http.StatusOK, code)
	carried := map[string]int{}
	for _, a := range f.alerts {
		if a.Raw != nil {
			carried[a.Asset]++
			require.Equal(t, group, unzipped(t, a.Raw))
		}
		require.Equal(t, f.alerts[0].RawSHA256, a.RawSHA256)
	}
	require.Len(t, f.alerts, 3)
	require.Equal(t, map[string]int{"credit-api": 1, "assist-chat": 1}, carried)
}

func TestManyTriagedAlertsDoNotMultiplyThePost(t *testing.T) {
	t.Parallel()
	f := &fakeTemporal{}
	in, _ := newIntake(t, f)
	assets := map[string]string{}
	for i := range 3 * triagedRaws {
		assets[fmt.Sprint("n", i)] = fmt.Sprint("nobody-knows-", i)
	}
	code, _ := send(t, in, alertPost(bytes.NewReader(alertGroup(t, assets))))
	require.Equal(t, http.StatusOK, code)
	require.Len(t, f.triaged, len(assets), "each is triaged")
	carried := 0
	for _, r := range f.triaged {
		if r.Alert.Raw != nil {
			carried++
		}
	}
	require.Equal(t, triagedRaws, carried)
}

// alertGroup is a group of Alertmanager with one alert for each name and its asset.
func alertGroup(t *testing.T, assets map[string]string) []byte {
	t.Helper()
	var alerts []map[string]any
	for _, name := range slices.Sorted(maps.Keys(assets)) {
		alerts = append(alerts, map[string]any{
			"status": "firing", "startsAt": "2026-09-14T06:00:05.127Z",
			"labels": map[string]string{"alertname": name, "firebreak_kind": "extraction-event", "firebreak_asset": assets[name]},
		})
	}
	raw, err := json.Marshal(map[string]any{"version": "4", "groupKey": "{}", "alerts": alerts})
	require.NoError(t, err)
	return raw
}

func TestEndOfAnAlertThatStartedNothingPagesNobody(t *testing.T) {
	t.Parallel()
	f := &fakeTemporal{}
	in, _ := newIntake(t, f)
	raw := bytes.ReplaceAll(alertFile(t, "resolved.json"), []byte("loan-applications@"), []byte("loan-aplications@"))
	code, a := send(t, in, alertPost(bytes.NewReader(raw)))
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "no_open_incident", a.Alerts[0].Outcome)
	require.Contains(t, a.Alerts[0].Reason, "is not in the inventory")
	require.Empty(t, f.triaged)
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
