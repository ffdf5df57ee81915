package evidence

import (
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/evidence/s3fake"
	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/manifest"
	"firebreak/internal/manifest/dsse"
	"firebreak/playbooks"
)

// fakeSigner holds a key a mode, as Vault does.
type fakeSigner struct {
	keyErr, signErr error
	// forged makes it answer with a signature over something else.
	forged bool
}

func (f *fakeSigner) private(mode incident.Mode) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte((string(mode) + strings.Repeat("-", ed25519.SeedSize))[:ed25519.SeedSize]))
}

func (f *fakeSigner) public(mode incident.Mode) *dsse.Key {
	key, _ := dsse.NewKey(f.private(mode).Public())
	return key
}

func (f *fakeSigner) Key(_ context.Context, mode incident.Mode) (string, *dsse.Key, error) {
	if f.keyErr != nil {
		return "", nil, f.keyErr
	}
	return "evidence-" + string(mode) + ":3", f.public(mode), nil
}

func (f *fakeSigner) Sign(_ context.Context, id string, message []byte) ([]byte, error) {
	mode, _, _ := strings.Cut(strings.TrimPrefix(id, "evidence-"), ":")
	if f.forged {
		message = append(message, '!')
	}
	return ed25519.Sign(f.private(incident.Mode(mode)), message), f.signErr
}

// fakeHistory has two events.
type fakeHistory struct {
	err  error
	next int64
}

func (f *fakeHistory) GetWorkflowHistory(context.Context, string, string, bool, enums.HistoryEventFilterType) client.HistoryEventIterator {
	return &fakeHistory{err: f.err}
}

func (f *fakeHistory) HasNext() bool { return f.next < 2 }

func (f *fakeHistory) Next() (*history.HistoryEvent, error) {
	f.next++
	return &history.HistoryEvent{EventId: f.next, EventType: enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED}, f.err
}

// sealing is a sealed incident with a real snapshot and a real alert in it.
type sealing struct {
	t      *testing.T
	s      *s3fake.Store
	signer *fakeSigner
	temp   *fakeHistory
	seal   *Seal
	in     playbooks.SealInput
}

func newSealing(t *testing.T) *sealing {
	t.Helper()
	s, a, op := newScene(t)
	op.Store.Env = "prod"
	capture(t, a, op)
	effect := do(t, a, op)
	proof := verify(t, a, op)
	require.True(t, proof.Proved)
	z := &sealing{t: t, s: s, signer: &fakeSigner{}, temp: &fakeHistory{}}
	z.seal = NewSeal(s, z.signer, &History{Temporal: z.temp})
	z.in = playbooks.SealInput{Store: op.Store, Record: incident.Record{
		ID: op.IncidentID, Mode: incident.Live, Progress: incident.Responding, Verdict: incident.Contained, OpenedAt: time.Now().UTC(),
		Steps: []incident.Step{
			{ID: op.Step, Target: op.Target.ID, Action: op.Action, Role: incident.RoleEvidence, Status: incident.Done, Verified: true,
				Receipt: &incident.Receipt{Operation: op.ID, Capture: op.Capture, Effect: effect, Proof: proof}},
			{ID: "contain", Role: incident.RoleContainment, Status: incident.Done, Verified: true},
		},
	}}
	_, err := NewAlerts(s).Keep(t.Context(), playbooks.KeepAlert{
		IncidentID: op.IncidentID, Mode: incident.Live, Store: op.Store,
		Alert: incident.Alert{Raw: pack(t, "the alert"), RawSHA256: digestOf("the alert")},
	})
	require.NoError(t, err)
	return z
}

func (z *sealing) run() *incident.Evidence {
	z.t.Helper()
	got, err := z.seal.Seal(z.t.Context(), z.in)
	require.NoError(z.t, err)
	return got
}

// read returns the bytes that a URI names.
func (z *sealing) read(uri string) []byte {
	z.t.Helper()
	bucket, key, id, err := objects.ParseVersionURI(uri)
	require.NoError(z.t, err)
	content, _, err := readAll(z.t.Context(), z.s, bucket, objects.Version{Key: key, ID: id})
	require.NoError(z.t, err)
	return content
}

