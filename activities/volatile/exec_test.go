package volatile

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/serving/kube"
	"firebreak/activities/serving/kube/kubefake"
	"firebreak/activities/volatile/podfake"
)

func newCluster(t *testing.T, api *podfake.Server) *cluster {
	t.Helper()
	api.Add(podOf("scorer-a", "uid-a", 0))
	clusters, err := kube.New(kubefake.Kubeconfig(t, api))
	require.NoError(t, err)
	access, err := clusters.Access(t.Context(), kubefake.Context)
	require.NoError(t, err)
	return &cluster{access}
}

func TestExec(t *testing.T) {
	t.Parallel()
	says := func(stdout, stderr, failed string) podfake.Command {
		return func(string, string, []string) (string, string, string) { return stdout, stderr, failed }
	}
	tests := map[string]struct {
		api       *podfake.Server
		out       string
		truncated bool
		err       string
	}{
		"many messages":            {&podfake.Server{Run: says(strings.Repeat("a", 1000), "", ""), Chunk: 7}, strings.Repeat("a", 1000), false, ""},
		"more than the limit":      {&podfake.Server{Run: says(strings.Repeat("a", 2000), "", ""), Chunk: 900}, strings.Repeat("a", 1024), true, ""},
		"a failure with its words": {&podfake.Server{Run: says("half", "sh: no", "exit status 127")}, "half", false, "the command failed: exit status 127 (sh: no)"},
		"no status":                {&podfake.Server{Run: says("half", "", ""), Silent: true}, "half", false, "broke off before its exit code"},
		"an old server":            {&podfake.Server{Run: says("", "", ""), Old: true}, "", false, "no protocol"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := newCluster(t, tt.api).exec(t.Context(), "lending", "scorer-a", "model", []string{"sh", "-c", "x"}, 1024)
			require.Equal(t, tt.out, string(out.stdout))
			require.Equal(t, tt.truncated, out.truncated)
			if tt.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.err)
		})
	}
}

func TestExecEndsWithItsContext(t *testing.T) {
	t.Parallel()
	wait := make(chan struct{})
	t.Cleanup(func() { close(wait) })
	api := &podfake.Server{Run: func(string, string, []string) (string, string, string) { <-wait; return "", "", "" }}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := newCluster(t, api).exec(ctx, "lending", "scorer-a", "model", []string{"sh", "-c", "x"}, 1024)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestRedactText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"--db-password=x --port=1": "--db-password=[redacted] --port=1",
		`API_KEY: "a b" c`:         `API_KEY: [redacted] c`,
		"--secret x y":             "--secret [redacted] y",
		"serve --model m":          "serve --model m",
	} {
		require.Equal(t, want, redactText(in))
	}
}

func FuzzRedactObject(f *testing.F) {
	f.Add([]byte(`{"spec":{"containers":[{"env":[{"name":"A","value":"b"}],"args":["--token","x"]}]}}`))
	f.Add([]byte(`{"env":[1,{"value":{"env":[{"value":"x"}]}}],"args":[[1]]}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		out, err := redactObject(content)
		if err == nil {
			again, err := redactObject(out)
			require.NoError(t, err)
			require.Equal(t, string(out), string(again))
		}
	})
}
