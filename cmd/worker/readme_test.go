package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/serving"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// platformRow is a row of the README's table of platforms.
type platformRow struct{ disable, verify, undo, rollback, throttle, discover string }

// readmePlatforms reads the table: its columns are those that it must have, each row has the platform's name in code.
func readmePlatforms(t *testing.T) map[string]platformRow {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(text), "| platform | disable | verify | undo | rollback | throttle | discover |\n")
	require.True(t, found, "the README has the table of platforms")
	name := regexp.MustCompile("\\(`([a-z0-9-]+)`\\)")
	rows := map[string]platformRow{}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		if len(cells) == 1 {
			if strings.HasPrefix(line, "|---") {
				continue
			}
			break
		}
		require.Len(t, cells, 7, line)
		id := name.FindStringSubmatch(cells[0])
		require.NotNil(t, id, line)
		rows[id[1]] = platformRow{cells[1], cells[2], cells[3], cells[4], cells[5], cells[6]}
	}
	return rows
}

// The README says of each platform what the worker can do there: its modes, whether traffic comes back in stages, and every
// action of the catalogue.
func TestReadmeNamesWhatEachPlatformCanDo(t *testing.T) {
	t.Parallel()
	rows := readmePlatforms(t)
	// What can be done to an endpoint of SageMaker depends on what it has.
	endpoints := []inventory.Endpoint{{Serving: inventory.Serving{Parked: "parked"}}, {Serving: inventory.Serving{Component: "component"}}}
	endpoints[0].Disable.Method, endpoints[0].Disable.ConfigRef = "endpoint-config", "refusing"
	for name, control := range platforms(nil, nil) {
		row, ok := rows[name]
		require.True(t, ok, "the table lacks platform %s", name)
		var modes []string
		for _, e := range endpoints {
			for _, m := range control.Modes(&e) {
				if !slices.Contains(modes, string(m)) {
					modes = append(modes, string(m))
				}
			}
		}
		require.True(t, strings.HasSuffix(row.disable, ": "+strings.Join(modes, ", ")), "%s: modes %v are not in %q", name, modes, row.disable)
		_, splits := control.(serving.Splitter)
		require.Equal(t, splits, strings.Contains(row.rollback, "in stages"), "%s: %q", name, row.rollback)
		require.Contains(t, row.rollback, "`checkpoint.rollback`", name)
	}
	for _, name := range []string{"litellm", "mlflow", "vault", "s3", "notify"} {
		require.Contains(t, rows, name)
	}
	require.Contains(t, rows["litellm"].throttle, "`consumer.throttle`")

	action := regexp.MustCompile("`([a-z]+\\.[a-z]+)`")
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, section, _ := strings.Cut(string(readme), "## Platforms\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var named []string
	for _, m := range action.FindAllStringSubmatch(section, -1) {
		named = append(named, m[1])
	}
	var known []string
	for _, a := range playbooks.Catalogue() {
		known = append(known, a.Name)
		require.Contains(t, named, a.Name, "the README's section on platforms does not name the action")
	}
	for _, n := range named {
		require.Contains(t, known, n, "the README names an action that is not there")
	}
}
