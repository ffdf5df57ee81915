package runbook

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/playbooks"
)

func TestGraph(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	require.NoError(t, Graph(&b, fixture().Playbook))
	golden(t, "graph.mmd", b.String())
}

func TestGraphLabelsCannotLeaveTheirQuotes(t *testing.T) {
	t.Parallel()
	hostile := "a\"] --> b; click s_x \"javascript:alert(1)\"\n%%{init: {}}%% `md` <img src=x> #quot; &lt;"
	var b strings.Builder
	require.NoError(t, Graph(&b, &playbooks.Playbook{Phases: []playbooks.Phase{{ID: "p", Title: hostile, Steps: []playbooks.Step{
		{ID: "end", Title: hostile, Task: &playbooks.Task{Assignee: hostile}},
	}}}}))
	require.Equal(t, 5, strings.Count(b.String(), "\n"))
	require.Equal(t, 4, strings.Count(b.String(), `"`))
	label := regexp.MustCompile(`"([^"]*)"`)
	for _, m := range label.FindAllStringSubmatch(b.String(), -1) {
		text := strings.ReplaceAll(m[1], "<br>", " ")
		require.NotRegexp(t, "[<>`{}&%\\[\\]]", text)
		require.NotRegexp(t, `#(\D|$)`, text, "a # begins an entity of our own only")
	}
	require.Contains(t, b.String(), "    s_end(", "a step may be called as a word of Mermaid")
}
