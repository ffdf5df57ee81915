package legal_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/legal"
)

var t0 = time.Date(2026, 9, 14, 10, 0, 0, 0, time.UTC)

// everything is a profile with every duty; allData has every category, and residents of several States.
func everything() legal.Profile {
	return legal.Profile{
		AIActRoles: []string{"provider", "deployer"}, AIActHighRisk: true, GDPRRoles: []string{"controller", "processor"}, LeadAuthority: "DE",
		NIS2: true, FinancialEntity: true, PublicCompany: true, HIPAA: []string{"covered-entity", "business-associate"}, GPAISystemic: true,
		Frontier: true, USStates: []string{"NY"}, Contracts: []legal.Contract{{Party: "brightcart", NotifyHours: 24}},
		Owners: []string{"leg-1", "leg-2", "exe-1"},
	}
}

func allData() legal.Data {
	return legal.Data{
		Categories: []string{"personal", "special", "phi", "children", "payment"}, Subjects: 410000, Roles: []string{"controller"},
		Residents: []legal.Residents{{"DE", 290000}, {"US-CA", 24000}, {"US-DE", 400}, {"US-TX", 900}, {"US-WA", 12}},
	}
}

func open(t *testing.T, p legal.Profile, d legal.Data, at time.Time) []legal.Clock {
	t.Helper()
	table, err := legal.Shipped()
	require.NoError(t, err)
	return table.Open(p, d, at)
}

func regimes(clocks []legal.Clock) []string {
	out := []string{}
	for _, c := range clocks {
		out = append(out, c.Regime)
	}
	return out
}

func clock(t *testing.T, clocks []legal.Clock, regime string) legal.Clock {
	t.Helper()
	i := legal.Find(clocks, regime)
	require.GreaterOrEqual(t, i, 0, "no clock %s in %v", regime, regimes(clocks))
	return clocks[i]
}