func (z *sealing) statement(got *incident.Evidence) *manifest.Statement {
	z.t.Helper()
	e, err := dsse.Decode(z.read(got.Manifest))
	require.NoError(z.t, err)
	s, err := manifest.DecodeStatement(e.Payload)
	require.NoError(z.t, err)
	return s
}

// check verifies as an auditor does, from a download of the whole evidence bucket.
func (z *sealing) check(got *incident.Evidence) *manifest.Report {
	z.t.Helper()
	folder := z.t.TempDir()
	for _, v := range z.s.Versions(vault, "") {
		path := filepath.Join(folder, v.Key)
		require.NoError(z.t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(z.t, os.WriteFile(path, v.Body, 0o600))
	}
	root, err := os.OpenRoot(folder)
	require.NoError(z.t, err)
	defer root.Close()
	return manifest.Check(z.read(got.Manifest), manifest.Options{Key: z.signer.public(incident.Live), Objects: root})
}

func TestSealedEvidenceIsSound(t *testing.T) {
	t.Parallel()
	z := newSealing(t)
	got := z.run()
	require.Equal(t, "evidence-live:3", got.Signer)
	require.Empty(t, got.Gaps)
	require.Equal(t, 7, got.Objects)

	r := z.check(got)
	require.Empty(t, r.Findings)
	require.True(t, r.Signed)
	require.Equal(t, []int{1, 4, 4 + 7, 5}, []int{r.Receipts, r.Objects, r.Read, r.Custody}, "snapshot, alert, history and key; what the snapshot lists")

	p := z.statement(got).Predicate
	kinds := map[manifest.ObjectKind]manifest.Object{}
	for _, o := range p.Objects {
		kinds[o.Kind] = o
		require.Equal(t, "COMPLIANCE", o.LockMode)
		require.NotZero(t, o.CheckedAt)
		requireFuture(t, 89*day, o.RetainUntil)
	}
	packed, err := gzip.NewReader(strings.NewReader(string(z.read(uriOf(kinds[manifest.HistoryObject])))))
	require.NoError(t, err)
	events, err := client.HistoryFromJSON(packed, client.HistoryJSONOptions{})
	require.NoError(t, err, "Temporal's own tools read the history")
	require.Len(t, events.Events, 2)
	require.Equal(t, string(z.signer.public(incident.Live).PEM()), string(z.read(uriOf(kinds[manifest.KeyObject]))))
	require.Equal(t, "the alert", string(z.read(uriOf(kinds[manifest.AlertObject]))))
}

func uriOf(o manifest.Object) string { return o.URI() }

func TestTheSameRecordIsSealedOnce(t *testing.T) {
	t.Parallel()
	z := newSealing(t)
	first := z.run()
	writes := len(z.s.Writes())
	require.Equal(t, first, z.run())
	require.Len(t, z.s.Writes(), writes, "nothing is written twice")

	z.in.Record.Progress, z.in.Record.Summary = incident.Closed, "went on"
	second := z.run()
	require.NotEqual(t, first.Manifest, second.Manifest)
	r := z.check(second)
	require.Empty(t, r.Findings)
	p := z.statement(second).Predicate
	var sealed []string
	for _, e := range p.Custody {
		if e.Action == manifest.Sealed {
			sealed = append(sealed, e.Evidence)
		}
	}
	require.Equal(t, []string{first.Manifest}, sealed, "the next manifest knows of the one before")
}

func TestSealWithoutASignature(t *testing.T) {
	t.Parallel()
	for name, break_ := range map[string]func(*fakeSigner){
		"no key":               func(f *fakeSigner) { f.keyErr = errors.New("vault at x answered 503: it is sealed") },
		"no signature":         func(f *fakeSigner) { f.signErr = errors.New("vault at x cannot be reached") },
		"a signature of other": func(f *fakeSigner) { f.forged = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			z := newSealing(t)
			break_(z.signer)
			got := z.run()
			require.Empty(t, got.Signer)
			require.Len(t, got.Gaps, 1)
			require.Contains(t, got.Gaps[0], "the manifest is not signed: ")
			require.Contains(t, got.Manifest, "-unsigned.json")
			require.Equal(t, got, z.run(), "a retry does not seal it again")
			r := z.check(got)
			require.Len(t, r.Findings, 1)
			require.Equal(t, manifest.SignatureAspect, r.Findings[0].Aspect)

			// Closing tries again, and so does a retry of the same record.
			*z.signer = fakeSigner{}
			again := z.run()
			require.Equal(t, "evidence-live:3", again.Signer)
			require.Empty(t, again.Gaps)
			require.True(t, z.check(again).Sound)
		})
	}
}

