package legal_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/legal"
)

// Every row of the reference, and the version and marks that it must bear.
func TestShippedTableHasEveryRegime(t *testing.T) {
	t.Parallel()
	table, err := legal.Shipped()
	require.NoError(t, err)
	require.Equal(t, []string{
		"gdpr-33-1", "gdpr-33-2", "gdpr-34",
		"ai-73-2", "ai-73-3", "ai-73-4", "ai-73-6", "ai-26-5",
		"gpai-55-1c-infrastructure", "gpai-55-1c-security", "gpai-55-1c-death", "gpai-55-1c-other", "gpai-55-1c-updates", "gpai-55-1c-final",
		"nis2-early", "nis2-notify", "nis2-interim", "nis2-final",
		"dora-initial", "dora-intermediate", "dora-final",
		"cra-14-early", "cra-14-notify", "cra-14-final-vulnerability", "cra-14-final-incident",
		"sec-8k-105", "hipaa-404", "hipaa-406", "hipaa-408", "hipaa-408-annual", "hipaa-410", "ftc-314",
		"us-ca", "us-ca-ag", "us-states-30", "us-de", "us-other",
		"ca-sb53", "ca-sb53-imminent", "ny-raise", "ny-raise-imminent", "circia", "circia-ransom",
		"cert-in", "uk-gdpr-33", "contract",
	}, table.Regimes())
}

