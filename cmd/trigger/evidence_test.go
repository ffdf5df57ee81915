package main

import (
	"crypto/ed25519"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/manifest"
	"firebreak/internal/manifest/dsse"
)

// evidenceFolder holds a manifest of one alert, the public key and the alert, as an auditor would have them.
func evidenceFolder(t *testing.T, mode incident.Mode) string {
	t.Helper()
	folder := t.TempDir()
	save := func(name, content string) {
		path := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	private := ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize)))
	key, err := dsse.NewKey(private.Public())
	require.NoError(t, err)
	record := incident.Record{ID: scorerIncident, Mode: mode, Verdict: incident.Contained, OpenedAt: at(0)}
	env := map[incident.Mode]string{incident.Live: "prod", incident.Drill: "drill"}[mode]
	s, err := manifest.New(&record, manifest.Contents{
		SealedAt: at(60), Signer: "firebreak-evidence:1", SignerKey: key.Fingerprint(), Store: manifest.StoreRef{Bucket: "vault", Env: env},
		Objects: []manifest.Object{{Kind: manifest.AlertObject, Bucket: "vault", Key: "incidents/ab/alerts/1", VersionID: "v1", Size: 5,
			SHA256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}},
		Gaps: []string{"the history is \x1b[31mmissing"},
	})
	require.NoError(t, err)
	payload, err := s.Encode()
	require.NoError(t, err)
	e := dsse.Envelope{PayloadType: dsse.InToto, Payload: payload}
	e.Signatures = []dsse.Signature{{KeyID: "firebreak-evidence:1", Sig: ed25519.Sign(private, dsse.PAE(e.PayloadType, payload))}}
	content, err := e.Encode()
	require.NoError(t, err)
	save("manifest.json", string(content))
	save("key.pem", string(key.PEM()))
	save("objects/incidents/ab/alerts/1", "hello")
	save("notes.txt", "no key, no manifest")
	return folder
}

func TestEvidenceVerify(t *testing.T) {
	t.Parallel()
	live, drill := evidenceFolder(t, incident.Live), evidenceFolder(t, incident.Drill)
	spoilt, without, more := evidenceFolder(t, incident.Live), evidenceFolder(t, incident.Live), evidenceFolder(t, incident.Live)
	require.NoError(t, os.Remove(filepath.Join(without, "objects/incidents/ab/alerts/1")))
	require.NoError(t, os.WriteFile(filepath.Join(more, "objects/incidents/ab/alerts/2"), []byte("slipped in"), 0o600))
	other, err := dsse.NewKey(ed25519.NewKeyFromSeed([]byte(strings.Repeat("o", ed25519.SeedSize))).Public())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(live, "other.pem"), other.PEM(), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(spoilt, "objects/incidents/ab/alerts/1"), []byte("hullo"), 0o600))
	tests := map[string]struct {
		folder, args string
		code         int
		want         []string
	}{
		"it holds":               {live, "F/manifest.json --public-key F/key.pem --objects F/objects", exitOK, []string{"SOUND  " + scorerIncident, "proved with the public key sha256:", "1 object, 0 events of custody", "hashed    1 object", "the history is ?[31mmissing"}},
		"without its objects":    {live, "F/manifest.json --public-key F/key.pem", exitOK, []string{"no folder was given"}},
		"without a key":          {live, "F/manifest.json", exitRefused, []string{"DOES NOT HOLD", "signature  signatures[0]  not checked: no public key was given", "not proved", "trigger: the evidence does not hold: 1 finding"}},
		"a changed object":       {spoilt, "F/manifest.json --public-key F/key.pem --objects F/objects", exitRefused, []string{"object  predicate.objects[0]", "hashes to"}},
		"a missing object":       {without, "F/manifest.json --public-key F/key.pem --objects F/objects", exitRefused, []string{"object  predicate.objects[0]", "is not in the folder; get it with"}},
		"an added object":        {more, "F/manifest.json --public-key F/key.pem --objects F/objects", exitOK, []string{"nothing in the manifest vouches for it\n  incidents/ab/alerts/2\n"}},
		"another key":            {live, "F/manifest.json --public-key F/other.pem", exitRefused, []string{"signature  signatures[0]", "predicate.signer_key", "the key given is " + other.Fingerprint()}},
		"a drill's":              {drill, "F/manifest.json --public-key F/key.pem", exitRefused, []string{"evidence of a drill, not of a live incident"}},
		"a drill's, asked for":   {drill, "F/manifest.json --public-key F/key.pem --mode drill", exitOK, []string{"mode      drill"}},
		"no manifest":            {live, "F/notes.txt --public-key F/key.pem", exitRefused, []string{"envelope  manifest", "decode envelope"}},
		"no such manifest":       {live, "F/none.json --public-key F/key.pem", exitError, []string{"read manifest"}},
		"no such key":            {live, "F/manifest.json --public-key F/none.pem", exitError, []string{"read public key"}},
		"no key in the key file": {live, "F/manifest.json --public-key F/notes.txt", exitError, []string{"there is no PEM block"}},
		"no such folder":         {live, "F/manifest.json --public-key F/key.pem --objects F/none", exitError, []string{"open folder of objects"}},
		"no such mode":           {live, "F/manifest.json --mode dry", exitUsage, []string{`--mode "dry"`}},
		"no argument":            {live, "", exitUsage, []string{"accepts 1 arg(s)"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"evidence", "verify"}, strings.Fields(strings.ReplaceAll(tt.args, "F/", tt.folder+"/"))...)
			got := invoke(t, nil, "", nil, args...)
			require.Equal(t, tt.code, got.code, got.stderr)
			for _, want := range tt.want {
				require.Contains(t, got.stdout+got.stderr, want)
			}
			if tt.code != exitOK && tt.code != exitRefused {
				return
			}
			asJSON := invoke(t, nil, "", nil, append(args, "-o", "json")...)
			require.Equal(t, tt.code, asJSON.code)
			var r manifest.Report
			require.NoError(t, json.Unmarshal([]byte(asJSON.stdout), &r))
			require.Equal(t, tt.code == exitOK, r.Sound)
			require.Equal(t, tt.code != exitOK, len(r.Findings) > 0)
		})
	}
}

func TestEvidenceShow(t *testing.T) {
	t.Parallel()
	folder := evidenceFolder(t, incident.Drill)
	got := invoke(t, nil, "", nil, "evidence", "show", filepath.Join(folder, "manifest.json"))
	require.Equal(t, exitOK, got.code, got.stderr)
	var s manifest.Statement
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &s))
	require.Equal(t, scorerIncident, s.Predicate.Incident)
	for _, name := range []string{"notes.txt", "none"} {
		require.Equal(t, exitError, invoke(t, nil, "", nil, "evidence", "show", filepath.Join(folder, name)).code)
	}
}
