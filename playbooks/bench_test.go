package playbooks_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// company writes the inventory of an organisation with about so many assets: for every hundred there is a model with 40
// checkpoints, a dataset with 50 versions, 5 endpoints and 4 credentials. Every checkpoint is trained on a version of its
// own dataset and every tenth on one of the dataset before as well, so that a radius spans models.
func company(assets int) []byte {
	var b bytes.Buffer
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	n := assets / 100
	p("schema: ai-assets/v1\naccounts: {assets: ['1'], staging: [], evidence: ['2']}")
	p("people: [{id: owner, role: MLO, slack: U1, idp: owner@example.org, deputy: other}, {id: other, role: MLO, slack: U2, idp: other@example.org}]")
	p("stores: [{id: evidence, bucket: evidence, account: '2', lock: {mode: COMPLIANCE, days: 90}, env: prod}]")
	section := func(name string, each int, entry func(m, i int)) {
		p("%s:", name)
		for m := range n {
			for i := range each {
				entry(m, i)
			}
		}
	}
	section("systems", 1, func(m, _ int) {
		p("  - {id: s%d, purpose: x, criticality: business, owner: owner, env: prod}", m)
	})
	section("models", 1, func(m, _ int) {
		p("  - {id: m%d, system: s%d, family: f%d, env: prod, fallback: {strategy: model}}", m, m, m)
	})
	section("datasets", 1, func(m, _ int) {
		p("  - {id: d%d, env: prod, owner: owner, sensitivity: personal, subjects: {estimate: 9, by_jurisdiction: {DE: 9}}, controller_role: controller, legal_basis: contract}", m)
	})
	section("dataset_versions", 50, func(m, i int) {
		p("  - {id: d%d@%d, dataset: d%d, root_digest: 'sha256:%064d', uri: 's3://data/d%d/%d/', status: active}", m, i, m, i, m, i)
	})
	section("checkpoints", 40, func(m, i int) {
		from := fmt.Sprintf("d%d@%d", m, i)
		if i%10 == 0 && m > 0 {
			from += fmt.Sprintf(", d%d@%d", m-1, i)
		}
		served := ""
		if i == 20 {
			served = ", served: [{from: '2026-01-01T00:00:00Z', to: null}]"
		}
		p("  - {id: m%d@%d, model: m%d, root_digest: 'sha256:%064d', oms_bundle: b, signer: {key: k}, uri: 's3://models/m%d/%d/', built: {datasets: [%s]}, promotion: {stage: prod, at: '2026-01-%02dT00:00:00Z', evals: [e]}, status: active%s}", m, i, m, i, m, i, from, 1+i%28, served)
	})
	section("endpoints", 5, func(m, i int) {
		p("  - {id: e%d-%d, model: m%d, env: prod, exposure: internal, probe: {url: 'http://e%d-%d/', expect_digest_header: d}, log_stream: 's3://logs/e%d-%d/'}", m, i, m, m, i, m, i)
	})
	section("credentials", 4, func(m, i int) {
		p("  - {id: c%d-%d, kind: vault-lease, env: prod, grants: [{asset: d%d, verbs: [write]}, {asset: e%d-%d, verbs: [invoke]}], revoke: {order: [lease]}, reissue: {owner: owner}}", m, i, m, m, i)
	})
	section("stakeholders", 1, func(m, _ int) { p("  - {asset: m%d, notify: [legal], channel: '#legal-%d'}", m, m) })
	return b.Bytes()
}

// longPlaybook writes a valid playbook of so many steps, a fifth of them approvals.
func longPlaybook(steps int) []byte {
	var b strings.Builder
	b.WriteString("version: 1\nkind: very-long\ntitle: x\nthreat: {scenario: x, atlas: [AML.T0020]}\nphases:\n  - id: contain\n    title: x\n    steps:\n      - {id: tell-legal, action: legal.notify, targets: radius.stakeholders}\n")
	for i := 1; i < steps; i++ {
		switch i % 5 {
		case 1:
			fmt.Fprintf(&b, "      - id: approve-%d\n        title: Ask before the next step\n        approval: {roles: [IC, SEC], quorum: 1, timeout: 30m, on_timeout: stay, remind_every: 10m, auto_when: {incident.confidence: \">=0.9\"}}\n", i)
		case 2:
			fmt.Fprintf(&b, "      - {id: revoke-%d, action: vault.revoke, targets: radius.writers, needs: [approve-%d]}\n", i, i-1)
		case 3:
			fmt.Fprintf(&b, "      - id: disable-%d\n        action: endpoint.disable\n        targets: radius.endpoints\n        with: {probes: 5, interval: 200ms}\n        when: [{incident.severity: [SEV1, SEV2]}, {steps.approve-%d.outcome: granted}]\n", i, i-2)
		case 4:
			fmt.Fprintf(&b, "      - {id: snapshot-%d, action: checkpoint.snapshot, targets: radius.checkpoints, on_failure: continue}\n", i)
		case 0:
			fmt.Fprintf(&b, "      - {id: ask-%d, task: {assignee: MLO, due: 30m, instructions: Look at what was found., outcomes: [confirmed, inconclusive]}}\n", i)
		}
	}
	return []byte(b.String())
}

