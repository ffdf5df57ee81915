package conformance

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
)

// Run runs the kit. Each case gets a subject of its own.
func Run(t *testing.T, subject func(*testing.T) *Subject) {
	t.Helper()
	cases := []struct {
		name string
		run  func(*testing.T, *Subject)
	}{
		{"capture changes nothing", captureChangesNothing},
		{"nothing is done without a capture", needsCapture},
		{"done once, proved and undone byte for byte", doneProvedUndone},
		{"a retried act does not lose what was captured", retriedAct},
		{"an act that was done but not answered is found done", doneButNotAnswered},
		{"an undo that was done but not answered is found done", undoneButNotAnswered},
		{"a target that changed since its capture", changedTarget},
		{"a target that changed since the act", changedAfter},
		{"an effect that does not hold is not proved", hollow},
		{"a target that is not there", absent},
		{"cancel is honoured", cancelled},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := subject(t)
			t.Cleanup(s.Provider.Close)
			c.run(t, s)
		})
	}
	faults(t, subject)
}

func captureChangesNothing(t *testing.T, s *Subject) {
	before := s.State(t)
	s.capture(t)
	s.capture(t)
	require.Equal(t, before, s.State(t))
	require.Zero(t, s.Provider.Changes())
	require.NotEmpty(t, s.Operation.Capture.Summary, "people are told what was found")
}

func needsCapture(t *testing.T, s *Subject) {
	before := s.State(t)
	_, err := s.Action.Do(s.context(t), s.Operation)
	requireCode(t, failure.Invalid, err)
	_, err = s.undo(t)
	requireCode(t, failure.Invalid, err)
	require.Equal(t, before, s.State(t))
}

func doneProvedUndone(t *testing.T, s *Subject) {
	before := s.State(t)
	s.capture(t)
	require.True(t, s.do(t).Changed)
	done, changes := s.State(t), s.Provider.Changes()
	require.NotEqual(t, before, done)
	require.False(t, s.do(t).Changed, "a repeated act changes nothing and says so")
	require.Equal(t, done, s.State(t))
	require.Equal(t, changes, s.Provider.Changes())

	proof, err := s.verify(t)
	require.NoError(t, err)
	require.True(t, proof.Proved, proof.Method)
	require.NotEmpty(t, proof.Method)
	require.Equal(t, done, s.State(t), "proving changes nothing")
	require.Equal(t, changes, s.Provider.Changes())

	s.undone(t, before)
	changes = s.Provider.Changes()
	effect, err := s.undo(t)
	require.NoError(t, err)
	require.False(t, effect.Changed, "a repeated undo changes nothing and says so")
	require.Equal(t, changes, s.Provider.Changes())
}

// undone undoes and checks that the state is as it was.
func (s *Subject) undone(t *testing.T, before string) {
	t.Helper()
	effect, err := s.undo(t)
	require.NoError(t, err)
	require.NotEmpty(t, effect.Summary)
	if s.Remains != "" {
		s.Undone(t)
		return
	}
	require.True(t, effect.Changed)
	require.Equal(t, before, s.State(t))
}

// retriedAct acts again with the capture of the first time, as a worker does that died before it could answer.
func retriedAct(t *testing.T, s *Subject) {
	before := s.State(t)
	s.capture(t)
	for range 3 {
		s.Operation.Effect = nil
		s.do(t)
	}
	s.undone(t, before)
}

func doneButNotAnswered(t *testing.T, s *Subject) {
	before := s.State(t)
	s.capture(t)
	s.Provider.Break(Fault{CutAfterDoing: true, Changes: true, Times: 1})
	if _, err := s.Action.Do(s.context(t), s.Operation); err != nil {
		requireRetryable(t, err)
	}
	s.Provider.Mend()
	s.do(t)
	proof, err := s.verify(t)
	require.NoError(t, err)
	require.True(t, proof.Proved, proof.Method)
	s.Operation.Effect.Changed = true
	s.undone(t, before)
}

