package credentials

import (
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/vault"
	"firebreak/internal/incident"
	"firebreak/internal/manifest/dsse"
)

const (
	evidenceKey = "firebreak-evidence"
	drillKey    = "firebreak-drill-evidence"
)

func (s *scene) signingKeys() {
	for _, key := range []string{evidenceKey, drillKey} {
		s.write("transit/keys/"+key, map[string]any{"type": "ecdsa-p256"})
	}
}

// The shipped policy lets the worker sign evidence, a drill's with a key of its own, and what was signed before a rotation
// verifies after it.
func TestEvidenceIsSignedWithTheKeyOfItsMode(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.signingKeys()
	signer, err := vault.NewSigner(s.worker, evidenceKey, drillKey)
	require.NoError(t, err)
	sign := func(mode incident.Mode) (string, *dsse.Key, *dsse.Envelope) {
		id, key, err := signer.Key(t.Context(), mode)
		require.NoError(t, err)
		e := &dsse.Envelope{PayloadType: dsse.InToto, Payload: []byte("{}")}
		sig, err := signer.Sign(t.Context(), id, dsse.PAE(e.PayloadType, e.Payload))
		require.NoError(t, err)
		e.Signatures = []dsse.Signature{{KeyID: id, Sig: sig}}
		require.NoError(t, e.Verify(key))
		return id, key, e
	}
	liveID, live, signed := sign(incident.Live)
	drillID, drill, rehearsed := sign(incident.Drill)
	require.NotEqual(t, liveID, drillID)
	require.Error(t, signed.Verify(drill))
	require.Error(t, rehearsed.Verify(live), "a drill's evidence does not pass for live")

	s.write("transit/keys/firebreak-evidence/rotate", nil)
	rotated, newest, _ := sign(incident.Live)
	require.NotEqual(t, liveID, rotated)
	require.NoError(t, signed.Verify(live))
	require.Error(t, signed.Verify(newest))
}
