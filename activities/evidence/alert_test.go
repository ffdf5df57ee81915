package evidence

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/evidence/s3fake"
	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

const posted = `{"alerts":[{"status":"firing"}]}`

func pack(t *testing.T, raw string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write([]byte(raw))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return out.Bytes()
}

func digestOf(raw string) string {
	sum := sha256.Sum256([]byte(raw))
	return hex.EncodeToString(sum[:])
}

func keepInput(t *testing.T, op *playbooks.Operation) playbooks.KeepAlert {
	t.Helper()
	return playbooks.KeepAlert{IncidentID: op.IncidentID, Mode: incident.Live, Store: op.Store, Alert: incident.Alert{
		Source: "alertmanager", Kind: incident.DatasetCompromise, Key: "k", ReceivedAt: time.Date(2026, 9, 14, 8, 0, 0, 0, time.UTC),
		Raw: pack(t, posted), RawSHA256: digestOf(posted),
	}}
}

func TestAlertIsKeptOnceAndLocked(t *testing.T) {
	t.Parallel()
	s, _, op := newScene(t)
	in := keepInput(t, op)
	first, err := NewAlerts(s).Keep(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, digestOf(posted), first.SHA256)
	bucket, key, _, err := objects.ParseVersionURI(first.URI)
	require.NoError(t, err)
	require.Equal(t, vault, bucket)
	require.Regexp(t, `^incidents/[0-9a-f]{32}/alerts/[0-9a-f]{64}$`, key)

	again, err := NewAlerts(s).Keep(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, first, again)
	s.Mark(vault, key)
	again, err = NewAlerts(s).Keep(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, first, again, "a delete marker hides the key and not the version")
	require.Len(t, s.Writes(), 1)

	v := s.Versions(vault, key)[0]
	require.Equal(t, posted, string(v.Body), "the exact bytes, unpacked")
	require.Equal(t, "application/octet-stream", v.ContentType)
	require.EqualValues(t, "COMPLIANCE", v.Mode)
	requireFuture(t, 90*day-time.Minute, v.Until)
	require.Equal(t, map[string]string{"incident": op.IncidentID, "mode": "live", "source": "alertmanager", "kind": "dataset-compromise", "received": "2026-09-14T08:00:00Z"}, v.Metadata)

	in.Alert.Raw, in.Alert.RawSHA256 = pack(t, posted+" "), digestOf(posted+" ")
	other, err := NewAlerts(s).Keep(t.Context(), in)
	require.NoError(t, err)
	require.NotEqual(t, first.URI, other.URI)
	in.IncidentID = "triage/alertmanager/00"
	elsewhere, err := NewAlerts(s).Keep(t.Context(), in)
	require.NoError(t, err)
	require.NotEqual(t, other.URI, elsewhere.URI, "each incident has its own copy")
}

func TestAlertIsRefused(t *testing.T) {
	t.Parallel()
	bomb := strings.Repeat("\x00", mostAlertBytes+1)
	tests := map[string]struct {
		code  failure.Code
		wrong string
		spoil func(*testing.T, *playbooks.KeepAlert)
	}{
		"no bytes":          {failure.Invalid, "without the bytes", func(_ *testing.T, in *playbooks.KeepAlert) { in.Alert.Raw = nil }},
		"no digest":         {failure.Invalid, "not a SHA-256", func(_ *testing.T, in *playbooks.KeepAlert) { in.Alert.RawSHA256 = "" }},
		"a digest to climb": {failure.Invalid, "not a SHA-256", func(_ *testing.T, in *playbooks.KeepAlert) { in.Alert.RawSHA256 = "../../../manifest" }},
		"other bytes":       {failure.EvidenceMismatch, "hash to", func(t *testing.T, in *playbooks.KeepAlert) { in.Alert.Raw = pack(t, "forged") }},
		"not packed":        {failure.Invalid, "unpack", func(_ *testing.T, in *playbooks.KeepAlert) { in.Alert.Raw = []byte(posted) }},
		"cut off":           {failure.Invalid, "unexpected EOF", func(_ *testing.T, in *playbooks.KeepAlert) { in.Alert.Raw = in.Alert.Raw[:len(in.Alert.Raw)-4] }},
		"a bomb": {failure.Invalid, "more than 1048576 bytes", func(t *testing.T, in *playbooks.KeepAlert) {
			in.Alert.Raw, in.Alert.RawSHA256 = pack(t, bomb), digestOf(bomb)
			require.Less(t, len(in.Alert.Raw), 4096)
		}},
		"something after it": {failure.Invalid, "something follows it", func(t *testing.T, in *playbooks.KeepAlert) {
			in.Alert.Raw = append(in.Alert.Raw, pack(t, "more")...)
		}},
		"no incident": {failure.Invalid, "no incident", func(_ *testing.T, in *playbooks.KeepAlert) { in.IncidentID = "" }},
		"no store":    {failure.Invalid, "no evidence store", func(_ *testing.T, in *playbooks.KeepAlert) { in.Store.Bucket = "" }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _, op := newScene(t)
			in := keepInput(t, op)
			tt.spoil(t, &in)
			_, err := NewAlerts(s).Keep(t.Context(), in)
			requireCode(t, tt.code, err)
			require.ErrorContains(t, err, tt.wrong)
			require.Empty(t, s.Writes())
		})
	}
}

func TestAlertIsNotProved(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		set   func(*s3fake.Store)
		wrong string
	}{
		"not locked": {func(s *s3fake.Store) { s.DropLocks = true }, "is not locked"},
		"deletable":  {func(s *s3fake.Store) { s.DeletesAnything = true }, "could be deleted"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _, op := newScene(t)
			tt.set(s)
			_, err := NewAlerts(s).Keep(t.Context(), keepInput(t, op))
			require.ErrorContains(t, err, tt.wrong)
			_, final := failure.CodeOf(err)
			require.False(t, final, "a store can be mended")
		})
	}
	t.Run("something else under its name", func(t *testing.T) {
		t.Parallel()
		s, _, op := newScene(t)
		s.Add(vault, incidentPrefix(op.IncidentID)+"alerts/"+digestOf(posted), "planted")
		_, err := NewAlerts(s).Keep(t.Context(), keepInput(t, op))
		requireCode(t, failure.EvidenceMismatch, err)
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		s, _, op := newScene(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := NewAlerts(s).Keep(ctx, keepInput(t, op))
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, s.Writes())
	})
}

// Text of the sender's reaches the store's headers only as plain ASCII.
func TestAlertMetadataOfAHostileSender(t *testing.T) {
	t.Parallel()
	s, _, op := newScene(t)
	in := keepInput(t, op)
	in.Alert.Source, in.Alert.Kind = "a\r\nx-amz-acl: public-read", incident.Kind(strings.Repeat("ü", 300))
	_, err := NewAlerts(s).Keep(t.Context(), in)
	require.NoError(t, err)
	for name, value := range s.Versions(vault, "")[0].Metadata {
		require.Regexp(t, `^[ -~]{1,200}$`, value, name)
	}
}

func FuzzInflate(f *testing.F) {
	f.Add([]byte(posted))
	f.Add([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff})
	f.Fuzz(func(t *testing.T, packed []byte) {
		raw, err := inflate(packed)
		if err == nil {
			require.LessOrEqual(t, len(raw), mostAlertBytes)
		}
	})
}
