package build

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// record is a Log that several goroutines may write to.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) builds() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Count(r.text.String(), "built the vault server in ")
}

// sandbox is a Builder over a folder whose vault server is the Go source given.
func sandbox(t *testing.T, source string) (*Builder, *record) {
	t.Helper()
	dir, log := t.TempDir(), &record{}
	b := &Builder{Dir: dir, Cache: filepath.Join(t.TempDir(), "cache"), Log: log}
	write(t, filepath.Join(dir, "servers", Vault, "go.mod"), "module example.com/vault\n\ngo 1.26\n")
	write(t, filepath.Join(dir, "servers", Vault, "main.go"), source)
	return b, log
}

func write(t *testing.T, file, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(content), 0o644))
}

func program(says string) string {
	return "package main\n\nfunc main() { println(\"" + says + "\") }\n"
}

func says(t *testing.T, binary string) string {
	t.Helper()
	output, err := exec.Command(binary).CombinedOutput()
	require.NoError(t, err)
	return strings.TrimSpace(string(output))
}

func TestServerIsBuiltOnceUntilItsModuleChanges(t *testing.T) {
	t.Parallel()
	b, log := sandbox(t, program("first"))

	first, err := b.Server(t.Context(), Vault)
	require.NoError(t, err)
	require.Equal(t, "first", says(t, first))
	again, err := b.Server(t.Context(), Vault)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, 1, log.builds())

	write(t, filepath.Join(b.Dir, "servers", Vault, "main_test.go"), "package main\n")
	again, err = b.Server(t.Context(), Vault)
	require.NoError(t, err)
	require.Equal(t, first, again, "a test file is no part of the binary")

	write(t, filepath.Join(b.Dir, "servers", Vault, "main.go"), program("second"))
	second, err := b.Server(t.Context(), Vault)
	require.NoError(t, err)
	require.NotEqual(t, first, second)
	require.Equal(t, "second", says(t, second))
	require.Equal(t, 2, log.builds())
}

func TestServerIsBuiltOnceByManyAtTheSameTime(t *testing.T) {
	t.Parallel()
	b, log := sandbox(t, program("one"))
	paths := make([]string, 4)
	errs := make([]error, len(paths))
	var all sync.WaitGroup
	for i := range paths {
		all.Go(func() { paths[i], errs[i] = b.Server(t.Context(), Vault) })
	}
	all.Wait()
	for i := range paths {
		require.NoError(t, errs[i])
		require.Equal(t, paths[0], paths[i])
	}
	require.Equal(t, 1, log.builds())
	left, err := filepath.Glob(filepath.Join(b.Cache, "*.part"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestServerErrors(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	cases := map[string]struct {
		ctx    context.Context
		name   string
		source string
		want   string
	}{
		"a name that is no server":   {t.Context(), "postgres", program("x"), `there is no server "postgres"`},
		"source that does not build": {t.Context(), Vault, "package main\n\nfunc main() { undefinedThing() }\n", "undefined: undefinedThing"},
		"a server without a module":  {t.Context(), S3, program("x"), "hash module of server s3"},
		"a context that has ended":   {cancelled, Vault, program("x"), "context canceled"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, log := sandbox(t, c.source)
			_, err := b.Server(c.ctx, c.name)
			require.ErrorContains(t, err, c.want)
			require.Zero(t, log.builds())
		})
	}
}

func TestProductBuildsFromTheRepositoryRoot(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, filepath.Join(root, "go.mod"), "module example.com/product\n\ngo 1.26\n")
	write(t, filepath.Join(root, "cmd", "worker", "main.go"), program("worker"))
	b := &Builder{Dir: filepath.Join(root, "deploy", "sandbox"), Log: &record{}}

	binary, err := b.Product(t.Context(), "./cmd/worker", filepath.Join(root, "out"))
	require.NoError(t, err)
	require.Equal(t, "worker", says(t, binary))

	_, err = b.Product(t.Context(), "./cmd/absent", filepath.Join(root, "out"))
	require.ErrorContains(t, err, "build ./cmd/absent")
}
