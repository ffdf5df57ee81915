package manifest_test

import (
	"crypto/ed25519"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/manifest"
	"firebreak/internal/manifest/dsse"
)

func keyOf(t testing.TB, name string) (ed25519.PrivateKey, *dsse.Key) {
	t.Helper()
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	private := ed25519.NewKeyFromSeed(seed)
	key, err := dsse.NewKey(private.Public())
	require.NoError(t, err)
	return private, key
}

type bench struct {
	t        testing.TB
	record   incident.Record
	contents manifest.Contents
	private  ed25519.PrivateKey
	key      *dsse.Key
	folder   string
}

func newBench(t testing.TB, mode incident.Mode) *bench {
	t.Helper()
	at := time.Date(2026, 9, 14, 6, 0, 0, 0, time.UTC)
	b := &bench{t: t, folder: t.TempDir()}
	b.private, b.key = keyOf(t, string(mode))
	b.record = incident.Record{
		ID: scorerID, Kind: incident.BackdoorDiscovery, Asset: "credit-scorer@17", Mode: mode, Verdict: incident.Contained, Progress: incident.Closed,
		OpenedAt: at, PlanDigest: "sha256:plan", Playbook: incident.PlaybookRef{Digest: "sha256:book", InventoryDigest: "sha256:inventory"},
		Summary: "a <trigger> & more", Steps: []incident.Step{
			{ID: "disable", Target: "credit-api", Action: "endpoint.disable", Status: incident.Done, Verified: true, Receipt: &incident.Receipt{Operation: scorerID + "/disable/credit-api", Proof: &incident.Proof{Proved: true, Method: "refused"}}},
			{ID: "told", Status: incident.Skipped},
			{ID: "snapshot", Target: "requests", Action: "log.snapshot", Status: incident.Done, Verified: true, Receipt: &incident.Receipt{Operation: "o"}},
		},
	}
	env := map[incident.Mode]string{incident.Live: "prod", incident.Drill: "drill"}[mode]
	b.contents = manifest.Contents{
		SealedAt: at.Add(time.Hour), Signer: "evidence-" + string(mode) + ":1", SignerKey: b.key.Fingerprint(),
		Store: manifest.StoreRef{ID: "evidence", Bucket: "vault", Env: env}, Gaps: []string{"one is missing"},
	}
	first := b.put("incidents/ab/s/objects/01", "the first request")
	list := b.put("incidents/ab/s/manifest.jsonl", `{"source_key":"a","key":"incidents/ab/s/objects/01","version_id":"v1","sha256":"`+first.SHA256+`","size":17}`+"\n"+`{"source_key":"deleted","key":"","version_id":""}`+"\n")
	list.Kind, list.Listed, list.Proved = manifest.SnapshotObject, 1, true
	alert := b.put("incidents/ab/alerts/02", "an alert")
	alert.Kind = manifest.AlertObject
	history := b.put("incidents/ab/steps/history/03", "the events, one by one\n")
	history.Kind = manifest.HistoryObject
	b.contents.Objects = []manifest.Object{list, alert, history}
	for i, action := range []manifest.Handling{manifest.Collected, manifest.Verified, manifest.Read} {
		b.handle(manifest.Event{ID: string(action), At: at.Add(time.Duration(i) * time.Minute), Actor: "firebreak", Action: action, Evidence: list.URI(), SHA256: list.SHA256})
	}
	return b
}

func (b *bench) handle(e manifest.Event) {
	e, err := manifest.Link(b.contents.Custody, manifest.Genesis(b.record.ID, b.record.Mode), e)
	require.NoError(b.t, err)
	b.contents.Custody = append(b.contents.Custody, e)
}

func (b *bench) put(key, content string) manifest.Object {
	path := filepath.Join(b.folder, key)
	require.NoError(b.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(b.t, os.WriteFile(path, []byte(content), 0o600))
	return manifest.Object{Bucket: "vault", Key: key, VersionID: "v1", SHA256: digestOf(content), Size: int64(len(content))}
}

func (b *bench) statement() *manifest.Statement {
	s, err := manifest.New(&b.record, b.contents)
	require.NoError(b.t, err)
	return s
}

func (b *bench) sign(payload []byte, keyID string) []byte {
	e := dsse.Envelope{PayloadType: dsse.InToto, Payload: payload}
	e.Signatures = []dsse.Signature{{KeyID: keyID, Sig: ed25519.Sign(b.private, dsse.PAE(e.PayloadType, payload))}}
	content, err := e.Encode()
	require.NoError(b.t, err)
	return content
}

func (b *bench) sealed(change func(*manifest.Statement)) []byte {
	s := b.statement()
	if change != nil {
		change(s)
	}
	payload, err := s.Encode()
	require.NoError(b.t, err)
	return b.sign(payload, b.contents.Signer)
}

func (b *bench) check(content []byte) *manifest.Report {
	root, err := os.OpenRoot(b.folder)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { root.Close() })
	return manifest.Check(content, manifest.Options{Key: b.key, Objects: root, Mode: b.record.Mode})
}
