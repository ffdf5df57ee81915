package e2e_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"firebreak/activities/conformance"
	"firebreak/activities/failure"
)

// faultTime bounds a stage whose store is broken; the pace would try again for longer.
const faultTime = 3 * time.Second

// breakable puts the conformance kit's provider before the vault's proxy.
func breakable(t *testing.T, v *vault) *conformance.Provider {
	t.Helper()
	p := conformance.NewProvider(v.proxy, nil)
	var h http.Handler = p
	v.front.Store(&h)
	t.Cleanup(p.Close)
	return p
}

// kept is every version in the evidence store, with its lock.
func (v *vault) kept() string {
	v.t.Helper()
	list, err := v.client.ListObjectVersions(v.t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String("evidence")})
	require.NoError(v.t, err)
	var all []any
	for _, o := range list.Versions {
		lock, err := v.client.GetObjectRetention(v.t.Context(), &s3.GetObjectRetentionInput{Bucket: aws.String("evidence"), Key: o.Key, VersionId: o.VersionId})
		require.NoError(v.t, err)
		all = append(all, []any{o.Key, o.VersionId, o.Size, lock.Retention})
	}
	text, err := json.Marshal([]any{all, list.DeleteMarkers})
	require.NoError(v.t, err)
	return string(text)
}

// The conformance kit itself does not fit snapshots: what is locked is never undone, so that Undo is right without a capture
// and on a changed target; a source that changed is copied all the same, with its drift; and the pause that a busy store asks
// for is kept within a stage rather than passed on. What is left of its rules is asked of a real store here. A request that was given up may arrive after the
// fault, so that an object may be copied twice: which copies count, the manifest says, and Verify reads those.
func TestSnapshotConformsWhenTheStoreFails(t *testing.T) {
	t.Parallel()
	faults := map[string]conformance.Fault{
		"401": {Status: http.StatusUnauthorized}, "403": {Status: http.StatusForbidden}, "404": {Status: http.StatusNotFound},
		"409": {Status: http.StatusConflict}, "429": {Status: http.StatusTooManyRequests, RetryAfter: "7"},
		"500": {Status: http.StatusInternalServerError}, "503": {Status: http.StatusServiceUnavailable},
		"garbage": {Garbage: true}, "cut off": {CutAfterDoing: true}, "silent": {Silent: true},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := startVault(t, true)
			store := breakable(t, v)
			broken := func(f conformance.Fault, stage func(context.Context) error) {
				t.Helper()
				store.Break(f)
				defer store.Mend()
				ctx, cancel := context.WithTimeout(t.Context(), faultTime)
				defer cancel()
				err := stage(ctx)
				require.Error(t, err, "a fault is not taken for success")
				if _, final := failure.CodeOf(err); name != "404" {
					require.False(t, final, "%v", err)
				}
			}
			broken(fault, func(ctx context.Context) error { _, err := v.snapshot.Capture(ctx, v.op); return err })

			onChanges := fault
			onChanges.Changes = true
			broken(onChanges, func(ctx context.Context) error { _, err := v.snapshot.Do(ctx, v.op); return err })
			v.do(1)

			store.Break(fault)
			ctx, cancel := context.WithTimeout(t.Context(), faultTime)
			proof, err := v.snapshot.Verify(ctx, v.op)
			cancel()
			store.Mend()
			require.True(t, err != nil || !proof.Proved, "a store that is down proves nothing")
			proof = v.verify()
			require.True(t, proof.Proved, proof.Method)
		})
	}
}

// Done once, found done again, cancelled and undone: every version and its lock stays.
func TestSnapshotConforms(t *testing.T) {
	t.Parallel()
	v := startVault(t, true)
	store := breakable(t, v)
	_, err := v.snapshot.Capture(t.Context(), v.op)
	require.NoError(t, err)
	require.Zero(t, store.Changes(), "capture changes nothing")
	captured := v.op.Capture
	v.op.Capture = nil
	_, err = v.snapshot.Do(t.Context(), v.op)
	code, _ := failure.CodeOf(err)
	require.Equal(t, failure.Invalid, code, "%v", err)
	require.Zero(t, store.Changes(), "nothing is done without a capture")
	v.op.Capture = captured

	v.do(1)
	require.True(t, v.op.Effect.Changed)
	require.True(t, v.verify().Proved)
	v.whole()
	done, changes := v.kept(), store.Changes()
	v.do(1)
	require.False(t, v.op.Effect.Changed, "a repeated act changes nothing and says so")
	require.Equal(t, changes, store.Changes())

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, stage := range map[string]func() error{
		"capture": func() error { _, err := v.snapshot.Capture(ended, v.op); return err },
		"do":      func() error { _, err := v.snapshot.Do(ended, v.op); return err },
		"verify":  func() error { _, err := v.snapshot.Verify(ended, v.op); return err },
		"undo":    func() error { _, err := v.snapshot.Undo(ended, v.op); return err },
	} {
		err := stage()
		require.ErrorIs(t, err, context.Canceled, name)
		_, final := failure.CodeOf(err)
		require.False(t, final, name)
	}
	for range 2 {
		effect, err := v.snapshot.Undo(t.Context(), v.op)
		require.NoError(t, err)
		require.False(t, effect.Changed, effect.Summary)
	}
	require.Equal(t, done, v.kept())
	require.True(t, v.verify().Proved, "evidence stays evidence")
}
