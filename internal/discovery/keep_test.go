package discovery_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"firebreak/internal/discovery"
	"firebreak/internal/inventory"
)

const nordwall = "../../testdata/inventory/nordwall.yaml"

var now = time.Date(2026, 9, 14, 12, 0, 0, 0, time.UTC)

func reference(t testing.TB) string {
	t.Helper()
	raw, err := os.ReadFile(nordwall)
	require.NoError(t, err)
	return string(raw)
}

// everything touches each kind of place: a new section, entry and run, a field in brackets and one on lines, lists of both.
func everything() *discovery.Found {
	f := &discovery.Found{Source: "mlflow", AsOf: now}
	f.Asset("models", "credit-scorer").Set("upstream", []discovery.Item{{{Path: "ref", Value: "hf:lab/base"}, {Path: "digest", Value: "sha256:1"}}})
	f.Asset("models", "credit-scorer-stg").Set("registry.name", "credit, staging: #1")
	c := f.Asset("checkpoints", "credit-scorer@17")
	c.Set("registry_version", "170")
	c.Set("parents", []string{"credit-scorer@15"})
	c.Set("files.format", "safetensors")
	f.Asset("checkpoints", "assist-llm@6").Set("model", "assist-llm")
	f.Asset("datasets", "new").Set("subjects.estimate", int64(12))
	f.Asset("pipelines", "train-credit").Set("reads", []string{"rates"})
	f.Asset("signing_keys", "release-key-2026a").Set("compromised_since", "2026-09-01")
	f.Asset("quarantined", "q").Set("ref", "hf:lab/base")
	f.Edge(inventory.Edge{From: "new", Run: "r", To: "assist-llm@6"})
	return f
}

// import1 merges what was found into a document, and returns it as it is kept and as it is written anew.
func import1(t testing.TB, raw string, found *discovery.Found) (kept, anew string, report discovery.Report) {
	t.Helper()
	doc, err := discovery.Document([]byte(raw))
	require.NoError(t, err)
	report = discovery.Merge(doc, found, now)
	k, err := discovery.Keep([]byte(raw), doc)
	require.NoError(t, err)
	a, err := discovery.YAML(doc)
	require.NoError(t, err)
	return string(k), string(a), report
}

func decoded(t testing.TB, doc string) any {
	t.Helper()
	var out any
	require.NoError(t, yaml.Unmarshal([]byte(doc), &out))
	return out
}

// holds reports where a document lacks something that another says: the path, or empty.
func holds(was, is any, path string) string {
	switch w := was.(type) {
	case map[string]any:
		i, ok := is.(map[string]any)
		for k, v := range w {
			if _, there := i[k]; !ok || !there {
				return path + "." + k
			}
			if at := holds(v, i[k], path+"."+k); at != "" {
				return at
			}
		}
		return ""
	case []any:
		i, ok := is.([]any)
		if !ok || len(i) < len(w) {
			return path
		}
		for n := range w { // in their order, before what is new
			if at := holds(w[n], i[n], fmt.Sprintf("%s[%d]", path, n)); at != "" {
				return at
			}
		}
		return ""
	}
	if was != is && path != ".snapshot.generated_at" && path != ".snapshot.as_of.mlflow" {
		return path
	}
	return ""
}

// lost are the lines of a text that are not in another, which has the rest of them in their order.
func lost(was, is string) []string {
	a, b := strings.Split(was, "\n"), strings.Split(is, "\n")
	same := make([][]int, len(a)+1) // the most lines that the rests have in common
	for i := len(a); i >= 0; i-- {
		same[i] = make([]int, len(b)+1)
		for j := len(b) - 1; j >= 0 && i < len(a); j-- {
			same[i][j] = max(same[i+1][j], same[i][j+1])
			if a[i] == b[j] {
				same[i][j] = same[i+1][j+1] + 1
			}
		}
	}
	var out []string
	for i, j := 0, 0; i < len(a); {
		switch {
		case j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j < len(b) && same[i][j+1] > same[i+1][j]:
			j++
		default:
			out = append(out, a[i])
			i++
		}
	}
	return out
}

func TestAnImportKeepsEveryLineThatItDoesNotComplete(t *testing.T) {
	t.Parallel()
	was := reference(t)
	is, anew, report := import1(t, was, everything())
	require.Equal(t, decoded(t, anew), decoded(t, is), "it says what the document written anew says")
	require.Empty(t, holds(decoded(t, was), decoded(t, is), ""), "nothing that was said is lost")
	require.Empty(t, report.Conflicts)

	gone := lost(was, is)
	require.Len(t, gone, 7, "the lines that were completed:\n%s", strings.Join(gone, "\n"))
	for _, line := range strings.Split(was, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "#") || line == "" {
			require.NotContains(t, gone, line, "comments and blank lines stay")
		}
	}
	for _, want := range []string{
		"upstream: [{ref: 'hf:lab/base', digest: 'sha256:1'}],\n     fallback:", `registry: {name: 'credit, staging: #1'}}` + "\n", "\n    registry_version: \"170\"\n",
		"parents: [credit-scorer@16, credit-scorer@15]", "format: safetensors", "\n  - id: assist-llm@6\n    model: assist-llm\n", "\n  - id: new\n    subjects:\n      estimate: 12\n",
		"reads: [loan-applications, credit-eval, rates]", "\n    compromised_since: \"2026-09-01\"\n  - id: staging-key-2026", "\n\nquarantined:\n  - id: q\n    ref: hf:lab/base\n",
		"\n  - {from: new, run: r, to: assist-llm@6, source: mlflow}\n\nendpoints:",
	} {
		require.Contains(t, is, want)
	}

	again, _, report := import1(t, is, everything())
	require.Equal(t, is, again, "the same import again changes nothing")
	require.False(t, report.Changed)
}