func TestWhatCannotBeHadIsAGap(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		set   func(*sealing)
		want  string
		sound bool
	}{
		"no history":           {func(z *sealing) { z.temp.err = errors.New("retention is over") }, "the workflow history is missing: export workflow history: retention is over", true},
		"no client":            {func(z *sealing) { z.seal.history.Temporal = nil }, "not connected to Temporal", true},
		"a manifest elsewhere": {func(z *sealing) { z.fact(incident.FactManifest, "s3://other/m?versionId=1") }, "is not in the evidence store", true},
		"a manifest nowhere":   {func(z *sealing) { z.fact(incident.FactManifest, "s3://"+vault+"/m?versionId=1") }, "could not be read back", false},
		"no manifest":          {func(z *sealing) { z.fact(incident.FactManifest, "m") }, "does not name a version", true},
		"a changed alert": {func(z *sealing) {
			for _, v := range z.s.Versions(vault, incidentPrefix(z.in.Record.ID)+"alerts/") {
				z.s.Change(vault, v.Key, func(v *s3fake.Version) { v.Body = []byte("the Alert") })
			}
		}, "hashes to", false},
		"an alert that lost its lock": {func(z *sealing) {
			for _, v := range z.s.Versions(vault, incidentPrefix(z.in.Record.ID)+"alerts/") {
				z.s.Change(vault, v.Key, func(v *s3fake.Version) { v.Mode = "" })
			}
		}, "is not locked", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			z := newSealing(t)
			tt.set(z)
			got := z.run()
			require.Len(t, got.Gaps, 1, got.Gaps)
			require.Contains(t, got.Gaps[0], tt.want)
			require.Equal(t, got.Gaps, z.statement(got).Predicate.Gaps)
			require.Equal(t, tt.sound, z.check(got).Sound)
		})
	}
}

func (z *sealing) fact(name, value string) { z.in.Record.Steps[0].Receipt.Effect.Facts[name] = value }

func TestSealFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		set func(*sealing)
		err string
	}{
		"deletable":           {func(z *sealing) { z.s.DeletesAnything = true }, "could be deleted"},
		"not locked":          {func(z *sealing) { z.s.DropLocks = true }, "is not locked"},
		"a drill's store":     {func(z *sealing) { z.in.Store.Env = "drill" }, "where a live incident may keep nothing"},
		"a drill in the live": {func(z *sealing) { z.in.Record.Mode = incident.Drill }, "where a drill incident may keep nothing"},
		"no store":            {func(z *sealing) { z.in.Store.Bucket = "" }, "no evidence store"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			z := newSealing(t)
			tt.set(z)
			_, err := z.seal.Seal(t.Context(), z.in)
			require.ErrorContains(t, err, tt.err)
		})
	}
}

func TestSealFindsOtherBytesUnderItsName(t *testing.T) {
	t.Parallel()
	z := newSealing(t)
	got := z.run()
	_, key, _, err := objects.ParseVersionURI(got.Manifest)
	require.NoError(t, err)
	z.s.Change(vault, key, func(v *s3fake.Version) { v.Body = []byte(strings.Repeat(" ", 10)) })
	_, err = z.seal.Seal(t.Context(), z.in)
	requireCode(t, failure.EvidenceMismatch, err)
}

func TestHistoryIsBoundedAndEmptyIsNone(t *testing.T) {
	t.Parallel()
	h := &History{Temporal: emptyHistory{}}
	_, err := h.export(t.Context(), "w", "")
	require.ErrorContains(t, err, "it is empty")
	z, err := (&History{Temporal: &fakeHistory{}}).export(t.Context(), "w", "")
	require.NoError(t, err)
	r, err := gzip.NewReader(strings.NewReader(string(z)))
	require.NoError(t, err)
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Contains(t, string(text), `"eventId":"1"`)
}

type emptyHistory struct{ client.HistoryEventIterator }

func (emptyHistory) GetWorkflowHistory(context.Context, string, string, bool, enums.HistoryEventFilterType) client.HistoryEventIterator {
	return emptyHistory{}
}
func (emptyHistory) HasNext() bool { return false }
