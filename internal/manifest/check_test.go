package manifest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/manifest"
	"firebreak/internal/manifest/dsse"
)

const scorerID = "incident/backdoor-discovery/credit-scorer@17"

// keyOf makes a key from a name, so that every run signs with the same.
// bench is an incident with evidence in a folder.
// sign signs whatever it is given: the tests of what is inside must not stop at the signature.
func TestASoundManifest(t *testing.T) {
	t.Parallel()
	b := newBench(t, incident.Live)
	r := b.check(b.sealed(nil))
	require.Empty(t, r.Findings)
	require.True(t, r.Sound)
	require.True(t, r.Signed)
	require.Equal(t, scorerID, r.Incident)
	require.Equal(t, []int{2, 3, 3, 4}, []int{r.Receipts, r.Custody, r.Objects, r.Read})
	require.Equal(t, []string{"one is missing"}, r.Gaps)

	again, err := manifest.New(&b.record, b.contents)
	require.NoError(t, err)
	require.Equal(t, b.statement(), again, "the same evidence makes the same statement")
}

// one requires that exactly one thing is found.
func one(t *testing.T, r *manifest.Report, aspect manifest.Aspect, where, problem string) {
	t.Helper()
	require.False(t, r.Sound)
	require.Len(t, r.Findings, 1, r.Findings)
	require.Equal(t, aspect, r.Findings[0].Aspect)
	require.Contains(t, r.Findings[0].Where, where)
	require.Contains(t, r.Findings[0].Problem, problem)
}

// Whoever holds the key could sign anything: each part is held against the others all the same, and exactly the part that
// does not fit is named.
func TestEachPartIsHeldAgainstTheOthers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change  func(*manifest.Statement)
		aspect  manifest.Aspect
		where   string
		problem string
	}{
		"another digest of an object": {func(s *manifest.Statement) {
			s.Predicate.Objects[0].SHA256 = digestOf("x")
		}, manifest.RootAspect, "subject[0].digest", "the objects and the record have"},
		"another incident as the subject": {func(s *manifest.Statement) { s.Subject[0].Name = "incident/other" }, manifest.RootAspect, "subject[0].name", "incident/other"},
		"two subjects":                    {func(s *manifest.Statement) { s.Subject = append(s.Subject, s.Subject[0]) }, manifest.RootAspect, "subject", "there are 2"},
		"another plan":                    {func(s *manifest.Statement) { s.Predicate.PlanDigest = "sha256:other" }, manifest.RecordAspect, "plan_digest", "sha256:other"},
		"another verdict":                 {func(s *manifest.Statement) { s.Predicate.Verdict = incident.NotContained }, manifest.RecordAspect, "verdict", "contained"},
		"a receipt that is left out":      {func(s *manifest.Statement) { s.Predicate.Receipts = s.Predicate.Receipts[:1] }, manifest.ReceiptAspect, "steps[2]", "snapshot"},
		"a receipt too many": {func(s *manifest.Statement) {
			s.Predicate.Receipts = append(s.Predicate.Receipts, s.Predicate.Receipts[1])
		}, manifest.ReceiptAspect, "receipts", "3 are listed"},
		"another receipt":          {func(s *manifest.Statement) { s.Predicate.Receipts[1].SHA256 = digestOf("x") }, manifest.ReceiptAspect, "receipts[1]", "snapshot on requests hashes to"},
		"a receipt called proved":  {func(s *manifest.Statement) { s.Predicate.Receipts[1].Verified = false }, manifest.ReceiptAspect, "receipts[1]", "verified false"},
		"a receipt of another":     {func(s *manifest.Statement) { s.Predicate.Receipts[0].Target = "other" }, manifest.ReceiptAspect, "receipts[0]", "disable on other"},
		"a link that was changed":  {func(s *manifest.Statement) { s.Predicate.Custody[2].Actor = "mallory" }, manifest.CustodyAspect, "custody[2]", "by mallory: its hash is not that of its content"},
		"a digest of a link alone": {func(s *manifest.Statement) { s.Predicate.Custody[1].SHA256 = "" }, manifest.CustodyAspect, "custody[1]", "was changed"},
		"a link that is left out":  {func(s *manifest.Statement) { s.Predicate.Custody = s.Predicate.Custody[1:2] }, manifest.CustodyAspect, "custody[0]", "taken out"},
		"a store of a drill":       {func(s *manifest.Statement) { s.Predicate.Store.Env = "staging" }, manifest.ModeAspect, "store", `environment "staging"`},
		"a type of a drill":        {func(s *manifest.Statement) { s.PredicateType = manifest.DrillType }, manifest.ModeAspect, "predicateType", "the mode is"},
		"another statement type":   {func(s *manifest.Statement) { s.Type = "x" }, manifest.StatementAspect, "_type", "in-toto"},
		"another key":              {func(s *manifest.Statement) { s.Predicate.SignerKey = "sha256:0" }, manifest.SignatureAspect, "signer_key", "the key given is"},
		"another signer":           {func(s *manifest.Statement) { s.Predicate.Signer = "root:1" }, manifest.SignatureAspect, "keyid", "root:1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, incident.Live)
			root, err := os.OpenRoot(t.TempDir())
			require.NoError(t, err)
			defer root.Close()
			one(t, manifest.Check(b.sealed(tt.change), manifest.Options{Key: b.key}), tt.aspect, tt.where, tt.problem)
		})
	}
}

