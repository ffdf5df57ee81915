package registry

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"firebreak/activities/evidence/s3fake"
	"firebreak/activities/failure"
	"firebreak/activities/registry/mlflow/mlflowfake"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/internal/manifest"
	"firebreak/internal/manifest/dsse"
	"firebreak/internal/manifest/oms"
	"firebreak/playbooks"
)

var _ stages = (*Verify)(nil)

// weights is the smallest safetensors file.
const weights = "\x02\x00\x00\x00\x00\x00\x00\x00{}"

// gate is a candidate in a store, signed by a key that is trusted.
type gate struct {
	store *s3fake.Store
	files []manifest.File
	key   *dsse.Key
	sign  func([]byte) ([]byte, error)
	a     *Verify
	op    *playbooks.Operation
}

func newGate(t *testing.T) *gate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	key, err := dsse.NewKey(&private.PublicKey)
	require.NoError(t, err)
	g := &gate{store: s3fake.New(), key: key, sign: func(message []byte) ([]byte, error) {
		sum := sha256.Sum256(message)
		return ecdsa.SignASN1(rand.Reader, private, sum[:])
	}}
	good := &inventory.Checkpoint{ID: "assist-llm@4", Model: "assist-llm", URI: "s3://registry/assist/4/?versionId=x", OMSBundle: "s3://registry/assist/4/model.sig", Status: "active"}
	good.Signer.Key = "release"
	good.Files = inventory.Carriers{Weights: "safetensors", Tokenizer: "tokenizer.json", ChatTemplate: "chat_template.jinja", Adapters: []string{"lora-4"}}
	g.op = &playbooks.Operation{
		ID: "incident/backdoor-discovery/m/verify-candidate/assist-chat", Step: "verify-candidate", Action: "checkpoint.verify",
		Target: inventory.Target{ID: "assist-chat", Kind: inventory.EndpointTarget, KnownGood: good, Signer: &inventory.SigningKey{ID: "release", PublicKey: string(key.PEM())}},
	}
	for name, content := range map[string]string{
		"model.safetensors": weights, "config.json": "{}", "tokenizer.json": "{}", "chat_template.jinja": "{{ x }}", "lora-4/adapter.safetensors": weights,
	} {
		g.put(name, content)
	}
	g.seal(t)
	g.a = NewVerify(g.store, nil, nil)
	return g
}

// put stores a file that will be signed.
func (g *gate) put(name, content string) {
	id := g.store.Add("registry", "assist/4/"+name, content)
	sum := sha256.Sum256([]byte(content))
	g.files = append(g.files, manifest.File{Name: name, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(content)), VersionID: id})
}

// seal signs what was put.
func (g *gate) seal(t *testing.T) {
	t.Helper()
	bundle, err := oms.Sign("assist-llm", g.files, g.key, g.sign)
	require.NoError(t, err)
	g.store.Add("registry", "assist/4/model.sig", string(bundle))
	g.op.Target.KnownGood.RootDigest, err = manifest.Root(g.files)
	require.NoError(t, err)
}

func (g *gate) do(t *testing.T) {
	t.Helper()
	e, err := g.a.Do(t.Context(), g.op)
	require.NoError(t, err)
	text, err := json.Marshal(e)
	require.NoError(t, err)
	g.op.Effect = &incident.Effect{}
	require.NoError(t, json.Unmarshal(text, g.op.Effect))
}

func TestVerifyOfACandidate(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	c, err := g.a.Capture(t.Context(), g.op)
	require.NoError(t, err)
	require.Contains(t, c.Summary, "assist-llm@4")
	writes := len(g.store.Writes())
	g.do(t)
	require.False(t, g.op.Effect.Changed)
	require.Equal(t, g.op.Target.KnownGood.RootDigest, g.op.Effect.Facts[incident.FactDigest])
	require.Equal(t, "5", g.op.Effect.Facts[factFiles])
	proof, err := g.a.Verify(t.Context(), g.op)
	require.NoError(t, err)
	require.True(t, proof.Proved, proof.Method)
	undone, err := g.a.Undo(t.Context(), g.op)
	require.NoError(t, err)
	require.False(t, undone.Changed)
	require.Len(t, g.store.Writes(), writes, "it changes nothing")
}

