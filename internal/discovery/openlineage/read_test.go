package openlineage_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/discovery"
	"firebreak/internal/discovery/openlineage"
	"firebreak/internal/inventory"
)

const (
	sample   = "../../../testdata/inventory/sources/events.ndjson"
	nordwall = "../../../testdata/inventory/nordwall.yaml"
)

func text(t testing.TB) string {
	t.Helper()
	raw, err := os.ReadFile(sample)
	require.NoError(t, err)
	return string(raw)
}

func read(t *testing.T, doc string, opt discovery.Options) *discovery.Found {
	t.Helper()
	f, err := openlineage.Read(strings.NewReader(doc), opt)
	require.NoError(t, err)
	return f
}

func known(t *testing.T) *inventory.Inventory {
	t.Helper()
	inv, err := inventory.Load(nordwall)
	require.NoError(t, err)
	return inv
}

func TestRead(t *testing.T) {
	t.Parallel()
	f := read(t, text(t), discovery.Options{Known: known(t), Env: "prod"})
	require.Equal(t, time.Date(2026, 9, 6, 3, 40, 0, 0, time.UTC), f.AsOf)
	require.Equal(t, []inventory.Edge{
		{From: "loan-applications@2026-07-31", Job: "train-credit", Run: "run-9340", To: "credit-scorer@17", Source: "openlineage", EventTime: "2026-08-30T03:40:00Z"},
		{From: "rates", Job: "train-credit", Run: "run-9340", To: "credit-scorer@17", Source: "openlineage", EventTime: "2026-08-30T03:40:00Z"},
		{From: "credit-scorer@17", Job: "train-credit", Run: "run-9500", To: "credit-scorer@18", Source: "openlineage", EventTime: "2026-09-05T03:40:00Z"},
	}, f.Edges, "inputs of the start and outputs of the end; the model is known by its digest")
	notes := strings.Join(f.Notes, "\n")
	require.Contains(t, notes, "N8: run run-9340 of train-credit reads rates without a version facet")
	require.Contains(t, notes, "N8: run run-9600 of clean-loans ended with FAIL")
	require.True(t, f.Has("checkpoints", "credit-scorer@18"))
	require.False(t, f.Has("dataset_versions", "loan-applications@2026-09-06"), "a run that failed wrote nothing that is known")
}

func TestAModelOfAnUnknownDigestIsLeftOut(t *testing.T) {
	t.Parallel()
	f := read(t, text(t), discovery.Options{})
	require.Contains(t, strings.Join(f.Notes, "\n"), `N8: run run-9340 of train-credit writes model "credit-scorer" with digest "sha256:ba72`)
	f = read(t, text(t), discovery.Options{Names: map[string]string{"credit-scorer": "credit-scorer@17"}})
	require.Len(t, f.Edges, 3, "the person may name it")
}

func TestForms(t *testing.T) {
	t.Parallel()
	array := "[" + strings.Join(strings.Split(strings.TrimSpace(text(t)), "\n"), ",") + "]"
	opt := discovery.Options{Known: known(t)}
	require.Equal(t, read(t, text(t), opt).Edges, read(t, array, opt).Edges)
}

func event(kind, inputs, outputs string) string {
	return fmt.Sprintf(`{"eventType":%q,"eventTime":"2026-09-01T00:00:00Z","run":{"runId":"r"},"job":{"name":"j"},"inputs":[%s],"outputs":[%s]}`, kind, inputs, outputs)
}

func TestNothingIsGuessed(t *testing.T) {
	t.Parallel()
	data := func(space, name, version string) string {
		return fmt.Sprintf(`{"namespace":%q,"name":%q,"facets":{"version":{"datasetVersion":%q}}}`, space, name, version)
	}
	for name, c := range map[string]struct{ doc, note string }{
		"an output without a version": {event("COMPLETE", data("s3://b", "a", "1"), `{"namespace":"s3://b","name":"c"}`), "writes c without a version facet"},
		"two namespaces of a name":    {event("COMPLETE", data("s3://b", "a", "1")+","+data("s3://x", "a", "1"), data("s3://b", "c", "1")), `"s3://b/a" and "s3://x/a" are both called a`},
		"a name that is no id":        {event("COMPLETE", data("s3://b", "a b", "1"), data("s3://b", "c", "1")), `"s3://b/a b" can be no id`},
		"a version that is no id":     {event("COMPLETE", data("s3://b", "a", "x y"), data("s3://b", "c", "1")), `the version "x y" of a can be no id`},
		"read and written":            {event("COMPLETE", data("s3://b", "a", "1"), data("s3://b", "a", "1")), "N7: run r of j reads and writes a@1"},
		"no input":                    {event("COMPLETE", "", data("s3://b", "a", "1")), "N8: run r of j names no input"},
		"a run that goes on":          {event("RUNNING", data("s3://b", "a", "1"), data("s3://b", "c", "1")), "did not end"},
		"a tag of other words": {event("COMPLETE", `{"namespace":"s3://b","name":"a","facets":{"tags":{"tags":[{"key":"classification","value":"red"}]}}}`, data("s3://b", "c", "1")),
			"N3: a is tagged classification=red"},
		"changed in place": {event("COMPLETE", `{"namespace":"s3://b","name":"a","facets":{"lifecycleStateChange":{"lifecycleStateChange":"OVERWRITE"}}}`, data("s3://b", "c", "1")),
			"a was changed in place (OVERWRITE)"},
		"nothing": {`{}`, "there is no run event"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, strings.Join(read(t, c.doc, discovery.Options{}).Notes, "\n"), c.note)
		})
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	many := strings.TrimSuffix(strings.Repeat(`{"namespace":"s","name":"d"},`, 10_001), ",")
	for name, c := range map[string]struct{ doc, want string }{
		"nothing":           {" \n", "there are none"},
		"no JSON":           {event("COMPLETE", "", "") + "\n{oops", "read event 2"},
		"half an array":     {"[" + event("COMPLETE", "", ""), "the array does not end"},
		"more after it":     {"[]{}", "something follows"},
		"no job":            {`{"run":{"runId":"r"},"eventTime":"2026-09-01T00:00:00Z"}`, "read event 1: it has no job.name"},
		"no time":           {`{"run":{"runId":"r"},"job":{"name":"j"}}`, "no eventTime"},
		"too many events":   {strings.Repeat("{}", 1_000_001), "more than 1000000"},
		"too many datasets": {event("COMPLETE", many, ""), "more than 10000 datasets"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := openlineage.Read(strings.NewReader(c.doc), discovery.Options{})
			require.ErrorContains(t, err, c.want)
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(text(f))
	f.Add("[" + event("COMPLETE", "", "") + "]")
	f.Fuzz(func(t *testing.T, doc string) {
		found, err := openlineage.Read(strings.NewReader(doc), discovery.Options{})
		if err != nil {
			return
		}
		for _, e := range found.Edges {
			require.NotEqual(t, e.From, e.To)
			require.True(t, discovery.Usable(e.From) && discovery.Usable(e.To))
		}
	})
}