func TestOpenEveryPlausibleRegime(t *testing.T) {
	t.Parallel()
	gdpr := legal.Profile{GDPRRoles: []string{"controller"}}
	personal := legal.Data{Categories: []string{"personal"}}
	cases := map[string]struct {
		profile legal.Profile
		data    legal.Data
		want    []string
	}{
		"no duties":                     {legal.Profile{}, allData(), []string{"us-ca", "us-ca-ag", "us-states-30/TX", "us-de", "us-other/WA"}},
		"controller, personal data":     {gdpr, personal, []string{"gdpr-33-1", "gdpr-34"}},
		"controller, no personal data":  {gdpr, legal.Data{}, []string{}},
		"processor":                     {legal.Profile{GDPRRoles: []string{"processor"}}, personal, []string{"gdpr-33-2"}},
		"processor of one dataset":      {gdpr, legal.Data{Categories: []string{"children"}, Roles: []string{"processor of acme"}}, []string{"gdpr-33-1", "gdpr-33-2", "gdpr-34"}},
		"high-risk system":              {legal.Profile{AIActRoles: []string{"provider"}, AIActHighRisk: true}, legal.Data{}, []string{"ai-73-2", "ai-73-3", "ai-73-4", "ai-73-6"}},
		"deployer of a high-risk":       {legal.Profile{AIActRoles: []string{"deployer"}, AIActHighRisk: true}, legal.Data{}, []string{"ai-73-2", "ai-73-3", "ai-73-4", "ai-73-6", "ai-26-5"}},
		"systemic risk":                 {legal.Profile{GPAISystemic: true}, legal.Data{}, []string{"gpai-55-1c-infrastructure", "gpai-55-1c-security", "gpai-55-1c-death", "gpai-55-1c-other", "gpai-55-1c-updates", "gpai-55-1c-final"}},
		"NIS2":                          {legal.Profile{NIS2: true}, legal.Data{}, []string{"nis2-early", "nis2-notify", "nis2-interim", "nis2-final"}},
		"DORA":                          {legal.Profile{FinancialEntity: true}, legal.Data{}, []string{"dora-initial", "dora-intermediate", "dora-final"}},
		"DORA and consumers of the US":  {legal.Profile{FinancialEntity: true}, legal.Data{Categories: []string{"payment"}, Residents: []legal.Residents{{"US-WA", 500}}}, []string{"dora-initial", "dora-intermediate", "dora-final", "ftc-314", "us-other/WA"}},
		"public company":                {legal.Profile{PublicCompany: true}, legal.Data{}, []string{"sec-8k-105"}},
		"PHI, counts unknown":           {legal.Profile{HIPAA: []string{"covered-entity"}}, legal.Data{Categories: []string{"phi"}}, []string{"hipaa-404", "hipaa-406", "hipaa-408"}},
		"PHI, few":                      {legal.Profile{HIPAA: []string{"covered-entity"}}, legal.Data{Categories: []string{"phi"}, Subjects: 12, Residents: []legal.Residents{{"DE", 12}}}, []string{"hipaa-404", "hipaa-408-annual"}},
		"PHI of others":                 {legal.Profile{HIPAA: []string{"business-associate"}}, legal.Data{Categories: []string{"special"}}, []string{"hipaa-410"}},
		"HIPAA without data on health":  {legal.Profile{HIPAA: []string{"covered-entity"}}, personal, []string{}},
		"frontier developer":            {legal.Profile{Frontier: true}, legal.Data{}, []string{"ca-sb53", "ca-sb53-imminent"}},
		"few Californians":              {legal.Profile{}, legal.Data{Categories: []string{"personal"}, Residents: []legal.Residents{{"US-CA", 500}}}, []string{"us-ca"}},
		"Californians, not counted":     {legal.Profile{USStates: []string{"CA"}}, personal, []string{"us-ca", "us-ca-ag"}},
		"Germany is not Delaware":       {legal.Profile{}, legal.Data{Categories: []string{"personal"}, Residents: []legal.Residents{{"DE", 9}}}, []string{}},
		"contracts":                     {legal.Profile{Contracts: []legal.Contract{{"a", 24}, {"b", 0}, {"c", 6}}}, legal.Data{}, []string{"contract/a", "contract/c"}},
		"switched on by counsel":        {legal.Profile{Also: []string{"cert-in", "cra-14", "circia"}}, legal.Data{}, []string{"cra-14-early", "cra-14-notify", "cra-14-final-vulnerability", "cra-14-final-incident", "circia", "circia-ransom", "cert-in"}},
		"a name that only begins alike": {legal.Profile{Also: []string{"cra-1", "cer"}}, legal.Data{}, []string{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clocks := open(t, c.profile, c.data, t0)
			require.Equal(t, c.want, regimes(clocks))
			for _, one := range clocks {
				require.Equal(t, legal.Running, one.Status)
				require.NotEqual(t, one.Provisional, one.AnchorMissing, one.Regime)
				require.False(t, one.AnchorMissing && !one.Due.IsZero(), "%s has a due time without an anchor", one.Regime)
			}
		})
	}
}