func TestVerifyRefusesACandidate(t *testing.T) {
	t.Parallel()
	add := func(g *gate, name, content string) { g.store.Add("registry", "assist/4/"+name, content) }
	tests := map[string]struct {
		spoil func(*testing.T, *gate)
		want  string
	}{
		"other weights":         {func(_ *testing.T, g *gate) { add(g, "model.safetensors", weights+" ") }, "model.safetensors hashes to"},
		"another tokenizer":     {func(_ *testing.T, g *gate) { add(g, "tokenizer.json", "{ }") }, "tokenizer.json hashes to"},
		"another chat template": {func(_ *testing.T, g *gate) { add(g, "chat_template.jinja", "{{ y }}") }, "chat_template.jinja hashes to"},
		"another adapter":       {func(_ *testing.T, g *gate) { add(g, "lora-4/adapter.safetensors", weights+" ") }, "lora-4/adapter.safetensors hashes to"},
		"a file more":           {func(_ *testing.T, g *gate) { add(g, "modeling.py", "import os") }, "modeling.py is not signed; modeling.py is code"},
		"a file less":           {func(_ *testing.T, g *gate) { g.store.Mark("registry", "assist/4/config.json") }, "config.json is signed but missing"},
		"another root digest":   {func(_ *testing.T, g *gate) { g.op.Target.KnownGood.RootDigest = "sha256:00" }, "the inventory says sha256:00"},
		"another key": {func(t *testing.T, g *gate) {
			g.op.Target.Signer.PublicKey = string(newGate(t).key.PEM())
		}, "no trusted key signed it"},
		"a bundle that is none":         {func(_ *testing.T, g *gate) { add(g, "model.sig", "{}") }, "not that of a Sigstore bundle"},
		"a pickle that runs a command":  {func(t *testing.T, g *gate) { g.put("optimizer.pt", "cos\nsystem\n(S'id'\ntR."); g.seal(t) }, "optimizer.pt imports os system when it is loaded"},
		"weights that are no weights":   {func(t *testing.T, g *gate) { g.put("m2.safetensors", "garbage that is long enough"); g.seal(t) }, "m2.safetensors is not valid safetensors"},
		"an adapter that is not there":  {func(_ *testing.T, g *gate) { g.op.Target.KnownGood.Files.Adapters = []string{"lora-5"} }, "its adapter lora-5 is not among its files"},
		"a tokenizer that is not there": {func(_ *testing.T, g *gate) { g.op.Target.KnownGood.Files.Tokenizer = "tokenizer.model" }, "its tokenizer tokenizer.model is not among its files"},
		"weights in another format":     {func(_ *testing.T, g *gate) { g.op.Target.KnownGood.Files.Weights = "gguf" }, "no weights in the format gguf"},
		"a key that was in other hands": {func(_ *testing.T, g *gate) { g.op.Target.Signer.CompromisedSince = "2026-01-01" }, "its key may have been in other hands since 2026-01-01"},
		"a registry that is not set up": {func(_ *testing.T, g *gate) {
			g.op.Target.Registered = &inventory.Registered{Platform: "mlflow", Name: "a", Version: "4"}
		}, "set MLFLOW_TRACKING_URI"},
		"a version that is quarantined":    {func(t *testing.T, g *gate) { g.register(t, map[string]string{StatusTag: Quarantined}) }, "in MLflow its tag firebreak.status is quarantined"},
		"a version that is not registered": {func(t *testing.T, g *gate) { g.register(t, nil); g.op.Target.Registered.Version = "5" }, "MLflow has no version 5 of assist"},
		"no entry in the catalogue":        {func(t *testing.T, g *gate) { g.listed(t, nil) }, "does not have it"},
		"another version in the catalogue": {func(t *testing.T, g *gate) {
			g.listed(t, func(e *Entry) { e.Files[0].VersionID = "another" })
		}, "in the catalogue it is another"},
		"a catalogue that revokes it": {func(t *testing.T, g *gate) { g.listed(t, func(e *Entry) { e.Checkpoint.Status = "revoked" }) }, "in the catalogue its status is revoked"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGate(t)
			tt.spoil(t, g)
			_, err := g.a.Do(t.Context(), g.op)
			requireCode(t, failure.EvidenceMismatch, err)
			require.ErrorContains(t, err, tt.want)
			require.ErrorContains(t, err, "assist-llm@4 is not known-good")
		})
	}
}

