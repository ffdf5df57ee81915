package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/inventory"
)

func TestInventoryImport(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args  []string
		stdin string
		code  int
		said  []string
		holds []string
	}{
		"CycloneDX": {[]string{"--from", "cyclonedx", testSources + "ml-bom.cdx.json", "--env", "prod"}, "", exitOK,
			[]string{"1 added, 2 fields filled, 1 edge of the lineage", "left out: N3: dataset credit-labels"}, []string{"  - id: credit-labels\n    env: prod\n"}},
		"OpenLineage": {[]string{"--from", "openlineage", testSources + "events.ndjson", "--env", "prod"}, "", exitRefused,
			[]string{"to fill in:", "N2: production checkpoint credit-scorer@18 lacks", "nothing was written", "give --incomplete"}, nil},
		"OpenLineage, to be filled in": {[]string{"--from", "openlineage", testSources + "events.ndjson", "--env", "prod", "--incomplete"}, "", exitOK,
			[]string{"assets.yaml: written"}, []string{"  - id: credit-scorer@18\n    model: credit-scorer\n"}},
		"Kubernetes": {[]string{"--from", "kubernetes", "-", "--env", "prod", "--cluster", "eu-1", "--incomplete"}, "cluster.json", exitConflict,
			[]string{`CONFLICT credit-api: serving.replicas_selector is "app=credit-scorer"`, "1 conflict with what the inventory says"}, []string{"id: vllm.assist.eu-1", `k8s: "2026-`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, stdin := assetsFile(t), ""
			if tt.stdin != "" {
				raw, err := os.ReadFile(testSources + tt.stdin)
				require.NoError(t, err)
				stdin = string(raw)
			}
			before, err := os.ReadFile(file)
			require.NoError(t, err)
			args := append([]string{"inventory", "import", "--into", file}, tt.args...)
			got := invoke(t, nil, stdin, nil, args...)
			require.Equal(t, tt.code, got.code, got.stderr)
			for _, text := range tt.said {
				require.Contains(t, got.stderr, text)
			}
			require.NotContains(t, got.stderr, "hunter2")
			after, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, text := range tt.holds {
				require.Contains(t, string(after), text)
			}
			if tt.code == exitRefused {
				require.Equal(t, string(before), string(after))
				return
			}
			info, err := os.Stat(file)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o640), info.Mode().Perm(), "its mode stays")

			got = invoke(t, nil, stdin, nil, args...)
			require.Contains(t, got.stderr, "nothing new, left as it is", "the same again changes nothing")
			again, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(after), string(again))
			entries, err := os.ReadDir(filepath.Dir(file))
			require.NoError(t, err)
			require.Len(t, entries, 1, "nothing is left behind")
		})
	}
}

func TestInventoryImportToStandardOutput(t *testing.T) {
	t.Parallel()
	for form, want := range map[string]string{"yaml": "schema: ai-assets/v1\n", "json": "{\n \"schema\": \"ai-assets/v1\","} {
		got := invoke(t, nil, "", nil, "inventory", "import", "--from", "cyclonedx", testSources+"ml-bom.cdx.json", "-o", form)
		require.Equal(t, exitOK, got.code, got.stderr)
		require.True(t, strings.HasPrefix(got.stdout, want), got.stdout)
		_, err := inventory.Draft("out", []byte(got.stdout))
		require.NoError(t, err)
		require.Contains(t, got.stderr, "to fill in: result:")
	}
}

