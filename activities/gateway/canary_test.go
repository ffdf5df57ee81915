package gateway

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/activities/gateway/litellmfake"
)

// However often Capture is tried and wherever it stops, no more than two keys of firebreak's own are there, and undoing
// leaves none.
func TestNoKeyIsLeftBehind(t *testing.T) {
	t.Parallel()
	s := newScene(t, "consumer.block", nil)
	block := NewBlock(s.consumers)
	n := 0
	s.fake.Fail(func(call string) (int, bool) {
		if call != "POST /key/generate" {
			return 0, false
		}
		n++
		return map[bool]int{true: http.StatusBadGateway}[n == 1], true
	})
	s.captured(t, block)
	require.Contains(t, s.op.Capture.Summary, "a canary is served by every instance")
	require.Len(t, s.fake.Names(), 3)

	s.vault.fail = errSealed
	_, err := block.Capture(t.Context(), s.op)
	require.ErrorIs(t, err, errSealed, "a key may not be recorded as it is")
	require.Len(t, s.fake.Names(), 2)
	s.vault.fail = nil
	for range 2 {
		s.captured(t, block)
		require.Len(t, s.fake.Names(), 3)
	}
	for _, name := range s.fake.Names() {
		require.NotContains(t, name, "extraction", "the list of keys tells nothing of the incident")
	}
	s.done(t, block)
	_, err = block.Undo(t.Context(), s.op)
	require.NoError(t, err)
	require.Equal(t, []string{""}, s.fake.Names(), "the customer's alone")
}

// What cannot be withdrawn is tried again.
func TestWithdrawalIsRetried(t *testing.T) {
	t.Parallel()
	for _, a := range []string{"consumer.block", "consumer.throttle"} {
		s := newScene(t, a, nil)
		var action stages = NewBlock(s.consumers)
		if a == "consumer.throttle" {
			action = NewThrottle(s.consumers)
		}
		before := s.fake.State(s.hash)
		s.done(t, action)
		s.fake.Fail(func(call string) (int, bool) {
			return map[string]int{"POST /key/delete": http.StatusInternalServerError}[call], false
		})
		_, err := action.Undo(t.Context(), s.op)
		require.ErrorContains(t, err, "withdraw canary")
		s.fake.Fail(nil)
		_, err = action.Undo(t.Context(), s.op)
		require.NoError(t, err)
		require.Equal(t, before, s.fake.State(s.hash))
		require.Equal(t, []string{""}, s.fake.Names())
	}
}

// A key that its owner removed meanwhile is neither an act that succeeded nor an undo that must fail.
func TestKeyRemovedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, newAction := range map[string]func(*Consumers) stages{
		"consumer.block":    func(c *Consumers) stages { return NewBlock(c) },
		"consumer.throttle": func(c *Consumers) stages { return NewThrottle(c) },
	} {
		s := newScene(t, name, nil)
		a := newAction(s.consumers)
		s.captured(t, a)
		s.fake.Remove(s.hash)
		_, err := a.Do(t.Context(), s.op)
		code, _ := failure.CodeOf(err)
		require.Equal(t, failure.TargetChanged, code, name)
		e, err := a.Undo(t.Context(), s.op)
		require.NoError(t, err, name)
		require.Contains(t, e.Summary, "removed from the gateway meanwhile")
		require.Empty(t, s.fake.Names(), name)
	}
	s := newScene(t, "consumer.block", nil)
	s.superseded(t, NewBlock(s.consumers), "consumer.unblock")
	unblock := NewUnblock(s.consumers)
	s.captured(t, unblock)
	s.fake.Remove(s.hash)
	_, err := unblock.Do(t.Context(), s.op)
	code, _ := failure.CodeOf(err)
	require.Equal(t, failure.TargetChanged, code)
}

// The way down takes back what was done in the incident and nothing else.
func TestWayDownLeavesWhatWasThereBefore(t *testing.T) {
	t.Parallel()
	t.Run("a key that was blocked before", func(t *testing.T) {
		t.Parallel()
		s := newScene(t, "consumer.block", nil)
		s.fake.Set(s.hash, map[string]any{"blocked": true})
		before := s.fake.State(s.hash)
		s.superseded(t, NewBlock(s.consumers), "consumer.unblock")
		unblock := NewUnblock(s.consumers)
		e := s.done(t, unblock)
		require.False(t, e.Changed)
		require.Contains(t, e.Summary, "stays so")
		proved, method := s.verified(t, unblock)
		require.True(t, proved, method)
		require.Equal(t, before, s.fake.State(s.hash))
	})
	t.Run("a key to which nothing was done", func(t *testing.T) {
		t.Parallel()
		s := newScene(t, "consumer.restore", nil)
		e := s.done(t, NewRestore(s.consumers))
		require.False(t, e.Changed)
		require.Contains(t, e.Summary, "nothing was done")
		require.Zero(t, s.provider.Changes())
	})
}

// The ladder: up two rungs and down again leaves the key as it was, byte for byte.
func TestLadderUpAndDown(t *testing.T) {
	t.Parallel()
	s := newScene(t, "consumer.throttle", nil)
	before := s.fake.State(s.hash)
	throttle, restore := NewThrottle(s.consumers), NewRestore(s.consumers)
	s.done(t, throttle)
	proved, method := s.verified(t, throttle)
	require.True(t, proved, method)
	first := s.op

	s.op = operation("consumer.block", *first.Target.Consumer)
	block, unblock := NewBlock(s.consumers), NewUnblock(s.consumers)
	s.done(t, block)
	proved, method = s.verified(t, block)
	require.True(t, proved, method)

	s.superseded(t, block, "consumer.unblock")
	s.done(t, unblock)
	proved, method = s.verified(t, unblock)
	require.True(t, proved, method)

	s.op = first
	s.superseded(t, throttle, "consumer.restore")
	s.done(t, restore)
	time.Sleep(ttl)
	proved, method = s.verified(t, restore)
	require.True(t, proved, method)
	require.Contains(t, method, "a canary is served 3 times in a row, more than the cap allowed")
	require.Equal(t, before, s.fake.State(s.hash))
}

// A failure of the gateway repeats the key in full or in part. Nobody gets to see it.
func TestErrorsHoldNoKey(t *testing.T) {
	t.Parallel()
	s := newScene(t, "consumer.block", nil)
	block := NewBlock(s.consumers)
	s.done(t, block)
	for _, status := range []int{400, 401, 403, 404, 409, 422, 429, 500, 502, 503} {
		s.fake.Fail(func(string) (int, bool) { return status, false })
		for name, stage := range map[string]func() error{
			"capture": func() error { _, err := block.Capture(t.Context(), s.op); return err },
			"do":      func() error { _, err := block.Do(t.Context(), s.op); return err },
			"verify":  func() error { _, err := block.Verify(t.Context(), s.op); return err },
			"undo":    func() error { _, err := block.Undo(t.Context(), s.op); return err },
		} {
			err := stage()
			require.Error(t, err, "%s with %d", name, status)
			_, final := failure.CodeOf(err)
			require.False(t, final, "%s with %d is tried again: %v", name, status, err)
			require.NotContains(t, err.Error(), litellmfake.MasterKey)
		}
	}
}
