package inventory_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"firebreak/internal/inventory"
)

// asJSON is a document in the JSON form.
func asJSON(t testing.TB, doc string) []byte {
	t.Helper()
	var any map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(doc), &any))
	raw, err := json.Marshal(any)
	require.NoError(t, err)
	return raw
}

// same compares what two documents say, but for the digests of their bytes.
func same(t testing.TB, a, b *inventory.Inventory) {
	t.Helper()
	va, vb := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	for i := range va.NumField() {
		if f := va.Type().Field(i); f.IsExported() {
			require.Equal(t, va.Field(i).Interface(), vb.Field(i).Interface(), f.Name)
		}
	}
}

func TestJSONSaysTheSame(t *testing.T) {
	t.Parallel()
	inv, err := inventory.Parse("assets.json", asJSON(t, text(t)))
	require.NoError(t, err)
	same(t, load(t), inv)
	radius, err := inv.BlastRadius("loan-applications@2026-07-31")
	require.NoError(t, err)
	want, err := load(t).BlastRadius("loan-applications@2026-07-31")
	require.NoError(t, err)
	require.Equal(t, want, radius)
}

func TestJSONIsAsStrict(t *testing.T) {
	t.Parallel()
	good := string(asJSON(t, text(t)))
	for name, c := range map[string]struct{ old, replaced, want string }{
		"an unknown key":  {`"family":"credit"`, `"familie":"credit"`, `has no key "familie"`},
		"a key of Go's":   {`"family":"credit"`, `"Family":"credit"`, `has no key "Family"`},
		"a key twice":     {`"family":"credit"`, `"family":"a","family":"credit"`, `has the key "family" twice`},
		"a wrong type":    {`"size":41187712`, `"size":[1]`, `size is a list`},
		"more after it":   {`{`, `{}{`, "a second YAML document"},
		"half of it":      {good[len(good)/2:], ``, "yaml"},
		"a broken rule":   {`"profile":"drill-none"`, `"profile":"drill"`, `N11: lending-stg`},
		"a broken anchor": {`"family":"credit"`, `"family":*a`, "unknown anchor"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := strings.Replace(good, c.old, c.replaced, 1)
			require.NotEqual(t, good, doc)
			_, err := inventory.Parse("assets.json", []byte(doc))
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "assets.json:")
		})
	}
}

// FuzzJSON holds the two decoders against one another: what JSON's takes, YAML's takes with the same result.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"schema":"ai-assets/v1","accounts":{"assets":["1"]},"snapshot":{"as_of":{"a":"b"}}}`))
	f.Add([]byte(`{"schema":"ai-assets/v1","checkpoints":[{"id":"a@1","size":12,"served":[{"from":"x","to":null}]}]}`))
	f.Add([]byte(`{"schema":"ai-assets/v1","models":[{"id":"m","eval_gate":{"safety":{"x":1e-3}}}]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		fast, slow, ok := inventory.BothDecoders(doc)
		if ok {
			same(t, slow, fast)
		}
	})
}
