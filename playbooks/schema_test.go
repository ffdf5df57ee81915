package playbooks_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"firebreak/playbooks"
)

const schemaFile = "playbook.schema.json"

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	raw, err := playbooks.Schema()
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource(schemaFile, doc))
	schema, err := c.Compile(schemaFile)
	require.NoError(t, err)
	require.Equal(t, 2020, schema.DraftVersion)
	return schema
}

// instance turns a playbook into what a schema is checked against, or reports that an editor could not read it as a
// single document of plain values.
func instance(t *testing.T, doc []byte) (any, bool) {
	t.Helper()
	var value any
	if yaml.Unmarshal(doc, &value) != nil {
		return nil, false
	}
	raw, err := json.Marshal(value)
	require.NoError(t, err)
	out, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	require.NoError(t, err)
	return out, true
}

func TestSchemaIsUpToDate(t *testing.T) {
	t.Parallel()
	want, err := playbooks.Schema()
	require.NoError(t, err)
	if os.Getenv("FIREBREAK_UPDATE") != "" {
		require.NoError(t, os.WriteFile(schemaFile, want, 0o644))
	}
	got, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "run the tests with FIREBREAK_UPDATE=1")
}

func TestBuiltInPlaybooksAreValidAgainstTheSchema(t *testing.T) {
	t.Parallel()
	schema := compile(t)
	kinds, err := playbooks.BuiltIn().Kinds()
	require.NoError(t, err)
	for _, kind := range kinds {
		raw, err := os.ReadFile(string(kind) + ".yaml")
		require.NoError(t, err)
		doc, ok := instance(t, raw)
		require.True(t, ok, kind)
		require.NoError(t, schema.Validate(doc), kind)
	}
}

// inSchema are the codes of the faults that the schema finds too, wherever they are.
var inSchema = []string{
	"unknown-key", "missing-key", "misplaced-key", "step-kind", "empty", "version", "kind", "id", "unknown-value", "number",
	"taxonomy", "unknown-role", "unknown-action", "unknown-query", "unknown-parameter", "duplicate-item", "on-timeout", "target-kind",
}

// The schema and the loader agree: what has a fault of how it is written is not valid, and what has none of those is.
func TestSchemaAgreesWithTheLoader(t *testing.T) {
	t.Parallel()
	schema := compile(t)
	files, err := filepath.Glob("../testdata/playbooks/faulty/*.txt")
	require.NoError(t, err)
	refused, accepted := 0, 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		doc, _, _ := strings.Cut(string(raw), dashes)
		value, ok := instance(t, []byte(doc))
		if !ok || strings.HasPrefix(doc, filePrefix) {
			continue
		}
		faults := faulty(t, doc)
		invalid := schema.Validate(value)
		if slices.ContainsFunc(faults, func(f playbooks.Fault) bool { return slices.Contains(inSchema, f.Code) }) {
			require.Error(t, invalid, "%s: %v", file, faults)
			refused++
		}
		if invalid == nil {
			accepted++
		}
	}
	require.Greater(t, refused, 40)
	require.Greater(t, accepted, 10, "faults of how the parts fit together are the loader's alone")
}
