package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
)

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
