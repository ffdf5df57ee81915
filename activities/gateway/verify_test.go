package gateway

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/gateway/litellmfake"
)

func (s *scene) verified(t *testing.T, a stages) (bool, string) {
	t.Helper()
	p, err := a.Verify(t.Context(), s.op)
	require.NoError(t, err)
	require.NotContains(t, p.Method, "sk-")
	return p.Proved, p.Method
}

// The first instance is told, and the second goes on by what it knew: nothing is proved before that is over.
func TestBlockIsNotProvedByTheInstanceThatWasTold(t *testing.T) {
	t.Parallel()
	s := newScene(t, "consumer.block", func(g *litellmfake.Settings) { g.CacheTTL = 400 * time.Millisecond })
	block := NewBlock(s.consumers)
	s.done(t, block)
	proved, method := s.verified(t, block)
	require.False(t, proved, "the inventory says that caches live shorter than they do")
	require.Contains(t, method, "the canary is served")
	time.Sleep(400 * time.Millisecond)
	proved, method = s.verified(t, block)
	require.True(t, proved, method)
	require.Contains(t, method, "a canary, which every instance served before, is blocked in 4 of 4 calls to 2 instances")
	require.Contains(t, method, "a key outside the cluster is unharmed: 6 of 6 calls served")
	require.Equal(t, "firebreak "+s.op.IncidentID+" block "+s.hash[:8], s.fake.Audit()[2], "the audit log is told who did it")
}

func TestBlockFindsTheKeyInTheLog(t *testing.T) {
	t.Parallel()
	s := newScene(t, "consumer.block", nil)
	block := NewBlock(s.consumers)
	s.done(t, block)
	s.fake.Used(s.hash, time.Now().Add(time.Second), 3)
	proved, method := s.verified(t, block)
	require.False(t, proved)
	require.Contains(t, method, "the key was served 3 times after every cache had ended")
}

// A read from a replica that lags must not pass for what is there.
func TestBlockReadsFromAReplicaThatLags(t *testing.T) {
	t.Parallel()
	s := newScene(t, "consumer.block", nil)
	block := NewBlock(s.consumers)
	s.captured(t, block)
	s.fake.Lag(300 * time.Millisecond)
	s.done(t, block)
	proved, method := s.verified(t, block)
	require.False(t, proved)
	require.Contains(t, method, "the gateway says that it is not blocked")
	time.Sleep(400 * time.Millisecond)
	proved, method = s.verified(t, block)
	require.True(t, proved, method)
}

// Without a canary that every instance knew, the log alone shows what happens; one that covers no time shows nothing.
func TestBlockWithoutACanary(t *testing.T) {
	t.Parallel()
	none := func(call string) (int, bool) {
		return map[string]int{"POST /key/generate": http.StatusForbidden}[call], false
	}
	t.Run("of a key in use", func(t *testing.T) {
		t.Parallel()
		s := newScene(t, "consumer.block", nil)
		s.fake.Used(s.hash, time.Now().Add(-time.Minute), 30)
		s.fake.Fail(none)
		block := NewBlock(s.consumers)
		s.done(t, block)
		require.Contains(t, s.op.Capture.Summary, "no canary: POST /key/generate")
		proved, method := s.verified(t, block)
		require.True(t, proved, method)
		require.GreaterOrEqual(t, time.Since(s.op.Effect.At), ttl+window, "a whole window was watched")
		require.Contains(t, method, "that others are unharmed was not observed")
	})
	t.Run("of an idle key", func(t *testing.T) {
		t.Parallel()
		s := newScene(t, "consumer.block", nil)
		s.fake.Fail(none)
		block := NewBlock(s.consumers)
		s.done(t, block)
		_, err := block.Verify(t.Context(), s.op)
		require.ErrorContains(t, err, "nothing shows whether it is refused")
	})
}

