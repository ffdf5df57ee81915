package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const testRoutes = "../../testdata/alerts/routes/nordwall.yaml"

func TestRouteTestExplains(t *testing.T) {
	t.Parallel()
	inv := []string{inventoryVariable + "=" + testInventory}
	posts := "../../testdata/alerts/"
	tests := map[string]struct {
		env  []string
		args []string
		want []string
	}{
		"an incident": {inv, []string{posts + "alertmanager/extraction-event.json"}, []string{
			"read as alertmanager, routes: built-in routes", "line 5, named-by-the-sender: fits", "-> starts or joins incident/extraction-event/credit-api (live, SEV1)",
		}},
		"an unknown asset": {inv, []string{posts + "alertmanager/other-assets.json"}, []string{
			`-> triage: asset "loan-aplications" is not in the inventory`, `in environment "staging", which a live incident may not touch`,
		}},
		"without inventory": {nil, []string{posts + "alertmanager/other-assets.json"}, []string{
			"-> starts or joins incident/dataset-compromise/loan-aplications", "without --inventory no asset was looked up",
		}},
		"rules of a file": {inv, []string{posts + "alertmanager/mixed.json", "--routes", testRoutes}, []string{
			"line 4, named-by-the-sender: field firebreak_asset is missing", "line 14, guardduty-archive-noise: the source is alertmanager, not guardduty", "-> triage: no rule fits (",
		}},
		"an end": {inv, []string{posts + "alertmanager/resolved.json"}, []string{
			"/resolved, resolved: rows differ", "-> joins incident/dataset-compromise/loan-applications@2026-07-31 if it is open",
		}},
		"a finding by a list and a glob": {inv, []string{posts + "eventbridge/guardduty.json", "--routes", testRoutes}, []string{
			"read as eventbridge", `line 14, guardduty-archive-noise: field type is "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS", not "Recon:" and what follows`,
			"-> starts or joins incident/extraction-event/credit-scorer@17 (live, SEV2, weights)",
		}},
		"an alarm in SNS":  {inv, []string{posts + "sns/alarm.json", "--routes", testRoutes}, []string{"read as sns", "incident/extraction-event/credit-api (live, api)"}},
		"a drift job":      {inv, []string{posts + "eventbridge/model-monitor.json", "--routes", testRoutes}, []string{"line 31, model-quality-drift: fits", `-> starts or joins incident/backdoor-discovery/credit-api (live, SEV2)`}},
		"a PagerDuty page": {inv, []string{posts + "pagerduty/triggered.json", "--routes", testRoutes}, []string{"incident/extraction-event/credit-api (live, SEV1)"}},
		"a ping":           {inv, []string{posts + "pagerduty/ping.json"}, []string{"no alert: the event pagey.ping says nothing"}},
		"CloudEvents":      {inv, []string{posts + "cloudevents/structured.json"}, []string{"read as cloudevents", "incident/backdoor-discovery/credit-scorer@17"}},
		"the generic form": {inv, []string{posts + "generic/firing.json"}, []string{"read as generic", "(live, SEV1, integrity)"}},
		"Datadog":          {inv, []string{posts + "datadog/no-data.json"}, []string{"read as datadog", "-> triage: the monitor has no data"}},
		"a drill":          {inv, []string{posts + "alertmanager/staging-drill.json", "--mode", "drill"}, []string{"(drill)"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, nil, "", tt.env, append([]string{"route", "test"}, tt.args...)...)
			require.Equal(t, exitOK, got.code, got.stderr)
			for _, text := range tt.want {
				require.Contains(t, got.stdout, text)
			}
		})
	}
}

func TestRouteTestAsJSON(t *testing.T) {
	t.Parallel()
	raw := string(alertFile(t, "mixed.json"))
	got := invoke(t, nil, raw, nil, "route", "test", "-", "--source", "alertmanager", "--routes", testRoutes, "-o", "json")
	require.Equal(t, exitOK, got.code, got.stderr)
	var out tried
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &out))
	require.Len(t, out.Alerts, 5)
	require.Equal(t, "named-by-the-sender", out.Alerts[0].Rule)
	require.Equal(t, 4, out.Alerts[0].Line)
	require.Equal(t, loanIncident, out.Alerts[0].IncidentID)
	require.Empty(t, out.Alerts[1].IncidentID)
	require.Len(t, out.Alerts[1].Steps, 7)
	require.Contains(t, out.Alerts[1].Triage, "no rule fits")
}

func TestRouteTestRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		code int
		text string
	}{
		"no payload":      {nil, exitUsage, "accepts 1 arg(s), received 0"},
		"absent payload":  {[]string{"/nowhere.json"}, exitError, "read the payload: open /nowhere.json"},
		"unknown source":  {[]string{"-", "--source", "nagios"}, exitUsage, `--source "nagios": want one of alertmanager`},
		"another format":  {[]string{"-", "--source", "pagerduty"}, exitError, "read -: malformed body"},
		"no format":       {[]string{"-"}, exitError, "no source sends this"},
		"bad output":      {[]string{"-", "-o", "yaml"}, exitUsage, "want table or json"},
		"bad mode":        {[]string{"-", "--mode", "dry"}, exitUsage, "want live or drill"},
		"absent routes":   {[]string{"-", "--routes", "/nowhere.yaml"}, exitError, "(--routes or FIREBREAK_ROUTES)"},
		"absent assets":   {[]string{"-", "--inventory", "/nowhere.yaml"}, exitError, "load the inventory"},
		"label and route": {[]string{"-", "--routes", testRoutes, "--kind-label", "k"}, exitError, "for the built-in routes"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, nil, "firing=1", nil, append([]string{"route", "test"}, tt.args...)...)
			require.Equal(t, tt.code, got.code, got.stderr)
			require.Contains(t, got.stderr, tt.text)
			require.Empty(t, got.stdout)
		})
	}
}

func TestRouteValidate(t *testing.T) {
	t.Parallel()
	got := invoke(t, nil, "", nil, "route", "validate", testRoutes)
	require.Equal(t, invocation{code: exitOK, stdout: "7 rules, no fault\n"}, got)

	bad := filepath.Join(t.TempDir(), "routes.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("version: 1\nrules:\n  - {name: a, match: {source: nagios}, triage: look}\nelse: drop\n"), 0o600))
	got = invoke(t, nil, "", nil, "route", "validate", bad)
	require.Equal(t, exitError, got.code)
	require.Contains(t, got.stdout, bad+`:3:31: unknown-source: there is no source "nagios"`)
	require.Contains(t, got.stdout, bad+`:4:1: unknown-key:`)
	require.Contains(t, got.stderr, "3 faults in "+bad)

	got = invoke(t, nil, "", nil, "route", "validate", bad, "-o", "json")
	var faults []fault
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &faults))
	require.Len(t, faults, 3)
	require.Equal(t, "missing-key", faults[0].Code)
	got = invoke(t, nil, "", nil, "route", "validate", "/nowhere.yaml")
	require.Equal(t, exitError, got.code)
	require.Contains(t, got.stderr, "read the routes: open /nowhere.yaml")
}

func TestRoutesFileIsFollowed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "routes.yaml")
	write := func(text string) {
		require.NoError(t, os.WriteFile(file+".new", []byte(text), 0o600))
		require.NoError(t, os.Rename(file+".new", file))
	}
	const none, one = "version: 1\nrules: []\ndefault: triage\n", "version: 1\nrules: [{name: a, match: {}, triage: look}]\ndefault: triage\n"
	write(none)
	logs := &lockedBuffer{}
	f, err := openRoutes(file, nil, newLogger(logs))
	require.NoError(t, err)
	f.look()
	require.Empty(t, logs.String())

	write(one)
	f.look()
	require.Len(t, f.current().Rules, 1)
	require.Contains(t, logs.String(), "the routes were read again")

	write("rules: []\n")
	f.look()
	f.look()
	require.True(t, f.current().faulty)
	require.Len(t, f.current().Rules, 1, "the last good routes stay")
	require.Contains(t, logs.String(), "the routes are faulty: going on with the last good ones")

	require.NoError(t, os.Remove(file))
	f.look()
	require.True(t, f.current().faulty)
	write(one)
	f.look()
	require.False(t, f.current().faulty)
}

// A drill trigger starts no live incident, whatever its routes say; a live one may start drills on what is fenced.
func TestModeOfARule(t *testing.T) {
	t.Parallel()
	f := &fakeTemporal{}
	in, _ := newIntake(t, f)
	file := filepath.Join(t.TempDir(), "routes.yaml")
	routes := func(mode, asset string) {
		text := "version: 1\nrules: [{name: a, match: {}, incident: {kind: extraction-event, asset: " + asset + ", mode: " + mode + "}}]\ndefault: triage\n"
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		var err error
		in.routing, err = openRoutes(file, in.kinds, discard())
		require.NoError(t, err)
	}
	post := func() result {
		_, a := send(t, in, alertPost(bytes.NewReader(alertFile(t, "truncated.json"))))
		return a.Alerts[0]
	}
	routes("drill", "credit-api-stg")
	require.Equal(t, "started", post().Outcome)
	require.EqualValues(t, "drill", f.requests[0].Mode)
	routes("drill", "credit-api")
	require.Contains(t, post().Reason, `in environment "prod", which a drill incident may not touch`)
	in.mode = "drill"
	routes("live", "credit-api")
	require.Contains(t, post().Reason, "the rule a says mode live, and this trigger runs with --mode drill")
}
