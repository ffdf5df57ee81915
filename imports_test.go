// Package firebreak_test holds the direction in which the packages may import one another.
package firebreak_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
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
	{"workflows", []string{"firebreak/playbooks", "firebreak/internal/incident", "firebreak/internal/inventory", "firebreak/internal/legal"}, []string{"github.com/hashicorp/vault", "github.com/aws/", "github.com/slack-go/", "net/http"}},
	{"activities/conformance", []string{"firebreak/activities", "firebreak/playbooks", "firebreak/internal/"}, []string{"github.com/hashicorp/vault", "github.com/aws/"}},
	{"activities", []string{"firebreak/activities/", "firebreak/playbooks", "firebreak/internal/"}, nil},
	{"playbooks", []string{"firebreak/internal/"}, []string{"go.temporal.io/", "github.com/hashicorp/vault", "github.com/aws/", "github.com/slack-go/", "net/http"}},
	{"internal/alert", []string{"firebreak/internal/alert", "firebreak/internal/incident"}, []string{"go.temporal.io/", "github.com/aws/", "net/http"}},
	{"internal/sns", []string{"firebreak/internal/alert"}, []string{"github.com/aws/"}},
	{"internal/sqs", nil, nil},
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

// TestTriggerReachesNoCloudButItsQueue looks at everything that is linked into the process that faces the internet: of AWS
// it holds the client for one SQS queue and what finds that client's credentials, and nothing of Vault or Kubernetes.
func TestTriggerReachesNoCloudButItsQueue(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "./cmd/trigger").Output()
	require.NoError(t, err)
	const service = "github.com/aws/aws-sdk-go-v2/service/"
	services := map[string]bool{}
	for name := range strings.Lines(string(out)) {
		name = strings.TrimSpace(name)
		for _, banned := range []string{"github.com/hashicorp/vault", "k8s.io/", "firebreak/activities", "github.com/aws/aws-sdk-go/"} {
			require.False(t, strings.HasPrefix(name, banned), "cmd/trigger reaches %s", name)
		}
		if rest, ok := strings.CutPrefix(name, service); ok {
			services[strings.Split(rest, "/")[0]] = true
		}
	}
	// The last four are of the chain that finds credentials; internal holds what clients share.
	for _, known := range []string{"sqs", "internal", "sts", "sso", "ssooidc", "signin"} {
		if known == "sqs" {
			require.True(t, services[known], "the list holds what is linked in")
		}
		delete(services, known)
	}
	require.Empty(t, services, "cmd/trigger reaches other services of AWS")
}

// TestOnlyTheQueueReachesAWS holds the client for AWS to one package.
func TestOnlyTheQueueReachesAWS(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./cmd/trigger", "./internal/...", "./workflows/...", "./playbooks/...").Output()
	require.NoError(t, err)
	var reach []string
	for line := range strings.Lines(string(out)) {
		if name, imports, _ := strings.Cut(line, " "); strings.Contains(imports, "github.com/aws/") {
			reach = append(reach, name)
		}
	}
	require.Equal(t, []string{"firebreak/internal/sqs"}, reach)
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
