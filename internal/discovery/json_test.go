package discovery_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"firebreak/internal/discovery"
	"firebreak/internal/inventory"
)

func TestJSONKeepsKeysInTheirOrder(t *testing.T) {
	t.Parallel()
	raw, err := json.MarshalIndent(json.RawMessage(`{"schema":"ai-assets/v1","models":[{"id":"b","env":"prod"},{"env":"prod","id":"a","eval_gate":{"safety":{"x":1e-3,"y":12345678901234567890}}}],"accounts":{"assets":["012"]}}`), "", " ")
	require.NoError(t, err)
	doc, err := discovery.Document(raw)
	require.NoError(t, err)
	out, err := discovery.JSON(doc)
	require.NoError(t, err)
	require.Equal(t, string(raw)+"\n", string(out))
	text, err := discovery.YAML(doc)
	require.NoError(t, err)
	require.Contains(t, string(text), `"012"`, "an account id stays a text")
}

func TestFromYAMLToJSONAndBack(t *testing.T) {
	t.Parallel()
	doc, err := discovery.Document([]byte(reference(t)))
	require.NoError(t, err)
	raw, err := discovery.JSON(doc)
	require.NoError(t, err)
	again, err := discovery.Document(raw)
	require.NoError(t, err)
	text, err := discovery.YAML(again)
	require.NoError(t, err)
	was, err := inventory.Parse("was", []byte(reference(t)))
	require.NoError(t, err)
	for name, doc := range map[string][]byte{"JSON": raw, "YAML": text} {
		is, err := inventory.Parse(name, doc)
		require.NoError(t, err)
		d := inventory.Diff(was, is)
		require.True(t, d.Empty(), "%s: %+v", name, d)
		require.Equal(t, was.Snapshot, is.Snapshot)
	}
}

func TestDocumentRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ doc, want string }{
		"a list":        {"[]", "no mapping of sections"},
		"a text":        {"x", "no mapping of sections"},
		"half of it":    {`{"models":[`, "read the inventory"},
		"too deep":      {`{"a":` + strings.Repeat("[", 12_000) + strings.Repeat("]", 12_000) + "}", "read the inventory"},
		"no JSON":       {"{models: [", "read the inventory"},
		"a broken text": {"models: \"", "read the inventory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := discovery.Document([]byte(c.doc))
			require.ErrorContains(t, err, c.want)
		})
	}
}

// FuzzDocument holds the two readers against one another: what JSON's takes, YAML's reads the same of.
func FuzzDocument(f *testing.F) {
	f.Add(`{"schema":"ai-assets/v1","models":[{"id":"m","size":12,"x":null,"y":true,"z":1.5e3}]}`)
	f.Fuzz(func(t *testing.T, raw string) {
		if !json.Valid([]byte(raw)) {
			return
		}
		doc, err := discovery.Document([]byte(raw))
		var slow yaml.Node
		if err != nil || yaml.Unmarshal([]byte(raw), &slow) != nil {
			return
		}
		fast, err := discovery.JSON(doc)
		require.NoError(t, err)
		want, err := discovery.JSON(&slow)
		if err == nil {
			require.JSONEq(t, string(want), string(fast))
		}
	})
}
