package platforms_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/manifest"
	"firebreak/internal/manifest/dsse"
	"firebreak/internal/manifest/oms"
)

// modelFolder is a model whose names sort otherwise by paths than by characters.
func modelFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"config.json": "{}", "tokenizer.json": "{}", "a-b": "1", "a b": "2", "a/b": "3", "lora/adapter.safetensors": "a", "empty.txt": "", "ü.json": "{}",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	}
	return dir
}

// hashed lists a folder's files as they are in a store; the bundle is not one of them.
func hashed(t *testing.T, dir string) []manifest.File {
	t.Helper()
	var out []manifest.File
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == manifest.SignatureName {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		sum := sha256.Sum256(content)
		out = append(out, manifest.File{Name: filepath.ToSlash(name), SHA256: hex.EncodeToString(sum[:]), Size: int64(len(content))})
		return err
	}))
	return out
}

// keyPair is a new key as files for the reference implementation and as values for ours.
type keyPair struct {
	private, public string
	key             *dsse.Key
	sign            func([]byte) ([]byte, error)
}

func newKeyPair(t *testing.T, curve elliptic.Curve) keyPair {
	t.Helper()
	dir := t.TempDir()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	k := keyPair{private: filepath.Join(dir, "private.pem"), public: filepath.Join(dir, "public.pem")}
	k.key, err = dsse.NewKey(&private.PublicKey)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(k.private, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(k.public, k.key.PEM(), 0o600))
	k.sign = func(message []byte) ([]byte, error) {
		var digest []byte
		if curve == elliptic.P384() {
			sum := sha512.Sum384(message)
			digest = sum[:]
		} else {
			sum := sha256.Sum256(message)
			digest = sum[:]
		}
		return ecdsa.SignASN1(rand.Reader, private, digest)
	}
	return k
}

func modelSigning(t *testing.T, bin string, args ...string) ([]byte, error) {
	t.Helper()
	return exec.CommandContext(t.Context(), filepath.Join(bin, "model_signing"), args...).CombinedOutput()
}

// What the reference implementation signs, firebreak verifies, and the other way around; and both refuse the same changes.
func TestModelSigningBothWays(t *testing.T) {
	t.Parallel()
	bin := python(t)
	changes := map[string]func(*testing.T, string){
		"nothing":     func(*testing.T, string) {},
		"other bytes": func(t *testing.T, dir string) { write(t, dir, "config.json", "{ }") },
		"a file more": func(t *testing.T, dir string) { write(t, dir, "modeling.py", "import os") },
		"a file less": func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, "a-b"))) },
		"a file's name": func(t *testing.T, dir string) {
			require.NoError(t, os.Rename(filepath.Join(dir, "a-b"), filepath.Join(dir, "a-c")))
		},
	}
	for curveName, curve := range map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384()} {
		for name, change := range changes {
			t.Run(curveName+" "+name, func(t *testing.T) {
				t.Parallel()
				k := newKeyPair(t, curve)
				theirs, ours := modelFolder(t), modelFolder(t)
				out, err := modelSigning(t, bin, "sign", "key", theirs, "--private_key", k.private, "--signature", filepath.Join(theirs, manifest.SignatureName))
				require.NoError(t, err, string(out))
				bundle, err := oms.Sign("model", hashed(t, ours), k.key, k.sign)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(filepath.Join(ours, manifest.SignatureName), bundle, 0o600))
				for who, dir := range map[string]string{"signed by the reference implementation": theirs, "signed by firebreak": ours} {
					change(t, dir)
					out, err = modelSigning(t, bin, "verify", "key", dir, "--public_key", k.public, "--signature", filepath.Join(dir, manifest.SignatureName))
					against := differences(t, dir, k.key)
					if name == "nothing" {
						require.NoError(t, err, "%s: %s", who, out)
						require.Empty(t, against, who)
						continue
					}
					require.Error(t, err, "%s: the reference implementation takes it: %s", who, out)
					require.NotEmpty(t, against, who)
				}
			})
		}
	}
}

func TestModelSigningRefusesAnotherKey(t *testing.T) {
	t.Parallel()
	bin := python(t)
	k, other := newKeyPair(t, elliptic.P256()), newKeyPair(t, elliptic.P256())
	dir := modelFolder(t)
	file := filepath.Join(dir, manifest.SignatureName)
	out, err := modelSigning(t, bin, "sign", "key", dir, "--private_key", k.private, "--signature", file)
	require.NoError(t, err, string(out))
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	b, err := oms.ParseBundle(raw)
	require.NoError(t, err)
	_, err = b.Verify(other.key)
	require.ErrorContains(t, err, "no trusted key signed it")
}

func differences(t *testing.T, dir string, key *dsse.Key) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, manifest.SignatureName))
	require.NoError(t, err)
	b, err := oms.ParseBundle(raw)
	require.NoError(t, err)
	signed, err := b.Verify(key)
	require.NoError(t, err)
	return signed.Differences(hashed(t, dir))
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
}