func undoneButNotAnswered(t *testing.T, s *Subject) {
	before := s.State(t)
	s.capture(t)
	s.do(t)
	s.Provider.Break(Fault{CutAfterDoing: true, Changes: true, Times: 1})
	if _, err := s.undo(t); err != nil {
		requireRetryable(t, err)
	}
	s.Provider.Mend()
	_, err := s.undo(t)
	require.NoError(t, err)
	if s.Remains != "" {
		s.Undone(t)
		return
	}
	require.Equal(t, before, s.State(t))
}

func changedTarget(t *testing.T, s *Subject) {
	if s.Change == nil {
		require.NotEmpty(t, s.WhyNoChange, "say why acting on a changed target is right")
		t.Skip(s.WhyNoChange)
	}
	s.capture(t)
	s.Change(t)
	changed, changes := s.State(t), s.Provider.Changes()
	_, err := s.Action.Do(s.context(t), s.Operation)
	s.clean(t, nil, err)
	requireCode(t, or(s.Refusal), err)
	require.Equal(t, changed, s.State(t))
	require.Equal(t, changes, s.Provider.Changes())
}

func changedAfter(t *testing.T, s *Subject) {
	if s.ChangeAfter == nil {
		require.NotEmpty(t, s.WhyNoChangeAfter, "say why undoing on a changed target is right")
		t.Skip(s.WhyNoChangeAfter)
	}
	s.capture(t)
	s.do(t)
	s.ChangeAfter(t)
	changed := s.State(t)
	_, err := s.undo(t)
	requireCode(t, or(s.RefusalAfter), err)
	require.Equal(t, changed, s.State(t))
}

func hollow(t *testing.T, s *Subject) {
	s.capture(t)
	s.Hollow(t)
	s.do(t)
	proof, err := s.verify(t)
	if err == nil {
		require.False(t, proof.Proved, proof.Method)
		require.NotEmpty(t, proof.Method)
	}
}

func absent(t *testing.T, s *Subject) {
	if s.Absent == nil {
		t.Skip("this target cannot be absent")
	}
	s.Absent(t)
	_, err := s.Action.Capture(s.context(t), s.Operation)
	s.clean(t, nil, err)
	require.Error(t, err)
	_, final := failure.CodeOf(err)
	require.True(t, final, "trying again does not bring it back: %v", err)
}

func cancelled(t *testing.T, s *Subject) {
	s.capture(t)
	s.do(t)
	done := s.State(t)
	stages := map[string]func(context.Context) error{
		"capture": func(ctx context.Context) error { _, err := s.Action.Capture(ctx, s.Operation); return err },
		"do":      func(ctx context.Context) error { _, err := s.Action.Do(ctx, s.Operation); return err },
		"verify":  func(ctx context.Context) error { _, err := s.Action.Verify(ctx, s.Operation); return err },
		"undo":    func(ctx context.Context) error { _, err := s.Action.Undo(ctx, s.Operation); return err },
	}
	for name, stage := range stages {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := stage(ctx)
		require.ErrorIs(t, err, context.Canceled, name)
		_, final := failure.CodeOf(err)
		require.False(t, final, "%s: a cancelled stage may be run again", name)
	}
	require.Equal(t, done, s.State(t))

	// Cancelled while the provider is silent: the stage ends with its context and not with its own time limits.
	s.Provider.Break(Fault{Silent: true})
	ctx, cancel := context.WithCancel(t.Context())
	timer := time.AfterFunc(20*time.Millisecond, cancel)
	defer timer.Stop()
	_, err := s.Action.Capture(ctx, s.Operation)
	require.Error(t, err)
	s.clean(t, nil, err)
}

func or(code failure.Code) failure.Code {
	if code == "" {
		return failure.TargetChanged
	}
	return code
}

func requireCode(t *testing.T, want failure.Code, err error) {
	t.Helper()
	require.Error(t, err)
	code, final := failure.CodeOf(err)
	require.True(t, final, "%v", err)
	require.Equal(t, want, code, "%v", err)
}

func requireRetryable(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	code, final := failure.CodeOf(err)
	require.False(t, final, "%s: %v", code, err)
}
