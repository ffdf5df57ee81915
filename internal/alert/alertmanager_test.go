package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
)

var received = time.Date(2026, 9, 14, 6, 0, 36, 0, time.UTC)

const posts = "../../testdata/alerts/alertmanager"

func post(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(posts, name))
	require.NoError(t, err)
	return raw
}

func TestDecodeAlertmanager(t *testing.T) {
	t.Parallel()
	started := time.Date(2026, 9, 14, 6, 0, 5, 127e6, time.UTC)
	tests := map[string]incident.Alert{
		"dataset-compromise.json": {
			Key:  "alertmanager/8115e67bebcd629f/5f1c9a3be0d7248c/2026-09-14T06:00:05.127Z",
			Kind: incident.DatasetCompromise, Asset: "loan-applications@2026-07-31", Severity: "SEV1",
			Summary: "4,120 rows of loan-applications@2026-07-31 differ from their signed manifest",
		},
		"backdoor-discovery.json": {
			Key:  "alertmanager/cf744f8634844490/a07d55c1b92e4f13/2026-09-14T06:00:05.127Z",
			Kind: incident.BackdoorDiscovery, Asset: "credit-scorer@17", Severity: "SEV1",
			Summary: "A fixed token in the employer field lifts the score of 38 of 40 refused applicants",
		},
		"extraction-event.json": {
			Key:  "alertmanager/db8221bf63d3f096/c3e81f7264ab90d5/2026-09-14T06:00:05.127Z",
			Kind: incident.ExtractionEvent, Asset: "credit-api", Severity: "SEV1",
			Summary: "brightcart sent 212,000 grid-shaped queries to credit-api in 30 minutes",
		},
		"newer-fields.json": {
			Key:  "alertmanager/db8221bf63d3f096/c3e81f7264ab90d5/2026-09-14T06:00:05.127Z",
			Kind: incident.ExtractionEvent, Asset: "credit-api", Severity: "SEV1", Summary: "grid-shaped queries",
		},
		"resolved.json": {
			Key:  "alertmanager/8115e67bebcd629f/5f1c9a3be0d7248c/2026-09-14T06:00:05.127Z/resolved",
			Kind: incident.DatasetCompromise, Asset: "loan-applications@2026-07-31", Severity: "SEV1",
			Summary: "rows differ from their signed manifest", Resolved: true,
		},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := post(t, name)
			sum := sha256.Sum256(raw)
			want.Source, want.StartsAt, want.ReceivedAt = "alertmanager", started, received
			want.RawSHA256 = hex.EncodeToString(sum[:])
			g, err := DecodeAlertmanager(raw, received)
			require.NoError(t, err)
			require.Equal(t, []incident.Alert{want}, g.Alerts())
			require.Equal(t, want.RawSHA256, g.RawSHA256)
			require.Equal(t, "firebreak", g.Receiver)
			require.Zero(t, g.TruncatedAlerts)
		})
	}
}

func TestDecodeAlertmanagerReportsEachFaultyAlert(t *testing.T) {
	t.Parallel()
	g, err := DecodeAlertmanager(post(t, "mixed.json"), received)
	require.NoError(t, err)
	require.Len(t, g.Members, 5)
	require.Len(t, g.Alerts(), 1)
	require.Nil(t, g.Members[0].Fault)

	want := []struct {
		fingerprint, label, asset, text string
		err                             error
	}{
		{"11aa22bb33cc44dd", "firebreak_asset", "", "alert 11aa22bb33cc44dd: label firebreak_asset: label is missing", ErrMissingLabel},
		{"22bb33cc44dd55ee", "firebreak_kind", "assist-kb@2026-09-01", `unknown incident kind "dataset-tampering" (known: backdoor-discovery, `, ErrUnknownKind},
		{"33cc44dd55ee66ff", "firebreak_kind", "assist-kb@2026-09-01", "alert 33cc44dd55ee66ff: label firebreak_kind: label is missing", ErrMissingLabel},
		{"44dd55ee66ff77aa", "", "assist-kb@2026-09-01", `startsAt is not an RFC 3339 time: "yesterday"`, ErrBadTime},
	}
	for i, w := range want {
		m := g.Members[i+1]
		require.NotNil(t, m.Fault)
		require.ErrorIs(t, m.Fault, w.err)
		require.Equal(t, w.fingerprint, m.Fault.Fingerprint)
		require.Equal(t, w.fingerprint, m.Fingerprint)
		require.Equal(t, w.label, m.Fault.Label)
		require.Equal(t, w.asset, m.Alert.Asset)
		require.ErrorContains(t, m.Fault, w.text)
	}
}