// Where the instances share no counter, each lets the cap through.
func TestThrottleIsNotProvedWhereTheCapIsNotShared(t *testing.T) {
	t.Parallel()
	s := newScene(t, "consumer.throttle", func(g *litellmfake.Settings) { g.Apart = true })
	s.op.With["rpm"] = "4"
	throttle := NewThrottle(s.consumers)
	s.done(t, throttle)
	proved, method := s.verified(t, throttle)
	require.False(t, proved)
	require.Contains(t, method, "do the instances share it?")
}

func TestThrottleStripsAnswersAndSlowsDown(t *testing.T) {
	t.Parallel()
	s := newScene(t, "consumer.throttle", nil)
	throttle := NewThrottle(s.consumers)
	e := s.done(t, throttle)
	require.Equal(t, `limited to 2 requests a minute, 1000 tokens a minute, 1 at a time, aliases {"assist":"assist-stripped"}`, e.Summary)
	proved, method := s.verified(t, throttle)
	require.True(t, proved, method)
	require.Contains(t, method, "a canary was served 2 times and refused 3 times")
	require.Contains(t, method, "one choice and no logprobs")
}

func TestThrottleFindsWhatIsNotStripped(t *testing.T) {
	t.Parallel()
	s := newScene(t, "consumer.throttle", func(g *litellmfake.Settings) { g.Stripped = nil })
	throttle := NewThrottle(s.consumers)
	s.done(t, throttle)
	proved, method := s.verified(t, throttle)
	require.False(t, proved)
	require.Contains(t, method, "its answers still hold 2 choices, logprobs true")
}

// A key that is held to less already is not let do more.
func TestThrottleRaisesNothing(t *testing.T) {
	t.Parallel()
	s := newScene(t, "consumer.throttle", nil)
	s.fake.Set(s.hash, map[string]any{"rpm_limit": 1, "tpm_limit": 9})
	e := s.done(t, NewThrottle(s.consumers))
	require.Contains(t, e.Summary, "limited to 1 requests a minute, 9 tokens a minute")
}

// The limit of the model's maker is not the key's, and says nothing about it.
func TestUpstreamLimitIsNoCap(t *testing.T) {
	t.Parallel()
	s := newScene(t, "consumer.throttle", nil)
	throttle := NewThrottle(s.consumers)
	s.done(t, throttle)
	s.fake.Stale()
	s.fake.Upstream(http.StatusTooManyRequests)
	p, err := throttle.Verify(t.Context(), s.op)
	if err == nil {
		require.False(t, p.Proved, p.Method)
	}
}

// A model that knows neither choices nor probabilities is asked without them.
func TestModelThatKnowsNoChoices(t *testing.T) {
	t.Parallel()
	s := newScene(t, "consumer.block", func(g *litellmfake.Settings) { g.Plain = []string{"assist"} })
	block := NewBlock(s.consumers)
	s.done(t, block)
	proved, method := s.verified(t, block)
	require.True(t, proved, method)
	require.Contains(t, method, "6 of 6 calls served")
}

// A model that was down before shows nothing of others; one that goes down is a harm that is seen.
func TestOthers(t *testing.T) {
	t.Parallel()
	t.Run("down before", func(t *testing.T) {
		t.Parallel()
		s := newScene(t, "consumer.block", nil)
		s.fake.Upstream(http.StatusServiceUnavailable)
		block := NewBlock(s.consumers)
		s.done(t, block)
		proved, method := s.verified(t, block)
		require.True(t, proved, method)
		require.Contains(t, method, "that others are unharmed was not observed")
		require.Contains(t, method, "which was not seen to be served before")
	})
	t.Run("down since", func(t *testing.T) {
		t.Parallel()
		s := newScene(t, "consumer.block", nil)
		block := NewBlock(s.consumers)
		s.done(t, block)
		s.fake.Upstream(http.StatusServiceUnavailable)
		proved, method := s.verified(t, block)
		require.False(t, proved)
		require.Contains(t, method, "6 of 6 calls of a key outside the cluster are not served, before it were 0")
	})
}
