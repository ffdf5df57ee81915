package main

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// The README's table of platforms says from which an inventory can be imported.
func TestReadmeNamesWhatAnInventoryIsImportedFrom(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("`import --from ([a-z]+)`").FindAllSubmatch(readme, -1) {
		kind := string(m[1])
		named[kind] = true
		require.Contains(t, importHelp, "--from "+kind+" ", "the README names an import that is not there")
	}
	for _, kind := range regexp.MustCompile(`--from ([a-z]+) +SOURCE`).FindAllStringSubmatch(importHelp, -1) {
		require.True(t, named[kind[1]], "the README lacks import --from %s", kind[1])
		delete(named, kind[1])
	}
	require.Empty(t, named)
}
