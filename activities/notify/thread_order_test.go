package notify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
)

// Slack takes a message a second: an approval is not asked behind a row of tasks.
func TestThreadAsksApprovalsBeforeManyTasks(t *testing.T) {
	t.Parallel()
	f, s := begin(t)
	for i := range 7 {
		s.record.Tasks = append(s.record.Tasks, incident.Task{
			Step: fmt.Sprintf("task-%d", i), Title: fmt.Sprintf("Task number %d", i), Assignee: "DO", Outcomes: []string{"done"},
			Instructions: "Do it.", Status: incident.TaskOpen, AskedAt: detected, DueAt: detected.Add(time.Hour),
		})
	}
	for _, want := range []struct {
		tasks int
		more  bool
	}{{3, true}, {6, true}, {7, false}} {
		s.update()
		require.Equal(t, want.more, s.thread.More)
		tasks := slices.DeleteFunc(f.texts(), func(text string) bool { return !strings.Contains(text, "Task number") })
		require.Len(t, tasks, want.tasks)
		require.True(t, slices.ContainsFunc(f.texts(), func(text string) bool { return strings.Contains(text, "Take the endpoints down") }))
	}
}
