package runbook

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/inventory"
	"firebreak/internal/manifest"
	"firebreak/playbooks"
)

func sheets(t *testing.T) map[string]*Sheet {
	t.Helper()
	inv := company(t)
	plan, err := playbooks.NewPlan(fixture(), inv, request(nil))
	require.NoError(t, err)
	return map[string]*Sheet{"sheet": NewSheet(fixture(), nil, nil), "sheet-company": NewSheet(fixture(), inv, plan)}
}

func TestSheet(t *testing.T) {
	t.Parallel()
	for name, s := range sheets(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var md, html strings.Builder
			require.NoError(t, s.Markdown(&md))
			golden(t, name+".md", md.String())
			require.NoError(t, s.HTML(&html))
			golden(t, name+".html", html.String())
			require.NotContains(t, html.String(), "<script")
			require.NotRegexp(t, `(?i)(src|href)\s*=|url\(|@import|\son\w+\s*=`, html.String(), "the page needs no other file and runs nothing")
			require.Equal(t, 1, strings.Count(html.String(), "</title>"))
			require.NotRegexp(t, `[^\\]<[a-z/]`, md.String(), "a title is no markup")
		})
	}
}

func TestSheetHasABoxForEveryStep(t *testing.T) {
	t.Parallel()
	s := NewSheet(fixture(), nil, nil)
	var have, want []string
	for _, ph := range s.Phases {
		for _, st := range ph.Steps {
			have = append(have, st.ID)
			require.NotEmpty(t, st.Do, st.ID)
		}
	}
	fixture().Playbook.Walk(func(_ string, st *playbooks.Step) { want = append(want, st.ID) })
	require.Equal(t, want, have)
}

// Every action can be done by hand, and the text covers nothing that the catalogue does not have.
func TestByHandCoversTheCatalogue(t *testing.T) {
	t.Parallel()
	for _, a := range playbooks.Catalogue() {
		hand, ok := ByHand(a.Name)
		require.True(t, ok, "write what to do by hand for %s", a.Name)
		require.NotEmpty(t, hand.Do, a.Name)
		require.NotEmpty(t, hand.Prove, a.Name)
		for _, text := range append(hand.Do, hand.Prove...) {
			require.Zero(t, strings.Count(text, "`")%2, "%s: code is not closed in %q", a.Name, text)
		}
	}
	_, ok := ByHand("endpoint.explode")
	require.False(t, ok)
}

// The words in capitals of an instruction are on the line of the target.
func TestTargetsSayWhatTheInstructionsAskFor(t *testing.T) {
	t.Parallel()
	s := sheets(t)["sheet-company"]
	words := regexp.MustCompile(`\b[A-Z]+(_[A-Z]+)*\b`)
	elsewhere := []string{"MOUNT", "ACCESSOR", "API", "GB", "KEY", "VERSION", "EVIDENCE_BUCKET", "CASE", "LOCK_MODE", "DATE", "SHA", "UTC", "LC_ALL", "C", "IFS", "ROLE", "AppRole", "SERIAL"}
	for _, ph := range s.Phases {
		for _, st := range ph.Steps {
			if _, ok := playbooks.FindAction(st.Does); !ok || strings.HasPrefix(st.On[0], "nothing") || strings.HasPrefix(st.Do[0], "As in step ") || st.Does == "legal.notify" {
				continue
			}
			for _, do := range append(st.Do, st.Prove...) {
				for _, span := range inline(do) {
					if !span.Code {
						continue
					}
					for _, word := range words.FindAllString(span.Text, -1) {
						if !strings.Contains(strings.Join(elsewhere, " "), word) {
							require.Contains(t, strings.Join(st.On, "\n"), word, "%s: %s", st.ID, do)
						}
					}
				}
			}
		}
	}
}

// The command that a person types to hash a checkpoint gives the root digest that the inventory records.
func TestHashByHandIsTheRootDigest(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"sh", "find", "sort", "sha256sum", "xxd"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	dir := t.TempDir()
	var files []manifest.File
	for name, content := range map[string]string{"weights.safetensors": "w", "a b/tokenizer.json": "t", "model.sig": "signature", "Z": ""} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
		if sum := sha256.Sum256([]byte(content)); name != manifest.SignatureName {
			files = append(files, manifest.File{Name: name, SHA256: hex.EncodeToString(sum[:])})
		}
	}
	want, err := manifest.Root(files)
	require.NoError(t, err)
	hand, _ := ByHand("checkpoint.rollback")
	_, command, found := strings.Cut(hand.Do[1], "cd candidate && ")
	require.True(t, found)
	command, _, _ = strings.Cut(command, "`")
	run := exec.CommandContext(t.Context(), "sh", "-c", command)
	run.Dir = dir
	out, err := run.Output()
	require.NoError(t, err)
	require.Equal(t, want, "sha256:"+strings.Fields(string(out))[0])
}

func TestBuiltInPlaybooksCanBePrinted(t *testing.T) {
	t.Parallel()
	files, err := playbooks.BuiltIn().LoadAll()
	require.NoError(t, err)
	for _, f := range files {
		var html, md, graph strings.Builder
		s := NewSheet(f, nil, nil)
		require.NoError(t, s.HTML(&html))
		require.NoError(t, s.Markdown(&md))
		require.NoError(t, Graph(&graph, f.Playbook))
		f.Playbook.Walk(func(_ string, step *playbooks.Step) {
			require.Contains(t, html.String(), "("+step.ID+", ")
			require.Contains(t, md.String(), step.ID)
			require.Contains(t, graph.String(), "    "+node(step.ID))
		})
	}
}

func TestMarkdownShowsTextAsItIs(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"a *b* _c_ <d> [e](f) #g | ~h~": `a \*b\* \_c\_ \<d\> \[e\](f) \#g \| \~h\~`,
		"- not a list":                  `\- not a list`,
		"12. not a list":                `12\. not a list`,
		"1.2 not a list, 3. neither":    "1.2 not a list, 3. neither",
		"--- no rule":                   `\--- no rule`,
		"run `rm -r *` now":             "run `rm -r *` now",
		"a lone ` stays":                "a lone \\` stays",
		"two\nlines\x1b[2J":             `two lines?\[2J`,
		"&amp; $x$ !":                   `\&amp; \$x\$ \!`,
	}
	for in, want := range tests {
		require.Equal(t, want, markdown(in), in)
	}
}

const hour = 3600 * time.Second

func TestPeriod(t *testing.T) {
	t.Parallel()
	require.Equal(t, "24h", period(24*hour))
	require.Equal(t, "72h", period(72*hour))
	require.Equal(t, "7 days", period(7*24*hour))
	require.Equal(t, "97h", period(97*hour))
	require.Equal(t, "30m", period(hour/2))
	require.Equal(t, "1h30m", period(hour*3/2))
	require.Equal(t, "1m30s", period(hour/40))
	require.Equal(t, "200ms", period(hour/18000))
}

func TestQueriesHaveWords(t *testing.T) {
	t.Parallel()
	for _, q := range inventory.Queries() {
		require.NotEqual(t, string(q), queryName(q))
	}
}
