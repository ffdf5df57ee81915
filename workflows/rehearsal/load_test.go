package rehearsal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/workflows/rehearsal"
)

const good = `title: A case
playbook: extraction-event
incident: {asset: credit-api}
expect: {verdict: not_contained}
`

func TestFaultyCases(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want []string
	}{
		"an empty file":         {"", []string{"c.yaml:1: the file is empty"}},
		"no mapping":            {"- a\n", []string{"c.yaml:1: cannot unmarshal !!seq into Case"}},
		"two documents":         {good + "---\n" + good, []string{"c.yaml:1: a case is one YAML document"}},
		"an unknown key":        {good + "expects: {}\n", []string{`c.yaml:5: unknown key "expects"`}},
		"an unknown key within": {good + "given:\n  - {step: throttle,\n     targets: x, fail: y}\n", []string{`c.yaml:7: unknown key "targets"`}},
		"a key twice":           {good + "title: Another\n", []string{`c.yaml:5: mapping key "title" already defined at line 1`}},
		"a wrong duration":      {good + "until: 5 minutes\n", []string{"c.yaml:5: cannot unmarshal !!str `5 minutes` into Duration"}},
		"nothing that matters": {"expect: {timeline: [x]}\n", []string{
			"c.yaml:1: a case expects at least a verdict, a progress, a sequence or that it fails",
			"c.yaml:1: incident.asset is missing", "c.yaml:1: playbook is missing", "c.yaml:1: title is missing"}},
		"two outcomes of a call":  {good + "given:\n  - {step: throttle, fail: x, unproved: true}\n", []string{"c.yaml:6: given needs exactly one of fail, refuse and unproved"}},
		"an unproved act":         {good + "given:\n  - {step: throttle, stage: do, unproved: true}\n", []string{"c.yaml:6: what is unproved is so in the stage verify"}},
		"an unknown stage":        {good + "given:\n  - {step: throttle, stage: check, fail: x}\n", []string{`c.yaml:6: stage "check" is none of capture, do, verify and undo`}},
		"until before from":       {good + "given:\n  - {step: throttle, fail: x, from: 2h, until: 1h}\n", []string{"c.yaml:6: until comes after from"}},
		"nothing done":            {good + "people:\n  - {as: ic-1, at: 5m}\n", []string{"c.yaml:6: a person does exactly one of approve, deny, complete, end_wait, close, abort, pause, resume, skip, retry, add_target, set_anchor, dismiss_clock, file_clock and acknowledge"}},
		"nobody, at no time":      {good + "people:\n  - {approve: approve-containment}\n", []string{"c.yaml:6: a person acts at a time or after a time: give exactly one", "c.yaml:6: as is missing: it says who"}},
		"too soon":                {good + "people:\n  - {as: ic-1, at: 10ms, approve: approve-containment}\n", []string{"c.yaml:6: nobody acts within 1s: the plan is not there yet"}},
		"after nothing was asked": {good + "people:\n  - {as: ic-1, after: 5m, close: done}\n", []string{"c.yaml:6: after goes with approve, deny, complete and end_wait: close is not asked for"}},
		"keys that do not go together": {good + "people:\n  - {as: ic-1, at: 5m, close: done, undo: true, outcome: x}\n",
			[]string{"c.yaml:6: outcome does not go with close", "c.yaml:6: undo does not go with close"}},
		"an unknown verdict": {"title: A\nplaybook: p\nincident: {asset: a, mode: dry}\nexpect: {verdict: fine}\n",
			[]string{`c.yaml:1: incident.mode "dry" is neither live nor drill`, `c.yaml:1: verdict "fine" is none`}},
		"exact without a sequence": {"title: A\nplaybook: p\nincident: {asset: a}\nexpect: {verdict: contained, exact: true}\n",
			[]string{"c.yaml:1: exact goes with a sequence"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := rehearsal.Parse("c.yaml", []byte(tt.text))
			require.Nil(t, c)
			require.Equal(t, tt.want, lines(err))
		})
	}
}

