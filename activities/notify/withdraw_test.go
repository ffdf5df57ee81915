package notify

import (
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/playbooks"
)

func TestUndoWithdrawsOnce(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		prepare func(*testing.T, *fakeSlack, *Legal, *playbooks.Operation)
		thread  string
	}{
		"in the thread": {func(t *testing.T, _ *fakeSlack, l *Legal, op *playbooks.Operation) { done(t, l, op) }, "1789000000.000001"},
		"after Do was killed": {func(t *testing.T, _ *fakeSlack, l *Legal, op *playbooks.Operation) {
			done(t, l, op)
			op.Effect = nil
		}, "1789000000.000001"},
		"brief deleted": {func(t *testing.T, f *fakeSlack, l *Legal, op *playbooks.Operation) {
			done(t, l, op)
			f.set(func() { f.messages = nil })
		}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, l := newFake(t)
			op := operation()
			tt.prepare(t, f, l, op)
			first, err := l.Undo(t.Context(), op)
			require.NoError(t, err)
			require.True(t, first.Changed)
			second, err := l.Undo(t.Context(), op)
			require.NoError(t, err)
			require.False(t, second.Changed)
			require.Equal(t, 2, f.posts(), "one brief, one withdrawal")
			require.Equal(t, tt.thread, f.forms[1]["thread_ts"])
			require.Contains(t, f.forms[1]["text"], "WITHDRAWN: false positive")
		})
	}
	t.Run("never told", func(t *testing.T) {
		t.Parallel()
		f, l := newFake(t)
		undone, err := l.Undo(t.Context(), operation())
		require.NoError(t, err)
		require.False(t, undone.Changed)
		require.Zero(t, f.posts())
	})
}