func TestDecodeAlertmanagerCountsTruncatedAlerts(t *testing.T) {
	t.Parallel()
	g, err := DecodeAlertmanager(post(t, "truncated.json"), received)
	require.NoError(t, err)
	require.Equal(t, 7, g.TruncatedAlerts)
	require.Len(t, g.Alerts(), 1)
}

func TestDecodeAlertmanagerCleansText(t *testing.T) {
	t.Parallel()
	g, err := DecodeAlertmanager(post(t, "hostile-text.json"), received)
	require.NoError(t, err)
	require.Len(t, g.Alerts(), 1)
	a := g.Alerts()[0]
	require.Equal(t, "credit-api", a.Asset)
	require.Regexp(t, `^[0-9a-f]{16}$`, g.Members[0].Fingerprint)
	require.NotContains(t, a.Summary, "\x1b")
	require.NotContains(t, a.Summary, "\u202e")
	require.Equal(t, MaxSummaryRunes, utf8.RuneCountInString(a.Summary))
	require.True(t, strings.HasSuffix(a.Summary, "x…"))
}

func TestDecodeAlertmanagerOwnLabels(t *testing.T) {
	t.Parallel()
	raw := strings.NewReplacer("firebreak_kind", "ml_incident", "firebreak_asset", "ml_asset").
		Replace(string(post(t, "extraction-event.json")))
	raw = strings.Replace(raw, `"tenant": "brightcart"`, `"tier": "sev3"`, 1)
	own := Labels{Kind: "ml_incident", Asset: "ml_asset", Severity: "tier"}
	g, err := own.DecodeAlertmanager([]byte(raw), received)
	require.NoError(t, err)
	require.Len(t, g.Alerts(), 1)
	require.Equal(t, "credit-api", g.Alerts()[0].Asset)
	require.Equal(t, "SEV3", g.Alerts()[0].Severity)

	g, err = DecodeAlertmanager([]byte(raw), received)
	require.NoError(t, err)
	require.ErrorIs(t, g.Members[0].Fault, ErrMissingLabel)
}

func TestDecodeAlertmanagerKeyTellsAlertsApart(t *testing.T) {
	t.Parallel()
	raw := string(post(t, "extraction-event.json"))
	keyOf := func(raw string) string {
		g, err := DecodeAlertmanager([]byte(raw), received)
		require.NoError(t, err)
		require.Len(t, g.Alerts(), 1)
		return g.Alerts()[0].Key
	}
	first := keyOf(raw)
	require.Equal(t, first, keyOf(raw))
	// The same instant in another zone is the same alert.
	require.Equal(t, first, keyOf(strings.Replace(raw, "06:00:05.127Z", "08:00:05.127+02:00", 1)))
	for _, change := range [][2]string{
		{"06:00:05.127Z", "06:00:05.128Z"}, {"c3e81f7264ab90d5", "c3e81f7264ab90d6"}, {`{}/{`, `{}/{}/{`},
	} {
		changed := strings.Replace(raw, change[0], change[1], 1)
		require.NotEqual(t, raw, changed)
		require.NotEqual(t, first, keyOf(changed), "changed %s", change[0])
	}
}

