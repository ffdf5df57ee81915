package kube

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/activities/serving/kube/kubefake"
)

func writeKubeconfig(t *testing.T, user string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	content := `clusters:
- {name: a, cluster: {server: "https://127.0.0.1:1"}}
- {name: insecure, cluster: {server: "https://127.0.0.1:1", insecure-skip-tls-verify: true}}
- {name: bad-ca, cluster: {server: "https://127.0.0.1:1", certificate-authority-data: aHVudGVyMg==}}
- {name: empty, cluster: {}}
users:
- {name: u, user: ` + user + `}
contexts:
- {name: eu-1, context: {cluster: a, user: u}}
- {name: insecure, context: {cluster: insecure, user: u}}
- {name: bad-ca, context: {cluster: bad-ca, user: u}}
- {name: empty, context: {cluster: empty, user: u}}
`
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func object(cluster string) Ref {
	return Ref{Kind: Kind{API: "apis/serving.kserve.io/v1beta1", Resource: "inferenceservices"}, Cluster: cluster, Namespace: "n", Name: "s"}
}

func TestKubeconfigContexts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		user, context, err string
		code               failure.Code
	}{
		"unknown context":  {user: "{token: hunter2}", context: "eu-2", err: `no context "eu-2"`, code: failure.Invalid},
		"insecure":         {user: "{token: hunter2}", context: "insecure", err: "insecure-skip-tls-verify", code: failure.Refused},
		"no server":        {user: "{token: hunter2}", context: "empty", err: "no server", code: failure.Invalid},
		"exec of nothing":  {user: "{exec: {args: [hunter2]}}", context: "eu-1", err: "names no command", code: failure.Invalid},
		"password":         {user: "{username: u, password: hunter2}", context: "eu-1", err: "only token", code: failure.Unsupported},
		"bad authority":    {user: "{token: hunter2}", context: "bad-ca", err: "no certificate in it"},
		"bad certificate":  {user: "{client-certificate-data: hunter2, client-key-data: hunter2}", context: "eu-1", err: "not base64"},
		"token file gone":  {user: "{tokenFile: gone}", context: "eu-1", err: "read token file"},
		"server not there": {user: "{token: hunter2}", context: "eu-1", err: "connection refused"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, err := New(writeKubeconfig(t, tt.user))
			require.NoError(t, err)
			err = k.Get(t.Context(), object(tt.context), nil)
			require.ErrorContains(t, err, tt.err)
			require.NotContains(t, err.Error(), "hunter2")
			code, _ := failure.CodeOf(err)
			require.Equal(t, tt.code, code)
		})
	}
}

func TestKubeconfigFiles(t *testing.T) {
	t.Parallel()
	kube := kubefake.New(t)
	kube.Put("n", "s", "s3://b/p/", nil)
	absent := filepath.Join(t.TempDir(), "absent")

	t.Run("a list of files", func(t *testing.T) {
		t.Parallel()
		k, err := New(absent + ":" + kube.Kubeconfig + ":" + writeKubeconfig(t, "{token: other}"))
		require.NoError(t, err)
		var found struct{ Metadata Metadata }
		require.NoError(t, k.Get(t.Context(), object(kubefake.Context), &found))
		require.Equal(t, "s", found.Metadata.Name)
	})
	t.Run("none there", func(t *testing.T) {
		t.Parallel()
		_, err := New(absent)
		require.ErrorContains(t, err, "set KUBECONFIG")
	})
	t.Run("not YAML", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "config")
		require.NoError(t, os.WriteFile(path, []byte("users: hunter2: x"), 0o600))
		_, err := New(path)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2")
	})
}

func TestPatchWithAStaleVersionConflicts(t *testing.T) {
	t.Parallel()
	kube := kubefake.New(t)
	kube.Put("n", "s", "s3://b/p/", nil)
	k, err := New(kube.Kubeconfig)
	require.NoError(t, err)
	err = k.Patch(t.Context(), object(kubefake.Context), map[string]any{"metadata": map[string]any{"resourceVersion": "1"}})
	require.ErrorIs(t, err, ErrConflict)
	require.Empty(t, kube.Patches())
}
