package kubernetes_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/discovery"
	"firebreak/internal/discovery/kubernetes"
	"firebreak/internal/inventory"
)

const (
	sample   = "../../../testdata/inventory/sources/cluster.json"
	nordwall = "../../../testdata/inventory/nordwall.yaml"
)

func text(t testing.TB) string {
	t.Helper()
	raw, err := os.ReadFile(sample)
	require.NoError(t, err)
	return string(raw)
}

func fields(f *discovery.Found, id string) map[string]any {
	out := map[string]any{}
	for _, a := range f.Assets {
		if a.ID == id {
			for _, x := range a.Fields {
				out[x.Path] = x.Value
			}
		}
	}
	return out
}

func TestRead(t *testing.T) {
	t.Parallel()
	known, err := inventory.Load(nordwall)
	require.NoError(t, err)
	f, err := kubernetes.Read(strings.NewReader(text(t)), discovery.Options{Known: known, Env: "prod", Cluster: "eu-1"})
	require.NoError(t, err)
	require.Len(t, f.Assets, 3, "what is part of an InferenceService is none of its own")
	require.Equal(t, map[string]any{
		"env": "prod", "model": "credit-scorer", "serving.platform": "kserve", "serving.cluster": "eu-1", "serving.namespace": "lending",
		"serving.name": "credit-scorer", "serving.replicas_selector": "serving.kserve.io/inferenceservice=credit-scorer",
	}, fields(f, "credit-api"), "it is known by where it is served, and its model by what it serves")
	require.Equal(t, "app=vllm,tier=gpu", fields(f, "vllm.assist.eu-1")["serving.replicas_selector"])
	notes := strings.Join(f.Notes, "\n")
	require.Contains(t, notes, "N8: endpoint fraud.lending.eu-1 serves https://…@models.example.com/fraud, which is no known checkpoint")
	require.Contains(t, notes, "N11: endpoint vllm.assist.eu-1 is a plain Deployment")
	require.Contains(t, notes, "1 of kind Service are no endpoints")
	require.NotContains(t, notes, "hunter2")
}

func TestWithoutACluster(t *testing.T) {
	t.Parallel()
	f, err := kubernetes.Read(strings.NewReader(text(t)), discovery.Options{Names: map[string]string{"lending/fraud": "fraud-api"}})
	require.NoError(t, err)
	require.NotContains(t, fields(f, "credit-scorer.lending"), "serving.cluster")
	require.NotContains(t, fields(f, "credit-scorer.lending"), "env")
	require.NotEmpty(t, fields(f, "fraud-api"), "the person may name it")
	require.Contains(t, f.Notes[0], "give --cluster")
}

func TestForms(t *testing.T) {
	t.Parallel()
	one := `{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"a","namespace":"b"}}`
	for name, c := range map[string]struct {
		doc  string
		want int
	}{
		"one object":        {one, 1},
		"several":           {one + "\n" + strings.Replace(one, `"a"`, `"c"`, 1), 2},
		"an empty list":     {`{"kind":"List","items":[]}`, 0},
		"a list of a kind":  {`{"kind":"InferenceServiceList","items":[` + one + `]}`, 1},
		"two of one id":     {one + one, 1},
		"another API group": {strings.Replace(one, "apps/v1", "example.com/v1", 1), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := kubernetes.Read(strings.NewReader(c.doc), discovery.Options{})
			require.NoError(t, err)
			require.Len(t, f.Assets, c.want)
		})
	}
}

// TestWhatAnswersIsNotPassedOver holds that nothing that callers can reach is left out as if it were none.
func TestWhatAnswersIsNotPassedOver(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"LLMInferenceService", "InferenceGraph"} {
		f, err := kubernetes.Read(strings.NewReader(`{"apiVersion":"serving.kserve.io/v1alpha1","kind":"`+kind+`","metadata":{"name":"a","namespace":"b"}}`), discovery.Options{})
		require.NoError(t, err)
		require.Contains(t, strings.Join(f.Notes, "\n"), "N11: b/a is a "+kind)
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ doc, want string }{
		"nothing":         {"", "holds no object"},
		"YAML":            {"kind: List\n", "not what 'kubectl get -o json' writes"},
		"something else":  {`{"items":[]}`, "has no kind"},
		"a list of texts": {`{"kind":"List","items":["a"]}`, "not what 'kubectl"},
		"too many":        {strings.Repeat(`{"kind":"A"}`, 100_001), "more than 100000 objects"},
		"too much":        {strings.Repeat(" ", kubernetes.MaxBytes+1), "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := kubernetes.Read(strings.NewReader(c.doc), discovery.Options{})
			require.ErrorContains(t, err, c.want)
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(text(f))
	f.Fuzz(func(t *testing.T, doc string) {
		found, err := kubernetes.Read(strings.NewReader(doc), discovery.Options{})
		if err != nil {
			return
		}
		for _, a := range found.Assets {
			require.True(t, discovery.Usable(a.ID), "%q", a.ID)
		}
	})
}