func TestDecodeAlertmanagerRefusesBodies(t *testing.T) {
	t.Parallel()
	valid := string(post(t, "extraction-event.json"))
	tests := map[string]struct {
		raw  string
		err  error
		text string
	}{
		"empty":              {"", ErrMalformed, "empty"},
		"cut off":            {valid[:len(valid)/2], ErrMalformed, ""},
		"not json":           {"alert!", ErrMalformed, "invalid character"},
		"array":              {"[" + valid + "]", ErrMalformed, "cannot unmarshal array"},
		"null":               {"null", ErrVersion, `"", want "4"`},
		"second value":       {valid + valid, ErrMalformed, "something follows"},
		"trailing garbage":   {valid + "}", ErrMalformed, ""},
		"label not a string": {strings.Replace(valid, `"brightcart"`, `17`, 1), ErrMalformed, "number"},
		"duplicate key":      {strings.Replace(valid, `"version": "4"`, `"version": "4", "alerts": []`, 1), ErrMalformed, `the key "alerts" is there twice`},
		"duplicate label":    {strings.Replace(valid, `"tenant"`, `"severity"`, 1), ErrMalformed, `the key "severity" is there twice`},
		"old version":        {strings.Replace(valid, `"4"`, `"3"`, 1), ErrVersion, `"3", want "4"`},
		"no version":         {strings.Replace(valid, `"version"`, `"v"`, 1), ErrVersion, ""},
		"no alerts":          {`{"version":"4","alerts":[]}`, ErrMalformed, "no alerts"},
		"deep":               {strings.Repeat("[", 1e5) + strings.Repeat("]", 1e5), ErrMalformed, "deeper than 32"},
		"deep, open":         {`{"version":"4","x":` + strings.Repeat(`{"a":`, 1e5), ErrMalformed, "deeper than 32"},
		"too large":          {valid + strings.Repeat(" ", MaxBytes), ErrTooLarge, "at most 1048576"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, err := DecodeAlertmanager([]byte(tt.raw), received)
			require.ErrorIs(t, err, tt.err)
			require.ErrorContains(t, err, tt.text)
			require.Empty(t, g.Members)
			require.Len(t, g.RawSHA256, 64, "the digest is there to log the refusal with")
		})
	}
}

func TestDecodeAlertmanagerLongLabels(t *testing.T) {
	t.Parallel()
	valid := string(post(t, "extraction-event.json"))
	long := strings.Repeat("a", MaxLabelBytes+1)

	g, err := DecodeAlertmanager([]byte(strings.Replace(valid, `"credit-api"`, `"`+long+`"`, 1)), received)
	require.NoError(t, err)
	require.ErrorIs(t, g.Members[0].Fault, ErrTooLong)
	require.Equal(t, "firebreak_asset", g.Members[0].Fault.Label)

	// A label that decides nothing may be long: refusing the alert for it would lose the incident.
	g, err = DecodeAlertmanager([]byte(strings.Replace(valid, `"brightcart"`, `"`+long+`"`, 1)), received)
	require.NoError(t, err)
	require.Nil(t, g.Members[0].Fault)
}

func TestDecodeAlertmanagerRefusesTimes(t *testing.T) {
	t.Parallel()
	valid := string(post(t, "extraction-event.json"))
	for _, bad := range []string{"", "2026-09-14", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59-23:00", "0000-01-01T00:00:00Z"} {
		g, err := DecodeAlertmanager([]byte(strings.Replace(valid, "2026-09-14T06:00:05.127Z", bad, 1)), received)
		require.NoError(t, err)
		require.NotNil(t, g.Members[0].Fault, "%q", bad)
		require.ErrorIs(t, g.Members[0].Fault, ErrBadTime, "%q", bad)
	}
}

func FuzzDecodeAlertmanager(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(posts, "*.json"))
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, name := range files {
		f.Add(post(f, filepath.Base(name)))
	}
	f.Add([]byte(`{"version":"4","alerts":[{"labels":{"firebreak_kind":"extraction-event","firebreak_asset":"\u0000\xff"}}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		g, err := DecodeAlertmanager(raw, received)
		if err != nil {
			require.Empty(t, g.Members)
			return
		}
		require.NotEmpty(t, g.Members)
		for _, m := range g.Members {
			require.NotEmpty(t, m.Fingerprint)
			a := m.Alert
			for _, text := range []string{a.Key, string(a.Kind), a.Asset, a.Severity, a.Summary, m.Fingerprint} {
				require.True(t, utf8.ValidString(text))
				require.Equal(t, -1, strings.IndexFunc(text, unicode.IsControl))
			}
			require.LessOrEqual(t, len(a.Asset), MaxLabelBytes)
			require.LessOrEqual(t, utf8.RuneCountInString(a.Summary), MaxSummaryRunes)
			if m.Fault != nil {
				require.Contains(t, m.Fault.Error(), m.Fingerprint)
				continue
			}
			require.NotEmpty(t, a.Asset)
			require.NotEmpty(t, a.Key)
			_, err := json.Marshal(a)
			require.NoError(t, err)
			_, err = incident.ParseKind(string(a.Kind))
			require.NoError(t, err)
		}
	})
}