func TestAnImportOfNothingKeepsEveryByte(t *testing.T) {
	t.Parallel()
	doc, err := discovery.Document([]byte(reference(t)))
	require.NoError(t, err)
	kept, err := discovery.Keep([]byte(reference(t)), doc)
	require.NoError(t, err)
	require.Equal(t, reference(t), string(kept))
}

// small completes a model that every layout has.
func small() *discovery.Found {
	f := &discovery.Found{Source: "s", AsOf: now}
	f.Asset("models", "m").Set("family", "f")
	f.Asset("models", "n").Set("env", "prod")
	f.Asset("datasets", "d").Set("env", "prod")
	return f
}

func TestKeepKnowsLayouts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ raw, want string }{
		"on lines":                {"models:\n- id: m\n  # why\n\ndatasets: # data\n", "models:\n- id: m\n  family: f\n- id: n\n  env: prod\n  # why\n\ndatasets: # data\n  - id: d\n    env: prod\n"},
		"in brackets":             {"models: [{id: m}] # all of them\n", "models: [{id: m, family: f}, {id: n, env: prod}] # all of them\n\n"},
		"brackets on lines":       {"models: [\n  {id: m}, # first\n  # last\n]\n", "models: [\n  {id: m, family: f}, {id: n, env: prod}, # first\n  # last\n]\n"},
		"a comma at the end":      {"models: [{id: m,},]\n", "models: [{id: m, family: f,}, {id: n, env: prod},]"},
		"nothing yet":             {"models:\ndatasets: []\nother: 1\n", "other: 1\n"},
		"null":                    {"models: ~\ndatasets: null\n", "models:\n  - id: m\n    family: f\n"},
		"an empty field":          {"models: [{id: m, family: \"\"}]\n", "{id: m, family: f}"},
		"an empty field on lines": {"models:\n  - id: m\n    family: # which?\n    env: prod\n", "    env: prod\n"},
		"brackets in quotes":      {"models: [{id: m, note: \"}]'\", x: 'it''s ]', don't: a}]\n", "don't: a, family: f}"},
		"a text on lines":         {"models:\n  - id: m\n    note: |\n      a\n\n      # no comment\n", "      # no comment\n    family: f\n"},
		"Windows":                 {"models:\r\n  - id: m\r\n# end\r\n", "  - id: m\r\n    family: f\r\n  - id: n\r\n    env: prod\r\n"},
		"no end of line":          {"models:\n  - id: m", "models:\n  - id: m\n    family: f\n  - id: n"},
		"other letters":           {"models: [{é: \"ü{\", id: m}] # größer\n", "{é: \"ü{\", id: m, family: f}, {id: n, env: prod}] # größer\n"},
		"a text over lines":       {"models:\n  - id: m\n    note: one\n      two\n", ""},
		"a dash alone":            {"models:\n  -\n    id: m\n", "    id: m\n    family: f\n  - id: n"},
		"a start of document":     {"--- # v1\nmodels: [{id: m}]\n", "--- # v1\nmodels: [{id: m, family: f}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			is, anew, _ := import1(t, c.raw, small())
			require.Contains(t, is, c.want)
			require.Equal(t, decoded(t, anew), decoded(t, is))
			require.Empty(t, holds(withoutEmpty(decoded(t, c.raw)), decoded(t, is), ""))
			for _, line := range strings.Split(c.raw, "\n") {
				if _, comment, ok := strings.Cut(line, " # "); ok {
					require.Contains(t, is, strings.TrimSpace(comment))
				}
			}
		})
	}
}

// withoutEmpty drops what an import may fill.
func withoutEmpty(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			if e == nil || e == "" {
				delete(x, k)
			} else {
				x[k] = withoutEmpty(e)
			}
		}
	case []any:
		for i := range x {
			x[i] = withoutEmpty(x[i])
		}
	}
	return v
}

// FuzzKeep holds that whatever a document looks like, it says after an import what it is to say.
func FuzzKeep(f *testing.F) {
	f.Add("models: [{id: m}]\n")
	f.Add("models:\n- id: m\n  note: |\n    a\n")
	f.Add(`{"models":[{"id":"m"}]}`)
	f.Add("# c\nmodels: # d\n  - {id: 'm', # e\n     env: \"x\"}\nsnapshot: {as_of: {s: \"2026-09-14T12:00:00Z\"}}\n")
	f.Fuzz(func(t *testing.T, raw string) {
		doc, err := discovery.Document([]byte(raw))
		if err != nil {
			return
		}
		if _, err := discovery.JSON(doc); err != nil {
			return // anchors, which are refused before an import
		}
		discovery.Merge(doc, small(), now)
		got, err := discovery.Keep([]byte(raw), doc)
		require.NoError(t, err)
		var anew, kept yaml.Node
		if raw, err := discovery.YAML(doc); err != nil || yaml.Unmarshal(raw, &anew) != nil {
			return // the library cannot read what it writes
		}
		require.NoError(t, yaml.Unmarshal(got, &kept), "%s", got)
		require.Equal(t, said(&anew), said(&kept))
	})
}

// said is a document without how it is written. The library writes a null that has no text as an empty text.
func said(doc *yaml.Node) string {
	raw, err := discovery.JSON(doc)
	return strings.ReplaceAll(string(raw), "null", `""`) + fmt.Sprint(err)
}
