package playbooks_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

func request(kind incident.Kind, asset string) incident.Request {
	return incident.Request{Kind: kind, Asset: asset, Mode: incident.Live, Requester: "alertmanager", DetectedAt: time.Date(2026, 9, 14, 8, 0, 0, 0, time.UTC)}
}

func newPlan(t *testing.T, req incident.Request) (*playbooks.Plan, error) {
	t.Helper()
	inv, err := inventory.Load("../testdata/inventory/nordwall.yaml")
	require.NoError(t, err)
	file, err := playbooks.BuiltIn().Load(req.Kind)
	require.NoError(t, err)
	return playbooks.NewPlan(file, inv, req)
}

func TestPlanResolvesTargetsFromTheBlastRadiusOnly(t *testing.T) {
	t.Parallel()
	cases := []struct {
		kind  incident.Kind
		asset string
		want  map[string][]string
	}{
		{incident.DatasetCompromise, "loan-applications@2026-07-31", map[string][]string{
			"tell-legal": {"#ir-legal"}, "snapshot-datasets": {"loan-applications@2026-07-31"}, "snapshot-checkpoints": {"credit-scorer@17"},
			"disable-endpoints": {"credit-api", "credit-batch"}, "revoke-writers": {"ci-registry-push"},
			"verify-candidate": {"credit-api", "credit-batch"}, "quarantine-registry": {"credit-scorer@17"},
			"rollback": {"credit-api", "credit-batch"}, "reopen": {"credit-api", "credit-batch"}}},
		{incident.BackdoorDiscovery, "assist-llm@5", map[string][]string{
			"tell-legal": {"#ir-legal"}, "snapshot-checkpoints": {"assist-llm@5"}, "snapshot-requests": {"assist-chat/requests"}, "volatile-capture": {"assist-chat"},
			"disable-endpoints": {"assist-chat"}, "disable-by-policy": {"assist-chat"}, "revoke-writers": {"ci-registry-push"}, "rollback": {"assist-chat"},
			"let-in-5": {"assist-chat"}, "let-in-25": {"assist-chat"}, "reopen": {"assist-chat"},
			"verify-candidate": {"assist-chat"}, "quarantine-registry": {"assist-llm@5"}}},
		{incident.ExtractionEvent, "credit-api", map[string][]string{
			"tell-legal": {"#ir-legal"}, "snapshot-requests": nil, "revoke-readers": {"feature-store-mtls"}, "revoke-callers": {"brightcart-api-key"}, "disable-endpoints": {"credit-api"},
			"throttle": nil, "suspend-accounts": nil, "suspend-paying": nil, "lower-l3": nil, "lower-l3-paying": nil, "lower-l1": nil}},
		{incident.ExtractionEvent, "assist-chat", map[string][]string{
			"tell-legal": {"#ir-legal"}, "snapshot-requests": {"assist-chat/requests"}, "revoke-readers": nil, "revoke-callers": nil, "disable-endpoints": {"assist-chat"},
			// No cluster is named: nobody is accused, and every suspension is people's.
			"throttle": {"assist-web-key", "assist-trial-key"}, "suspend-accounts": nil, "suspend-paying": {"assist-web-key", "assist-trial-key", "assist-partner-key"},
			"lower-l3": nil, "lower-l3-paying": {"assist-web-key", "assist-trial-key", "assist-partner-key"}, "lower-l1": {"assist-web-key", "assist-trial-key"}}},
	}
	for _, c := range cases {
		t.Run(string(c.kind)+" of "+c.asset, func(t *testing.T) {
			t.Parallel()
			plan, err := newPlan(t, request(c.kind, c.asset))
			require.NoError(t, err)
			got := map[string][]string{}
			for step, targets := range plan.Targets {
				var ids []string
				for _, target := range targets {
					ids = append(ids, target.ID)
				}
				got[step] = ids
			}
			require.Equal(t, c.want, got)
			require.Equal(t, "evidence", plan.Store.ID)
		})
	}
}

func TestPlanDigestChangesWithWhatIsDone(t *testing.T) {
	t.Parallel()
	a, err := newPlan(t, request(incident.DatasetCompromise, "loan-applications@2026-07-31"))
	require.NoError(t, err)
	again, err := newPlan(t, request(incident.DatasetCompromise, "loan-applications@2026-07-31"))
	require.NoError(t, err)
	other, err := newPlan(t, request(incident.DatasetCompromise, "loan-applications"))
	require.NoError(t, err)
	require.Equal(t, a.Digest, again.Digest)
	require.NotEqual(t, a.Digest, other.Digest)
}

func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	unexpected := request(incident.ExtractionEvent, "credit-api")
	unexpected.PlaybookDigest = "sha256:00"
	drill := request(incident.ExtractionEvent, "credit-api")
	drill.Mode = incident.Drill
	cases := []struct {
		name string
		req  incident.Request
		want string
	}{
		{"an unknown asset", request(incident.ExtractionEvent, "credit-apii"), `asset "credit-apii" is not in the inventory`},
		{"an asset of staging in a live incident", request(incident.ExtractionEvent, "credit-api-stg"), `credit-api-stg is in environment "staging", which a live incident may not touch`},
		{"an asset of production in a drill", drill, `credit-api is in environment "prod", which a drill incident may not touch`},
		{"another playbook than the requester expects", unexpected, "the request expects playbook sha256:00"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := newPlan(t, c.req)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestBriefStatesFactsOfPersonalData(t *testing.T) {
	t.Parallel()
	plan, err := newPlan(t, request(incident.DatasetCompromise, "loan-applications@2026-07-31"))
	require.NoError(t, err)
	require.Contains(t, plan.Brief.Data, "loan-applications: personal, about 410000 persons (DE 290000, FR 96000, US-CA 24000), we are controller, legal basis contract")
	require.Contains(t, plan.Brief.Regimes, "GDPR Art. 33 (controller, lead authority DE)")
	require.Contains(t, plan.Brief.Regimes, "contract with brightcart: 24 h")
}