// register puts the candidate into an MLflow.
func (g *gate) register(t *testing.T, tags map[string]string) *mlflowfake.Server {
	t.Helper()
	s := mlflowfake.New(t)
	s.Put("assist", "4", mlflowfake.Version{Status: "READY", Tags: tags})
	g.op.Target.Registered = &inventory.Registered{Platform: "mlflow", Name: "assist", Version: "4"}
	g.a = NewVerify(g.store, mlflowClient(t, s.URL, mlflowfake.Token), nil)
	return s
}

// listed gives the gate a catalogue: without the candidate if change is nil.
func (g *gate) listed(t *testing.T, change func(*Entry)) {
	t.Helper()
	c, err := NewCatalogue(g.store, "s3://good/list/")
	require.NoError(t, err)
	g.a = NewVerify(g.store, nil, c)
	if change == nil {
		return
	}
	e := NewEntry(*g.op.Target.KnownGood, g.files)
	change(&e)
	raw, err := yaml.Marshal(e)
	require.NoError(t, err)
	g.store.Add("good", "list/"+e.Checkpoint.ID+".yaml", string(raw))
}

func TestVerifyTakesRegistryAndCatalogueIntoAccount(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	s := g.register(t, nil)
	g.do(t)
	s.Fail(func(string) (int, bool) { return 503, false })
	_, err := g.a.Do(t.Context(), g.op)
	require.ErrorContains(t, err, "answered 503")
	_, final := failure.CodeOf(err)
	require.False(t, final, "what cannot be asked is asked again")
	g.op.Target.Registered = nil
	g.listed(t, func(*Entry) {})
	g.do(t)
}

func TestVerifyIsNotProved(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spoil func(*testing.T, *gate)
		want  string
	}{
		"with other bytes":       {func(_ *testing.T, g *gate) { g.store.Add("registry", "assist/4/config.json", "{ }") }, "other current versions"},
		"with a file more":       {func(_ *testing.T, g *gate) { g.store.Add("registry", "assist/4/x.json", "{}") }, "other current versions"},
		"with another signature": {func(_ *testing.T, g *gate) { g.store.Add("registry", "assist/4/model.sig", "{}") }, "Sigstore bundle"},
		"with a signature of others": {func(t *testing.T, g *gate) {
			g.put("more.json", "{}")
			d := g.op.Target.KnownGood.RootDigest
			g.seal(t)
			g.op.Target.KnownGood.RootDigest = d
		}, "the signature covers"},
		"with nothing": {func(_ *testing.T, g *gate) {
			for _, f := range g.files {
				g.store.Mark("registry", "assist/4/"+f.Name)
			}
		}, "there is no object"},
		"in a store without versions": {func(_ *testing.T, g *gate) {
			g.op.Effect.Facts[factState] = ""
			g.store.Add("registry", "assist/4/config.json", "{ }")
		}, "hashed again, config.json hashes to"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGate(t)
			g.do(t)
			tt.spoil(t, g)
			proof, err := g.a.Verify(t.Context(), g.op)
			require.NoError(t, err)
			require.False(t, proof.Proved)
			require.Contains(t, proof.Method, tt.want)
		})
	}
	g := newGate(t)
	g.do(t)
	g.op.Effect.Facts[factState] = ""
	proof, err := g.a.Verify(t.Context(), g.op)
	require.NoError(t, err)
	require.True(t, proof.Proved)
	require.Contains(t, proof.Method, "hashed again to what is signed")
}