func TestInventoryImportRefuses(t *testing.T) {
	t.Parallel()
	secret := "hunter2"
	for name, tt := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no kind":            {[]string{"a"}, exitUsage, `--from "": want cyclonedx`},
		"no source":          {[]string{"--from", "cyclonedx"}, exitUsage, "requires at least 1 arg"},
		"another form":       {[]string{"--from", "cyclonedx", "a", "-o", "xml"}, exitUsage, "want yaml or json"},
		"another place":      {[]string{"--from", "cyclonedx", "a", "--env", "qa"}, exitUsage, "want prod, staging or drill"},
		"a cluster":          {[]string{"--from", "mlflow", "a", "--cluster", "c"}, exitUsage, "--cluster is for"},
		"a name alone":       {[]string{"--from", "mlflow", "a", "--name", "x"}, exitUsage, "want NAME=ID"},
		"a time":             {[]string{"--from", "mlflow", "a", "--as-of", "now"}, exitUsage, "want a time such as"},
		"no time":            {[]string{"--from", "mlflow", "a", "--timeout", "0s"}, exitUsage, "--timeout"},
		"a missing file":     {[]string{"--from", "openlineage", "absent.json"}, exitError, "no such file"},
		"what it is not":     {[]string{"--from", "cyclonedx", testSources + "cluster.json"}, exitError, `bomFormat is ""`},
		"an address":         {[]string{"--from", "mlflow", "https://me:" + secret + "@mlflow.example"}, exitUsage, "has a name or password in it"},
		"half an address":    {[]string{"--from", "mlflow", "https://me:" + secret + "@%zz"}, exitUsage, "none such as"},
		"a broken inventory": {[]string{"--from", "cyclonedx", testSources + "ml-bom.cdx.json", "--into", assetsFile(t, "deputy: exe-1", "deputee: exe-1")}, exitError, "correct what is wrong with its form first"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, nil, "", nil, append([]string{"inventory", "import"}, tt.args...)...)
			require.Equal(t, tt.code, got.code, got.stderr)
			require.Contains(t, got.stderr, tt.want)
			require.NotContains(t, got.stderr, secret)
			require.Empty(t, got.stdout)
		})
	}
}

func TestInventoryImportFromMLflow(t *testing.T) {
	t.Parallel()
	const token = "s3cr3t-t0ken"
	asked := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("Authorization")
		answer := `{"registered_models":[{"name":"credit-scorer"},{"name":"fraud"}]}`
		if !strings.HasSuffix(r.URL.Path, "registered-models/search") {
			answer = `{}`
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	file := assetsFile(t)
	got := invoke(t, nil, "", []string{"MLFLOW_TRACKING_TOKEN=" + token}, "inventory", "import", "--from", "mlflow", server.URL, "--env", "prod", "--into", file)
	require.Equal(t, exitOK, got.code, got.stderr)
	require.Equal(t, "Bearer "+token, <-asked)
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(raw), "  - id: fraud\n    env: prod\n    registry:\n      platform: mlflow\n      name: fraud\n")
	require.NotContains(t, string(raw)+got.stderr, token)
}

func TestInventoryImportEndsInTime(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(server.Close)
	started := time.Now()
	got := invoke(t, nil, "", nil, "inventory", "import", "--from", "mlflow", server.URL, "--timeout", "100ms")
	require.Equal(t, exitError, got.code)
	require.Contains(t, got.stderr, "it took longer than --timeout 100ms")
	require.Less(t, time.Since(started), 10*time.Second)
}

// TestInventoryImportLeavesAnothersChange has a server that, while it is asked, lets somebody else write the file.
func TestInventoryImportLeavesAnothersChange(t *testing.T) {
	t.Parallel()
	file := assetsFile(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "registered-models/search") {
			rewrite(t, file, withComment)
			_, _ = io.WriteString(w, `{"registered_models":[{"name":"fraud"}]}`)
			return
		}
		_, _ = io.WriteString(w, `{}`)
	}))
	t.Cleanup(server.Close)
	got := invoke(t, nil, "", nil, "inventory", "import", "--from", "mlflow", server.URL, "--env", "prod", "--into", file)
	require.Equal(t, exitError, got.code, got.stderr)
	require.Contains(t, got.stderr, "somebody changed the file in the meantime")
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(raw), "# seen")
	require.NotContains(t, string(raw), "fraud")
}