const (
	benchSteps  = 300
	benchAssets = 100_000
)

var benchRequest = incident.Request{Kind: "very-long", Asset: "d7@20", Mode: incident.Live, Requester: "bench", Confidence: 0.5}

func plan(tb testing.TB, pb *playbooks.Playbook, inv *inventory.Inventory) *playbooks.Plan {
	tb.Helper()
	out, err := playbooks.NewPlan(&playbooks.File{Name: "very-long.yaml", Digest: "sha256:0", Playbook: pb}, inv, benchRequest)
	require.NoError(tb, err)
	return out
}

func parsed(tb testing.TB, raw []byte) *playbooks.Playbook {
	tb.Helper()
	pb, err := playbooks.Parse("very-long.yaml", raw)
	require.NoError(tb, err)
	return pb
}

func inventoryOf(tb testing.TB, raw []byte) *inventory.Inventory {
	tb.Helper()
	inv, err := inventory.Parse("assets.yaml", raw)
	require.NoError(tb, err)
	return inv
}

// What the benchmarks measure is a real plan.
func TestGeneratedDocumentsAreValid(t *testing.T) {
	t.Parallel()
	pb := parsed(t, longPlaybook(benchSteps))
	require.Len(t, pb.Phases[0].Steps, benchSteps)
	p := plan(t, pb, inventoryOf(t, company(1000)))
	require.Equal(t, []string{"m7@20", "m8@20"}, p.Radius.Checkpoints)
	require.Equal(t, 181, len(p.Targets))
	require.Len(t, p.Targets["revoke-2"], 4)
	require.Len(t, p.Targets["disable-3"], 10)
	require.Equal(t, "m7@27", p.Targets["disable-3"][0].KnownGood.ID)
	require.Len(t, p.Targets["snapshot-4"], 2)
}

// measured runs the work and its floor by turns, so that both see the same machine, and reports the median of each and the
// ratio of the medians: a mean would tell of whatever else the machine did in the meantime.
func measured(b *testing.B, floor, work func()) {
	b.Helper()
	var floors, works []time.Duration
	for b.Loop() {
		start := time.Now()
		floor()
		middle := time.Now()
		work()
		floors, works = append(floors, middle.Sub(start)), append(works, time.Since(middle))
	}
	slices.Sort(floors)
	slices.Sort(works)
	low, own := floors[len(floors)/2], works[len(works)/2]
	b.ReportMetric(float64(own.Nanoseconds()), "ns/op")
	b.ReportMetric(float64(low.Nanoseconds()), "floor-ns/op")
	b.ReportMetric(float64(own)/float64(low), "x-floor")
}

// nodes is the floor of reading a document: to decode it into nodes that know their places.
func nodes(b *testing.B, raw []byte) {
	b.Helper()
	var n yaml.Node
	require.NoError(b, yaml.Unmarshal(raw, &n))
}

func BenchmarkParse300Steps(b *testing.B) {
	raw := longPlaybook(benchSteps)
	measured(b, func() { nodes(b, raw) }, func() { parsed(b, raw) })
}

func BenchmarkInventory100kAssets(b *testing.B) {
	raw := company(benchAssets)
	measured(b, func() { nodes(b, raw) }, func() { inventoryOf(b, raw) })
}

// The floor of a plan is the plan of the same playbook over an inventory a hundredth of the size, whose radius and targets
// are the same: a ratio of 1 means that the size of the inventory costs nothing.
func BenchmarkPlan300StepsOver100kAssets(b *testing.B) {
	pb := parsed(b, longPlaybook(benchSteps))
	large, small := inventoryOf(b, company(benchAssets)), inventoryOf(b, company(benchAssets/100))
	require.Equal(b, plan(b, pb, small).Radius, plan(b, pb, large).Radius)
	measured(b, func() { plan(b, pb, small) }, func() { plan(b, pb, large) })
}

// Everything that stands between an alert and the first action: to read and check both documents and to make the plan.
func BenchmarkLoadValidatePlan(b *testing.B) {
	book, assets := longPlaybook(benchSteps), company(benchAssets)
	measured(b, func() { nodes(b, book); nodes(b, assets) }, func() { plan(b, parsed(b, book), inventoryOf(b, assets)) })
}
