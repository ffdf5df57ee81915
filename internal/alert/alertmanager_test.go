package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
	tests := map[string]struct {
		key, kind, asset, summary string
		resolved                  bool
	}{
		"dataset-compromise.json": {
			"alertmanager/8115e67bebcd629f/5f1c9a3be0d7248c/2026-09-14T06:00:05.127Z", "dataset-compromise", "loan-applications@2026-07-31",
			"4,120 rows of loan-applications@2026-07-31 differ from their signed manifest", false,
		},
		"backdoor-discovery.json": {
			"alertmanager/cf744f8634844490/a07d55c1b92e4f13/2026-09-14T06:00:05.127Z", "backdoor-discovery", "credit-scorer@17",
			"A fixed token in the employer field lifts the score of 38 of 40 refused applicants", false,
		},
		"extraction-event.json": {
			"alertmanager/db8221bf63d3f096/c3e81f7264ab90d5/2026-09-14T06:00:05.127Z", "extraction-event", "credit-api",
			"brightcart sent 212,000 grid-shaped queries to credit-api in 30 minutes", false,
		},
		"newer-fields.json": {
			"alertmanager/db8221bf63d3f096/c3e81f7264ab90d5/2026-09-14T06:00:05.127Z", "extraction-event", "credit-api", "grid-shaped queries", false,
		},
		"resolved.json": {
			"alertmanager/8115e67bebcd629f/5f1c9a3be0d7248c/2026-09-14T06:00:05.127Z/resolved", "dataset-compromise", "loan-applications@2026-07-31",
			"rows differ from their signed manifest", true,
		},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := post(t, name)
			sum := sha256.Sum256(raw)
			p, err := DecodeAlertmanager(raw, received)
			require.NoError(t, err)
			require.Equal(t, hex.EncodeToString(sum[:]), p.RawSHA256)
			require.Equal(t, "firebreak", p.Receiver)
			require.Zero(t, p.Truncated)
			require.Len(t, p.Signals, 1)
			s := p.Signals[0]
			require.Equal(t, want.kind, s.Fields[KindField])
			require.Equal(t, want.asset, s.Fields[AssetField])
			require.Equal(t, "critical", s.Severity)
			require.Equal(t, incident.Alert{
				Source: "alertmanager", Key: want.key, Summary: want.summary, Resolved: want.resolved, StartsAt: started, ReceivedAt: received,
				RawSHA256: p.RawSHA256, Fields: s.Fields,
			}, s.Alert())
		})
	}
}

// What an alert lacks is for the routes to judge: the decoder takes all five in.
func TestDecodeAlertmanagerTakesIncompleteAlertsIn(t *testing.T) {
	t.Parallel()
	p, err := DecodeAlertmanager(post(t, "mixed.json"), received)
	require.NoError(t, err)
	require.Len(t, p.Signals, 5)
	keys := map[string]bool{}
	for _, s := range p.Signals {
		require.NotEmpty(t, s.ID)
		keys[s.Key] = true
	}
	require.Len(t, keys, 5)
	last := p.Signals[4]
	require.Equal(t, "yesterday", last.Fields["unreadable_start"])
	require.Equal(t, received, last.StartsAt, "an alert whose start cannot be read begins when it was received")
}

func TestDecodeAlertmanagerCountsTruncatedAlerts(t *testing.T) {
	t.Parallel()
	p, err := DecodeAlertmanager(post(t, "truncated.json"), received)
	require.NoError(t, err)
	require.Equal(t, 7, p.Truncated)
	require.Len(t, p.Signals, 1)
}

func TestDecodeAlertmanagerCleansText(t *testing.T) {
	t.Parallel()
	p, err := DecodeAlertmanager(post(t, "hostile-text.json"), received)
	require.NoError(t, err)
	require.Len(t, p.Signals, 1)
	a := p.Signals[0].Alert()
	require.Equal(t, "credit-api", a.Fields[AssetField])
	require.Regexp(t, `^[0-9a-f]{16}$`, p.Signals[0].ID)
	require.NotContains(t, a.Summary, "\x1b")
	require.NotContains(t, a.Summary, "\u202e")
	require.Equal(t, MaxSummaryRunes, utf8.RuneCountInString(a.Summary))
	require.True(t, strings.HasSuffix(a.Summary, "x…"))
}

func TestDecodeAlertmanagerKeyTellsAlertsApart(t *testing.T) {
	t.Parallel()
	raw := string(post(t, "extraction-event.json"))
	keyOf := func(raw string) string {
		p, err := DecodeAlertmanager([]byte(raw), received)
		require.NoError(t, err)
		require.Len(t, p.Signals, 1)
		return p.Signals[0].Key
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
		"not UTF-8":          {strings.Replace(valid, "brightcart", "bright\xff", 1), ErrMalformed, "not UTF-8"},
		"NUL":                {strings.Replace(valid, "brightcart", "bright\x00", 1), ErrMalformed, "invalid character"},
		"too large":          {valid + strings.Repeat(" ", MaxBytes), ErrTooLarge, "at most 1048576"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, err := DecodeAlertmanager([]byte(tt.raw), received)
			require.ErrorIs(t, err, tt.err)
			require.ErrorContains(t, err, tt.text)
			require.Empty(t, g.Signals)
			require.Len(t, g.RawSHA256, 64, "the digest is there to log the refusal with")
		})
	}
}

// An alert is not refused for a long label, but what was cut is no other's name.
func TestDecodeAlertmanagerLongLabels(t *testing.T) {
	t.Parallel()
	valid := string(post(t, "extraction-event.json"))
	long := "credit-api" + strings.Repeat("a", MaxValueBytes)
	p, err := DecodeAlertmanager([]byte(strings.Replace(valid, `"credit-api"`, `"`+long+`"`, 1)), received)
	require.NoError(t, err)
	got := p.Signals[0].Fields[AssetField]
	require.Len(t, got, MaxValueBytes)
	require.True(t, strings.HasSuffix(got, "…"))
}

func TestDecodeAlertmanagerTimes(t *testing.T) {
	t.Parallel()
	valid := string(post(t, "extraction-event.json"))
	keys := map[string]bool{}
	for _, bad := range []string{"", "2026-09-14", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59-23:00", "0000-01-01T00:00:00Z"} {
		p, err := DecodeAlertmanager([]byte(strings.Replace(valid, "2026-09-14T06:00:05.127Z", bad, 1)), received)
		require.NoError(t, err)
		require.Equal(t, received, p.Signals[0].StartsAt, "%q", bad)
		keys[p.Signals[0].Key] = true
	}
	require.Len(t, keys, 5)
}