// Somebody adds a file to what was sealed: it is no evidence, and is said to be none.
// A drill's evidence is refused as a live incident's whatever of it is changed, unless the live key signs it.
func TestADrillPassesForNothingElse(t *testing.T) {
	t.Parallel()
	drill, live := newBench(t, incident.Drill), newBench(t, incident.Live)
	content := drill.sealed(nil)
	require.True(t, drill.check(content).Sound)

	r := manifest.Check(content, manifest.Options{Key: drill.key})
	one(t, r, manifest.ModeAspect, "predicate.mode", "evidence of a drill, not of a live incident")
	r = manifest.Check(content, manifest.Options{Key: live.key})
	require.Contains(t, r.Findings[0].Problem, "not by this key")

	// Relabelled without either key.
	e, err := dsse.Decode(content)
	require.NoError(t, err)
	e.Payload = bytes.ReplaceAll(e.Payload, []byte(`"mode":"drill"`), []byte(`"mode":"live"`))
	e.Payload = bytes.ReplaceAll(e.Payload, []byte(manifest.DrillType), []byte(manifest.LiveType))
	forged, err := e.Encode()
	require.NoError(t, err)
	for _, key := range []*dsse.Key{drill.key, live.key} {
		r = manifest.Check(forged, manifest.Options{Key: key})
		require.False(t, r.Signed)
		require.Equal(t, manifest.SignatureAspect, r.Findings[0].Aspect)
	}

	// Relabelled with the drill's key by somebody who may use it: the chain and the store still say what it was.
	r = manifest.Check(drill.sign(e.Payload, drill.contents.Signer), manifest.Options{Key: drill.key})
	require.True(t, r.Signed)
	aspects := map[manifest.Aspect]bool{}
	for _, f := range r.Findings {
		aspects[f.Aspect] = true
	}
	require.True(t, aspects[manifest.CustodyAspect] && aspects[manifest.ModeAspect], r.Findings)
	one(t, manifest.Check(live.sealed(nil), manifest.Options{Key: live.key, Mode: incident.Drill}), manifest.ModeAspect, "mode", "in mode live, not of a drill")
}

func TestUnsigned(t *testing.T) {
	t.Parallel()
	b := newBench(t, incident.Live)
	b.contents.Signer, b.contents.SignerKey = "", ""
	payload, err := b.statement().Encode()
	require.NoError(t, err)
	content, err := (&dsse.Envelope{PayloadType: dsse.InToto, Payload: payload}).Encode()
	require.NoError(t, err)
	one(t, manifest.Check(content, manifest.Options{Key: b.key}), manifest.SignatureAspect, "signatures", "is not signed")
	one(t, manifest.Check(b.sealed(nil), manifest.Options{}), manifest.SignatureAspect, "signatures[0]", "no public key was given")
	signed := b.sign(payload, "")
	e, err := dsse.Decode(signed)
	require.NoError(t, err)
	e.Signatures = append(e.Signatures, e.Signatures[0])
	twice, err := e.Encode()
	require.NoError(t, err)
	one(t, manifest.Check(twice, manifest.Options{Key: b.key}), manifest.SignatureAspect, "signatures", "there are 2")
	e.Signatures, e.PayloadType = e.Signatures[:1], "text/plain"
	other, err := e.Encode()
	require.NoError(t, err)
	require.Equal(t, "payloadType", manifest.Check(other, manifest.Options{Key: b.key}).Findings[0].Where)
}

