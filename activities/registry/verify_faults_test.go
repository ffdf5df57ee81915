package registry

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/evidence/s3fake"
	"firebreak/activities/failure"
	"firebreak/internal/incident"
)

func TestVerifyRefusesTargets(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		set  func(*gate)
		want string
	}{
		"without a candidate":        {func(g *gate) { g.op.Target.KnownGood = nil }, "has no known-good checkpoint"},
		"without a key":              {func(g *gate) { g.op.Target.Signer = nil }, "add its public half to signing_keys"},
		"with a key that is none":    {func(g *gate) { g.op.Target.Signer.PublicKey = "x" }, "read public key"},
		"with a bundle elsewhere":    {func(g *gate) { g.op.Target.KnownGood.OMSBundle = "https://x/" }, "is not an object in S3"},
		"whose bytes are not in S3":  {func(g *gate) { g.op.Target.KnownGood.URI = "hf://x" }, "is not in S3"},
		"before they were looked at": {func(g *gate) {}, "nothing was verified before"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGate(t)
			tt.set(g)
			if tt.want != "nothing was verified before" {
				g.op.Effect = &incident.Effect{}
			}
			_, err := g.a.Verify(t.Context(), g.op)
			_, final := failure.CodeOf(err)
			require.True(t, final, err)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestVerifyHonoursCancelAndOutages(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := g.a.Do(ctx, g.op)
	require.ErrorIs(t, err, context.Canceled)
	for n := range int32(12) {
		down := &broken{Store: g.store}
		down.left.Store(n)
		g.a.api = down
		if _, err = g.a.Do(t.Context(), g.op); err == nil {
			continue
		}
		require.ErrorContains(t, err, "the store is down")
		_, final := failure.CodeOf(err)
		require.False(t, final)
	}
}

// A signature that the store has had since before the key was lost counts: nobody can put it there afterwards.
func TestVerifyTakesTheStoresOwnClock(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	g.op.Target.Signer.CompromisedSince = time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	g.do(t)
}

func TestVerifySaysNotEverything(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	for i := range 60 {
		g.store.Add("registry", fmt.Sprintf("assist/4/%02d.json", i), "{}")
	}
	_, err := g.a.Do(t.Context(), g.op)
	require.ErrorContains(t, err, "and 40 more")
}

func TestRangedReadsAcrossBlocks(t *testing.T) {
	t.Parallel()
	store := s3fake.New()
	body := strings.Repeat("0123456789abcdef", 3*blockBytes/16)
	store.Add("b", "k", body)
	c := &candidate{api: store}
	c.at.Bucket, c.at.Prefix = "b", "k"
	r := &ranged{ctx: t.Context(), api: store, bucket: "b"}
	r.v.Key, r.v.Size = "k", int64(len(body))
	p := make([]byte, 100)
	n, err := r.ReadAt(p, blockBytes-50)
	require.NoError(t, err)
	require.Equal(t, body[blockBytes-50:blockBytes+50], string(p[:n]))
	n, err = r.ReadAt(p, int64(len(body))-10)
	require.ErrorContains(t, err, "EOF")
	require.Equal(t, 10, n)
}