// The worst case from the first signal, each by its own calendar.
func TestProvisionalDeadlines(t *testing.T) {
	t.Parallel()
	clocks := open(t, everything(), allData(), t0) // a Monday
	cases := map[string]string{
		"gdpr-33-1": "2026-09-17T10:00:00Z", "ai-73-2": "2026-09-29T10:00:00Z", "ai-73-3": "2026-09-16T10:00:00Z", "ai-73-4": "2026-09-24T10:00:00Z",
		"gpai-55-1c-infrastructure": "2026-09-16T10:00:00Z", "gpai-55-1c-security": "2026-09-19T10:00:00Z",
		"nis2-early": "2026-09-15T10:00:00Z", "nis2-notify": "2026-09-17T10:00:00Z",
		"dora-initial": "2026-09-14T14:00:00Z", "sec-8k-105": "2026-09-18T21:30:00Z",
		"hipaa-404": "2026-11-13T10:00:00Z", "ftc-314": "2026-10-14T10:00:00Z", "us-ca": "2026-10-14T10:00:00Z",
		"us-states-30/NY": "2026-10-14T10:00:00Z", "us-states-30/TX": "2026-10-14T10:00:00Z", "us-de": "2026-11-13T10:00:00Z",
		"ca-sb53": "2026-09-29T10:00:00Z", "ca-sb53-imminent": "2026-09-15T10:00:00Z", "contract/brightcart": "2026-09-15T10:00:00Z",
	}
	for regime, want := range cases {
		c := clock(t, clocks, regime)
		require.Equal(t, want, c.Due.Format(time.RFC3339), regime)
		require.True(t, c.Provisional, regime)
		require.Equal(t, t0, c.From, regime)
	}
	for _, regime := range []string{"nis2-final", "dora-intermediate", "dora-final", "us-ca-ag", "nis2-interim", "gpai-55-1c-updates", "gpai-55-1c-final"} {
		c := clock(t, clocks, regime)
		require.True(t, c.AnchorMissing, regime)
		require.Zero(t, c.Due, regime)
		require.Zero(t, c.From, regime)
	}
	for _, regime := range []string{"gdpr-33-2", "gdpr-34", "ai-73-6", "ai-26-5", "us-other/WA"} {
		c := clock(t, clocks, regime)
		require.Zero(t, c.Due, "%s has no figure in law", regime)
		require.Equal(t, t0, c.From, "%s shows a stopwatch", regime)
	}
	require.NotContains(t, regimes(clocks), "circia")
	require.NotContains(t, regimes(clocks), "ny-raise")
}

// Without a first signal nothing is invented.
func TestOpenWithoutASignal(t *testing.T) {
	t.Parallel()
	for _, c := range open(t, everything(), allData(), time.Time{}) {
		require.True(t, c.AnchorMissing, c.Regime)
		require.Zero(t, c.Due, c.Regime)
		require.False(t, c.Provisional, c.Regime)
	}
}

func TestEffectiveDates(t *testing.T) {
	t.Parallel()
	high := legal.Profile{AIActHighRisk: true}
	day := func(s string) time.Time {
		at, err := time.Parse(time.DateOnly, s)
		require.NoError(t, err)
		return at
	}
	require.Empty(t, open(t, high, legal.Data{}, day("2026-06-01")), "Art. 73 does not apply yet")
	soon := open(t, high, legal.Data{}, day("2026-07-20"))
	require.Contains(t, clock(t, soon, "ai-73-2").Note, "takes effect on 2026-08-02", "people may become aware after that date")
	require.NotContains(t, clock(t, open(t, high, legal.Data{}, day("2026-08-02")), "ai-73-2").Note, "takes effect")
}

// A law that changes is a further version of its row: the version in force at the first signal counts, and one that is
// switched off displaces none.
func TestVersionsOfARow(t *testing.T) {
	t.Parallel()
	const head = `business_days: {utc_offset: -5h, day_ends_utc: "21:30", through: 2030-12-31, holidays: [[2026-12-25]]}
regimes:
`
	row := func(version, effective, duration, enabled string) string {
		return "  - {regime: a, version: " + version + ", effective_from: " + effective + ", title: A, trigger: aware_at, duration: " + duration +
			", calendar: hours, recipient: r, content: [], chain_to: null, source: s, applies: [], enabled: " + enabled + ", needs_counsel: true, status: confirmed}\n"
	}
	cases := map[string]struct {
		rows string
		at   string
		want int
	}{
		"before the change":          {row("1", "in-force", "72h", "true") + row("2", "2027-01-01", "96h", "true"), "2026-09-14", 72},
		"just before the change":     {row("1", "in-force", "72h", "true") + row("2", "2027-01-01", "96h", "true"), "2026-12-20", 72},
		"after the change":           {row("1", "in-force", "72h", "true") + row("2", "2027-01-01", "96h", "true"), "2027-01-01", 96},
		"in any order":               {row("2", "2027-01-01", "96h", "true") + row("1", "in-force", "72h", "true"), "2027-02-01", 96},
		"a proposal is switched off": {row("1", "in-force", "72h", "true") + row("2", "unknown", "96h", "false"), "2026-09-14", 72},
		"two that are to come":       {row("3", "2027-01-10", "12h", "true") + row("2", "2027-01-01", "96h", "true"), "2026-12-20", 96},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table, err := legal.Parse("t.yaml", []byte(head+c.rows))
			require.NoError(t, err)
			at, err := time.Parse(time.DateOnly, c.at)
			require.NoError(t, err)
			clocks := table.Open(legal.Profile{Also: []string{"a"}}, legal.Data{}, at)
			require.Len(t, clocks, 1)
			require.Equal(t, c.want, clocks[0].Rule.Amount)
		})
	}
}

