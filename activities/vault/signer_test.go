package vault

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/manifest/dsse"
)

// fakeTransit answers as Vault's transit engine does (https://developer.hashicorp.com/vault/api-docs/secret/transit).
type fakeTransit struct {
	mu     sync.Mutex
	keys   map[string]map[string]any
	signer map[string]crypto.Signer
	// status, if set, is answered to everything; answer replaces a signature.
	status int
	answer string
	bodies []string
}

func (f *fakeTransit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.status != 0 {
		w.WriteHeader(f.status)
		_ = json.NewEncoder(w).Encode(map[string]any{"errors": []string{"Vault is sealed"}})
		return
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/transit/"), "/")
	key, ok := f.keys[parts[1]]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		_ = json.NewEncoder(w).Encode(map[string]any{"errors": []string{}})
		return
	}
	data := key
	if parts[0] == "sign" {
		var body struct {
			Input     []byte `json:"input"`
			Version   int    `json:"key_version"`
			Prehashed bool   `json:"prehashed"`
		}
		_ = json.NewDecoder(r.Body).Decode(&body)
		f.bodies = append(f.bodies, string(body.Input))
		hash := crypto.Hash(0)
		if body.Prehashed {
			hash = crypto.SHA256
		}
		sig, err := f.signer[parts[1]].Sign(rand.Reader, body.Input, hash)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		answer := "vault:v2:" + base64.StdEncoding.EncodeToString(sig)
		if f.answer != "" {
			answer = f.answer
		}
		data = map[string]any{"signature": answer, "key_version": body.Version}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": data})
}

func newTransit(t *testing.T) (*fakeTransit, *Signer) {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	drill, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	drillKey, err := dsse.NewKey(&drill.PublicKey)
	require.NoError(t, err)
	ecKey, err := dsse.NewKey(&ec.PublicKey)
	require.NoError(t, err)
	f := &fakeTransit{signer: map[string]crypto.Signer{"evidence": ec, "drill": drill}, keys: map[string]map[string]any{
		"evidence": {"type": "ecdsa-p256", "latest_version": 2, "exportable": false, "keys": map[string]any{
			"1": map[string]any{"public_key": "old"}, "2": map[string]any{"public_key": string(ecKey.PEM())}}},
		"drill": {"type": "ecdsa-p256", "latest_version": 2, "exportable": false, "keys": map[string]any{
			"2": map[string]any{"public_key": string(drillKey.PEM())}}},
	}}
	web := httptest.NewServer(f)
	t.Cleanup(web.Close)
	config := api.DefaultConfig()
	config.Address, config.MaxRetries, config.Timeout = web.URL, 0, callTimeout
	client, err := api.NewClient(config)
	require.NoError(t, err)
	client.SetToken(workerToken)
	s, err := NewSigner(client, "evidence", "drill")
	require.NoError(t, err)
	return f, s
}

func TestSigner(t *testing.T) {
	t.Parallel()
	f, s := newTransit(t)
	message := []byte(strings.Repeat("m", 1<<20))
	for mode, name := range map[incident.Mode]string{incident.Live: "evidence", incident.Drill: "drill"} {
		id, public, err := s.Key(t.Context(), mode)
		require.NoError(t, err)
		require.Equal(t, name+":2", id)
		sig, err := s.Sign(t.Context(), id, message)
		require.NoError(t, err)
		require.NoError(t, public.Verify(message, sig))
		require.Error(t, public.Verify(append(message, '!'), sig))
	}
	for _, b := range f.bodies {
		require.Len(t, b, 32, "only the digest travels: Vault takes no string over 1 MiB")
	}
}

func TestSignerRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		set  func(*fakeTransit)
		want string
	}{
		"Vault is sealed":          {func(f *fakeTransit) { f.status = 503 }, "sealed"},
		"no right":                 {func(f *fakeTransit) { f.status = 403 }, "lacks the capability read on transit/keys/evidence"},
		"no key":                   {func(f *fakeTransit) { delete(f.keys, "evidence") }, "vault write transit/keys/evidence type=ecdsa-p256"},
		"a key that can leave":     {func(f *fakeTransit) { f.keys["evidence"]["exportable"] = true }, "can be exported"},
		"a key that takes all":     {func(f *fakeTransit) { f.keys["evidence"]["type"] = "ed25519" }, "signed with ecdsa-p256"},
		"a key that encrypts":      {func(f *fakeTransit) { f.keys["evidence"]["type"] = "aes256-gcm96" }, `type "aes256-gcm96"`},
		"a key without versions":   {func(f *fakeTransit) { delete(f.keys["evidence"], "latest_version") }, "no latest version"},
		"a key without its public": {func(f *fakeTransit) { f.keys["evidence"]["keys"] = map[string]any{} }, "no PEM block"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, s := newTransit(t)
			tt.set(f)
			_, _, err := s.Key(t.Context(), incident.Live)
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), workerToken)
		})
	}
	f, s := newTransit(t)
	for _, id := range []string{"", "evidence", "other:1", "evidence:x", "../keys:1"} {
		_, err := s.Sign(t.Context(), id, []byte("m"))
		require.ErrorContains(t, err, "is not a version of a key", id)
	}
	for _, answer := range []string{"vault:v1:c2ln", "vault:v2:!", "none"} {
		f.answer = answer
		_, err := s.Sign(t.Context(), "evidence:2", []byte("m"))
		require.ErrorContains(t, err, "without a signature by version 2")
	}
}

func TestLiveAndDrillNeedDifferentKeys(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{{"", "drill"}, {"live", ""}, {"one", "one"}, {"a/b", "drill"}} {
		_, err := NewSigner(nil, pair[0], pair[1])
		require.ErrorContains(t, err, "sign evidence", pair)
	}
}