func lines(err error) []string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []string
		for _, e := range joined.Unwrap() {
			out = append(out, lines(e)...)
		}
		return out
	}
	return []string{err.Error()}
}

// What a case names must be there before anything is played.
func TestCaseThatNamesWhatIsNotThere(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		more string
		want []string
	}{
		"a step that nobody can fail":       {"given:\n  - {step: disable-endpoint, fail: x}\n", []string{`c.yaml:6: given: there is no step "disable-endpoint" in this playbook`}},
		"a step that acts on nothing":       {"given:\n  - {step: step-up, fail: x}\n", []string{`c.yaml:6: given: step "step-up" is no action`}},
		"a step that nobody can decide":     {"people:\n  - {as: ic-1, at: 5m, approve: approve-it}\n", []string{`c.yaml:6: approve: there is no step "approve-it" in this playbook`}},
		"a child that is none":              {"people:\n  - {as: ic-1, of: backdoor-discovery, at: 5m, approve: approve-rollback}\n", []string{`c.yaml:6: approve: there is no step "backdoor-discovery:approve-rollback" in this playbook`}},
		"a kind that is not the playbook's": {"", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := rehearsal.Parse("c.yaml", []byte(good+tt.more))
			require.NoError(t, err)
			want := tt.want
			if want == nil {
				c.Incident.Kind = incident.DatasetCompromise
				want = []string{"c.yaml:1: incident.kind is dataset-compromise, the playbook's kind is extraction-event"}
			}
			_, err = rehearsal.Runner{Inventory: "../../testdata/inventory/nordwall.yaml"}.Run(c)
			require.Equal(t, want, lines(err))
		})
	}
	c, err := rehearsal.Parse("c.yaml", []byte(good))
	require.NoError(t, err)
	c.Expect.Never = []string{"rollbak"}
	c.Expect.Sequence = []rehearsal.Group{{"step-up do"}}
	c.Expect.Approvals = map[string]string{"throttle": "granted"}
	c.Expect.Steps = map[string]string{"disable/credit-api": "done"}
	_, err = rehearsal.Runner{Inventory: "../../testdata/inventory/nordwall.yaml"}.Run(c)
	require.Equal(t, []string{
		`c.yaml:1: approval: step "throttle" is no approval`,
		`c.yaml:1: never: there is no step "rollbak" in this playbook`,
		`c.yaml:1: sequence: step "step-up" is no action`,
		`c.yaml:1: steps: there is no step "disable" in this playbook`,
	}, lines(err))
	_, err = rehearsal.Runner{}.Run(c)
	require.ErrorContains(t, err, "no inventory: name one in the case, or give the runner one")
}

func TestFind(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a[1]")
	require.NoError(t, os.Mkdir(dir, 0o700))
	_, err := rehearsal.Find([]string{dir})
	require.ErrorContains(t, err, "holds no *.yaml")
	for _, name := range []string{"b.yaml", "a.yaml", "notes.md"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(good), 0o600))
	}
	files, err := rehearsal.Find([]string{dir, filepath.Join(dir, "b.yaml")})
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(dir, "a.yaml"), filepath.Join(dir, "b.yaml"), filepath.Join(dir, "b.yaml")}, files)
	_, err = rehearsal.Find([]string{filepath.Join(dir, "c.yaml")})
	require.ErrorContains(t, err, "find cases")
}

// The case in the package's comment is one.
func TestDocumentedCase(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	var text strings.Builder
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "//\t"); ok {
			text.WriteString(rest)
		}
	}
	c, err := rehearsal.Parse("doc.yaml", []byte(text.String()))
	require.NoError(t, err)
	require.Equal(t, "A denied rollback stays contained", c.Title)
	require.Len(t, c.Given, 3)
	require.Len(t, c.People, 3)
}