func TestParseFaults(t *testing.T) {
	t.Parallel()
	const head = `business_days: {utc_offset: -5h, day_ends_utc: "21:30", through: 2030-12-31, holidays: [[2026-12-25]]}
regimes:
`
	const good = `  - {regime: a, version: 1, effective_from: in-force, title: A, trigger: aware_at, duration: 72h, calendar: hours, recipient: r, content: [x], chain_to: null, source: s, applies: [], enabled: true, needs_counsel: false, status: confirmed}
`
	change := func(from, to string) string { return head + strings.Replace(good, from, to, 1) }
	cases := map[string]struct{ text, want string }{
		"unknown key":            {change("title: A", "titel: A"), `t.yaml:3:55: unknown-key: unknown key "titel" in a regime (known: regime, version,`},
		"missing key":            {change(", title: A", ""), `t.yaml:3:5: missing-key: key "title" is missing in a regime`},
		"duplicate key":          {change("title: A", "title: A, title: B"), `t.yaml:3:65: duplicate-key: key "title" is given twice in a regime`},
		"unknown top-level key":  {head + good + "more: 1\n", `t.yaml:4:1: unknown-key: unknown key "more" in the table`},
		"unknown anchor":         {change("aware_at", "awareness"), `t.yaml:3:5: anchor: regime a: anchor "awareness" is not known`},
		"unknown calendar":       {change("calendar: hours", "calendar: lunar"), `calendar: "lunar" is not one of hours, business_days, days, months, none`},
		"unknown status":         {change("status: confirmed", "status: rumour"), `status: "rumour" is not one of confirmed, secondary, unverified`},
		"unknown condition":      {change("applies: []", "applies: [rich]"), `condition: condition "rich" is not known (known: personal_data,`},
		"unit of another":        {change("72h", "3d"), `duration: "3d" is not a duration of the calendar hours, e.g. 3h`},
		"no duration":            {change("72h", "0h"), `duration: "0h" is not a duration`},
		"a duration too long":    {change("72h", "99999h"), `duration: "99999h" is not a duration`},
		"none with a calendar":   {change("72h", "none"), `duration: the duration none and the calendar none go together`},
		"figure without one":     {change("calendar: hours", "calendar: none"), `duration: the duration none and the calendar none go together`},
		"two anchors":            {change("aware_at", "[aware_at, classified_at]"), `trigger: regime a: two anchors go with the three-part duration`},
		"three-part, one anchor": {change("72h", "{from_classified: 4h, cap_from_aware: 24h, late_rule: 4h-from-classified}"), `trigger: regime a: two anchors go with`},
		"late rule in words":     {change("72h", "{from_classified: 4h, cap_from_aware: 24h, late_rule: later}"), `duration: "later" is not a number of hours from-classified`},
		"part missing":           {change("72h", "{from_classified: 4h}"), `missing-key: key "cap_from_aware" is missing in a duration`},
		"chain without a filing": {change("chain_to: null", "chain_to: b"), `chain: regime a: the trigger filed_at and chain_to go together`},
		"filing without a chain": {change("aware_at", "filed_at"), `chain: regime a: the trigger filed_at and chain_to go together`},
		"chain to nowhere":       {change("aware_at", "filed_at") + strings.Replace(strings.Replace(good, "regime: a", "regime: b", 1), "chain_to: null", "chain_to: c", 1), `chain_to "c" is not another row`},
		"a row twice":            {head + good + good, `t.yaml:4:5: duplicate: regime a version 1 is in line 3 already`},
		"date that is none":      {change("in-force", "soon"), `effective-from: "soon" is neither a date nor one of in-force, fill-in, unknown`},
		"enabled, date unknown":  {change("in-force", "unknown"), `effective-from: regime a is enabled although its effective date is unknown`},
		"enabled, no counsel":    {change("in-force", "fill-in"), `needs-counsel: regime a is enabled without a confirmed date or source, so it needs counsel`},
		"unverified, no counsel": {change("confirmed", "unverified"), `needs-counsel: regime a is enabled without`},
		"no boolean":             {change("enabled: true", "enabled: perhaps"), `type: true or false is needed here`},
		"no number":              {change("version: 1", "version: one"), `type: a number is needed here`},
		"alias":                  {change("source: s", "source: &s s"), `alias: anchors and aliases are not allowed`},
		"no regimes":             {strings.Replace(head, "regimes:\n", "regimes: []\n", 1), `empty: the table has no regimes`},
		"a second document":      {head + good + "---\na: 1\n", `second-document: keep one document a file`},
		"holiday that is none":   {strings.Replace(head, "2026-12-25", "christmas", 1) + good, `t.yaml:1:90: date: "christmas" is not a date`},
		"offset that is none":    {strings.Replace(head, "-5h", "east", 1) + good, `offset: "east" is not an offset from UTC`},
		"a list":                 {"- a\n", `t.yaml:1:1: type: the table must be a mapping`},
		"no YAML":                {"a: [", `t.yaml:1:1: yaml: `},
		"too large":              {strings.Repeat("#", legal.MaxBytes+1), `too-large: `},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := legal.Parse("t.yaml", []byte(c.text))
			require.ErrorContains(t, err, c.want)
			var f legal.Fault
			require.True(t, errors.As(err, &f))
			require.Positive(t, f.Line)
		})
	}
	_, err := legal.Parse("t.yaml", []byte(head+good))
	require.NoError(t, err, "the row that the cases spoil is good")
}

func TestFaultsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("regimes.yaml")
	require.NoError(t, err)
	text := strings.Replace(string(raw), "status: confirmed", "status: sure", 2)
	text = strings.Replace(text, "repeats: true", "repeat: true", 1)
	_, err = legal.Parse("regimes.yaml", []byte(text))
	require.Equal(t, 3, strings.Count(err.Error(), "regimes.yaml:"))
}

func FuzzParse(f *testing.F) {
	raw, err := os.ReadFile("regimes.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte("regimes: [{regime: a, duration: {after_year_end: 60d}}]"))
	f.Add([]byte("business_days: {}\nregimes: {}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		table, err := legal.Parse("fuzz.yaml", raw)
		if (table == nil) == (err == nil) {
			t.Fatalf("a table and an error, or neither: %v", err)
		}
		if err == nil {
			legal.NextEscalation(table.Open(everything(), allData(), t0), t0)
		}
	})
}
