package gateway

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/internal/inventory"
)

// kv is a Vault with one field.
type kv map[string]string

func (v kv) Field(_ context.Context, ref string) (string, error) { return v[ref], nil }

func TestAdminKey(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "of-a-file"), []byte("sk-file\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "empty"), []byte("\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(folder), "outside"), []byte("sk-outside"), 0o600))
	keys := NewKeys(folder, kv{"kv/data/gateways#key": "sk-vault"})
	tests := map[string]struct{ id, ref, want, fault string }{
		"a file of its own":       {id: "of-a-file", ref: "kv/data/gateways#key", want: "sk-file"},
		"Vault otherwise":         {id: "other", ref: "kv/data/gateways#key", want: "sk-vault"},
		"a name that leads out":   {id: "../outside", ref: "kv/data/gateways#key", want: "sk-vault"},
		"a file that is empty":    {id: "empty", ref: "kv/data/gateways#key", fault: "is empty"},
		"neither file nor Vault":  {id: "other", ref: "none", fault: "no admin_key_ref for gateway other"},
		"nothing said of a Vault": {id: "other", fault: "no admin_key_ref"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := keys.AdminKey(t.Context(), inventory.Gateway{ID: tt.id, AdminKeyRef: tt.ref})
			if tt.fault != "" {
				require.ErrorContains(t, err, tt.fault)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		code failure.Code
		set  func(*scene)
	}{
		"what is no consumer":       {failure.Invalid, func(s *scene) { s.op.Target.Consumer = nil }},
		"another kind of gateway":   {failure.Unsupported, func(s *scene) { s.op.Target.Consumer.Gateway.Kind = "kong" }},
		"a key where its hash is":   {failure.Invalid, func(s *scene) { s.op.Target.Consumer.KeyHash = customerKey }},
		"a time that is none":       {failure.Invalid, func(s *scene) { s.op.Target.Consumer.Gateway.CacheTTL = "soon" }},
		"a key that is not there":   {failure.Invalid, func(s *scene) { s.fake.Remove(s.hash) }},
		"a protected key":           {failure.Refused, func(s *scene) { s.op.Target.Credential = &inventory.Credential{ID: "breakglass", Protected: true} }},
		"no key for administration": {failure.Invalid, func(s *scene) { s.consumers.keys = NewKeys("", kv{}) }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, "consumer.block", nil)
			tt.set(s)
			_, err := NewBlock(s.consumers).Capture(t.Context(), s.op)
			code, final := failure.CodeOf(err)
			require.True(t, final, "%v", err)
			require.Equal(t, tt.code, code)
			require.NotContains(t, err.Error(), "sk-")
			require.Zero(t, s.provider.Changes())
		})
	}
}