func TestOwnersAndRecipients(t *testing.T) {
	t.Parallel()
	clocks := open(t, everything(), allData(), t0)
	for _, c := range clocks {
		require.Equal(t, "leg-1", c.Owner)
		require.Equal(t, []string{"leg-2", "exe-1"}, c.Deputies)
		require.NotContains(t, c.Recipient, "fill-in", c.Regime)
	}
	require.Equal(t, "supervisory-authority DE", clock(t, clocks, "gdpr-33-1").Recipient)
	require.Equal(t, "brightcart", clock(t, clocks, "contract/brightcart").Recipient)
	require.Equal(t, "not recorded", clock(t, clocks, "dora-initial").Recipient)
	require.Contains(t, clock(t, clocks, "us-ca").Note, "about 24000 residents of CA")
	require.True(t, clock(t, clocks, "ai-73-2").NeedsCounsel, "whether Art. 73 was deferred is disputed")
	require.False(t, clock(t, clocks, "gdpr-33-1").NeedsCounsel)
}

func TestDrill(t *testing.T) {
	t.Parallel()
	p := everything()
	p.Drill, p.Compress = true, 24
	clocks := open(t, p, allData(), t0)
	for _, c := range clocks {
		require.True(t, c.Drill)
		require.True(t, strings.HasPrefix(c.Recipient, "drill roster"), "%s would go to %s", c.Regime, c.Recipient)
	}
	require.Equal(t, t0.Add(3*time.Hour), clock(t, clocks, "gdpr-33-1").Due)
	require.Equal(t, t0.Add(10*time.Minute), clock(t, clocks, "dora-initial").Due)
	anchors := set(t, nil, legal.AwareAt, t0.Add(-time.Hour))
	require.Equal(t, t0, clock(t, legal.Recompute(clocks, anchors), "dora-initial").Due, "24 h in one")
}

// Clocks are in workflow history: they come back as they went, and the rules that they carry need no table.
func TestClocksTravelAsJSON(t *testing.T) {
	t.Parallel()
	clocks := open(t, everything(), allData(), t0)
	raw, err := json.Marshal(clocks)
	require.NoError(t, err)
	var back []legal.Clock
	require.NoError(t, json.Unmarshal(raw, &back))
	require.Equal(t, clocks, back)
	anchors := set(t, nil, legal.MaterialAt, t0)
	require.Equal(t, legal.Recompute(clocks, anchors), legal.Recompute(back, anchors))
	require.Less(t, len(raw), 64<<10, "the clocks of a company with every duty fit into workflow history")
}

func TestOpenIsDeterministic(t *testing.T) {
	t.Parallel()
	first := open(t, everything(), allData(), t0)
	for range 20 {
		require.Equal(t, first, open(t, everything(), allData(), t0))
	}
	require.Equal(t, len(first), len(slices.Compact(slices.Sorted(slices.Values(regimes(first))))), "each clock has a name of its own")
}
