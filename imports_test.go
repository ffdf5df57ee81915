// Package firebreak_test holds the direction in which the packages may import one another.
package firebreak_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// allowed says, for each folder, which of firebreak's own packages its files may import (prefixes), and which outside
// packages they may not. The process that faces the internet must hold no Vault or cloud credential, so cmd/trigger can
// reach no client for them.
var allowed = []struct {
	folder string
	own    []string
	banned []string
}{
	{"cmd/worker", []string{"firebreak/workflows", "firebreak/activities", "firebreak/playbooks", "firebreak/internal/"}, nil},
	{"cmd/trigger", []string{"firebreak/workflows", "firebreak/playbooks", "firebreak/internal/"}, []string{"github.com/hashicorp/vault", "github.com/aws/"}},
	{"workflows/rehearsal", []string{"firebreak/workflows", "firebreak/playbooks", "firebreak/internal/"}, []string{"github.com/hashicorp/vault", "github.com/aws/", "github.com/slack-go/", "net/http"}},
	{"workflows/rehearsal", []string{"firebreak/workflows", "firebreak/playbooks", "firebreak/internal/incident", "firebreak/internal/inventory"}, []string{"github.com/hashicorp/vault", "github.com/aws/", "github.com/slack-go/", "net/http"}},
	{"workflows", []string{"firebreak/playbooks", "firebreak/internal/incident", "firebreak/internal/inventory", "firebreak/internal/legal"}, []string{"github.com/hashicorp/vault", "github.com/aws/", "github.com/slack-go/", "net/http"}},
	{"activities", []string{"firebreak/activities/", "firebreak/playbooks", "firebreak/internal/"}, nil},
	{"playbooks", []string{"firebreak/internal/"}, []string{"go.temporal.io/", "github.com/hashicorp/vault", "github.com/aws/", "github.com/slack-go/", "net/http"}},
	{"internal/incident", nil, []string{"go.temporal.io/"}},
	{"internal/inventory", []string{"firebreak/internal/incident"}, []string{"go.temporal.io/", "net/http"}},
	{"internal/slackui", []string{"firebreak/internal/"}, []string{"go.temporal.io/", "net/http", "os"}},
	{"internal/runbook", []string{"firebreak/playbooks", "firebreak/internal/"}, []string{"go.temporal.io/", "net/http"}},
	{"internal", []string{"firebreak/internal/"}, nil},
}

func TestImportDirection(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (path == "deploy" || strings.HasPrefix(d.Name(), ".") && path != ".") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, rule := range allowed {
			if !strings.HasPrefix(filepath.ToSlash(path), rule.folder+"/") {
				continue
			}
			seen[rule.folder]++
			for _, spec := range file.Imports {
				name, err := strconv.Unquote(spec.Path.Value)
				require.NoError(t, err)
				require.Truef(t, permitted(name, rule.own, rule.banned), "%s imports %s", path, name)
			}
			return nil
		}
		require.NotContains(t, path, string(filepath.Separator), "%s is in no folder of the layout", path)
		return nil
	})
	require.NoError(t, err)
	for _, rule := range allowed {
		require.NotZero(t, seen[rule.folder], "no file was checked in %s", rule.folder)
	}
}

func permitted(name string, own, banned []string) bool {
	for _, b := range banned {
		if strings.HasPrefix(name, b) {
			return false
		}
	}
	if name != "firebreak" && !strings.HasPrefix(name, "firebreak/") {
		return true
	}
	for _, o := range own {
		if strings.HasPrefix(name, o) {
			return true
		}
	}
	return false
}
