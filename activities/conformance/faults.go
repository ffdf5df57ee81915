package conformance

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// class is how a fault must be taken.
type class struct {
	name  string
	fault Fault
	// final is true if the error may be final; all others must be tried again.
	final bool
	// delay is how long the server asks to be left alone.
	delay time.Duration
}

func classes() []class {
	return []class{
		{name: "401", fault: Fault{Status: http.StatusUnauthorized}},
		{name: "403", fault: Fault{Status: http.StatusForbidden}},
		{name: "404", fault: Fault{Status: http.StatusNotFound}, final: true},
		{name: "409", fault: Fault{Status: http.StatusConflict}},
		{name: "429", fault: Fault{Status: http.StatusTooManyRequests, RetryAfter: "7"}, delay: 7 * time.Second},
		{name: "500", fault: Fault{Status: http.StatusInternalServerError}},
		{name: "502", fault: Fault{Status: http.StatusBadGateway}},
		{name: "503", fault: Fault{Status: http.StatusServiceUnavailable}},
		{name: "garbage", fault: Fault{Garbage: true}},
		{name: "cut off", fault: Fault{CutAfterDoing: true}},
		{name: "silent", fault: Fault{Silent: true}},
	}
}

// faults breaks the provider in every way, in every stage. A fault is an error of its class or is overcome; it is never
// taken for success, changes nothing for good, and when it has passed the action goes through.
func faults(t *testing.T, subject func(*testing.T) *Subject) {
	t.Helper()
	for _, c := range classes() {
		t.Run("provider answers "+c.name, func(t *testing.T) {
			t.Parallel()
			s := subject(t)
			t.Cleanup(s.Provider.Close)
			before := s.State(t)

			s.Provider.Break(c.fault)
			_, err := s.Action.Capture(s.context(t), s.Operation)
			s.failed(t, c, err)
			s.Provider.Mend()
			s.capture(t)

			onChanges := c.fault
			onChanges.Changes = true
			s.Provider.Break(onChanges)
			_, err = s.Action.Do(s.context(t), s.Operation)
			s.failed(t, c, err)
			s.Provider.Mend()
			s.do(t)

			s.Provider.Break(c.fault)
			proof, err := s.verify(t)
			if err == nil && !s.Observes {
				require.False(t, proof.Proved, "a provider that is down proves nothing: %s", proof.Method)
			}
			s.Provider.Mend()
			proof, err = s.verify(t)
			require.NoError(t, err)
			require.True(t, proof.Proved, proof.Method)

			s.Provider.Break(onChanges)
			_, err = s.undo(t)
			s.failed(t, c, err)
			s.Provider.Mend()
			_, err = s.undo(t)
			require.NoError(t, err)
			if s.Remains == "" {
				require.Equal(t, before, s.State(t))
			}
		})
	}
}

func (s *Subject) failed(t *testing.T, c class, err error) {
	t.Helper()
	s.clean(t, nil, err)
	require.Error(t, err, "a fault is not taken for success")
	if !c.final {
		requireRetryable(t, err)
	}
	if c.delay > 0 {
		var busy interface{ RetryDelay() time.Duration }
		require.True(t, errors.As(err, &busy), "the pause that the server asks for is passed on: %v", err)
		require.Equal(t, c.delay, busy.RetryDelay())
	}
}