// Two statements that mean the same to some reader are not both taken, even when they are signed.
func TestOneMeaningHasOneForm(t *testing.T) {
	t.Parallel()
	b := newBench(t, incident.Live)
	good, err := b.statement().Encode()
	require.NoError(t, err)
	text := string(good)
	tests := map[string]string{
		"a repeated field":                  strings.Replace(text, `"mode":"live"`, `"mode":"drill","mode":"live"`, 1),
		"a repeated field in the record":    strings.Replace(text, `"plan_digest":"sha256:plan","steps"`, `"plan_digest":"x","plan_digest":"sha256:plan","steps"`, 1),
		"another case":                      strings.Replace(text, `"subject"`, `"Subject"`, 1),
		"an unknown field":                  strings.Replace(text, `{"_type"`, `{"extra":1,"_type"`, 1),
		"an unknown field of the predicate": strings.Replace(text, `"gaps":[`, `"more":1,"gaps":[`, 1),
		"another spacing":                   strings.Replace(text, `:`, `: `, 1),
		"an escape for a letter":            strings.Replace(text, `"incident_id"`, `"incident\u005fid"`, 1),
		"another escape in the record":      strings.Replace(text, `\u003c`, `<`, 1),
		"another order":                     strings.Replace(text, `"step":"disable","target":"credit-api"`, `"target":"credit-api","step":"disable"`, 1),
		"another number":                    strings.Replace(text, `"size":8`, `"size":8.0`, 1),
		"another time":                      strings.Replace(text, `2026-09-14T07:00:00Z`, `2026-09-14T07:00:00+00:00`, 1),
		"null for nothing":                  strings.Replace(text, `"gaps":["one is missing"]`, `"gaps":null,"x":[]`, 1),
		"something behind":                  text + " {}",
		"nothing":                           "",
		"deep nesting":                      strings.Repeat(`[`, 1000) + strings.Repeat(`]`, 1000),
	}
	for name, changed := range tests {
		require.NotEqual(t, text, changed, name)
		_, err := manifest.DecodeStatement([]byte(changed))
		require.ErrorContains(t, err, "decode statement", name)
		r := manifest.Check(b.sign([]byte(changed), b.contents.Signer), manifest.Options{Key: b.key})
		one(t, r, manifest.StatementAspect, "payload", "decode statement")
	}
}

// Whatever byte of a sealed manifest is changed, it is not sound any more.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	b := newBench(t, incident.Live)
	content := b.sealed(nil)
	for i := range content {
		changed := bytes.Clone(content)
		changed[i] ^= 0x01
		require.False(t, manifest.Check(changed, manifest.Options{Key: b.key}).Sound, "byte %d", i)
		if i%100 == 0 {
			require.False(t, manifest.Check(content[:i], manifest.Options{Key: b.key}).Sound, "cut at %d", i)
		}
	}
}

func TestAManifestThatIsTooLarge(t *testing.T) {
	t.Parallel()
	one(t, manifest.Check(make([]byte, manifest.MaxBytes+1), manifest.Options{}), manifest.EnvelopeAspect, "manifest", "at most")
}

func FuzzCheck(f *testing.F) {
	b := newBench(f, incident.Live)
	good := b.sealed(nil)
	f.Add(good)
	for _, payload := range []string{`{}`, `null`, `{"subject":[{}]}`, `{"predicate":{"record":{"steps":[{"receipt":{}}]}}}`} {
		f.Add([]byte(`{"payload":"` + base64.StdEncoding.EncodeToString([]byte(payload)) + `","payloadType":"application/vnd.in-toto+json","signatures":[]}` + "\n"))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		r := manifest.Check(content, manifest.Options{Key: b.key})
		require.Equal(t, r.Sound, bytes.Equal(content, good), "only what was signed is sound")
	})
}

func FuzzDecodeStatement(f *testing.F) {
	good, err := newBench(f, incident.Live).statement().Encode()
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := manifest.DecodeStatement(content)
		if err != nil {
			return
		}
		again, err := s.Encode()
		require.NoError(t, err)
		require.Equal(t, string(content), string(again))
		require.True(t, json.Valid(content))
	})
}
