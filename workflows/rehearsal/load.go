package rehearsal

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// extension ends the name of every case file.
const extension = ".yaml"

// largestCase bounds a case file, in bytes.
const largestCase = 1 << 20

// soonest is how fast a person can be. The first instant belongs to the plan.
const soonest = time.Second

// Fault is one thing that is wrong with a case, and where.
type Fault struct {
	File    string
	Line    int
	Message string
}

// Error returns file:line: message.
func (f Fault) Error() string { return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Message) }

// Find lists the case files that the paths name: a file is itself, a folder the case files directly in it.
func Find(paths []string) ([]string, error) {
	var out []string
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, fmt.Errorf("find cases: %w", err)
		}
		if !info.IsDir() {
			out = append(out, p)
			continue
		}
		in, err := filepath.Glob(filepath.Join(escaped(p), "*"+extension))
		if err != nil {
			return nil, fmt.Errorf("find cases in %s: %w", p, err)
		}
		if len(in) == 0 {
			return nil, fmt.Errorf("find cases: %s holds no *%s", p, extension)
		}
		out = append(out, in...)
	}
	return out, nil
}

// escaped keeps a folder's name from being read as a pattern.
func escaped(dir string) string {
	return regexp.MustCompile(`[*?\[\\]`).ReplaceAllString(dir, `\$0`)
}

// Load reads and checks one case. Its error joins a Fault for each thing that is wrong.
func Load(file string) (*Case, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read case: %w", err)
	}
	return Parse(file, raw)
}

// Parse reads and checks the text of a case; file is what faults call it.
func Parse(file string, raw []byte) (*Case, error) {
	if len(raw) > largestCase {
		return nil, Fault{file, 1, fmt.Sprintf("a case has at most %d bytes", largestCase)}
	}
	c := &Case{File: file}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(c); err != nil {
		return nil, syntax(file, err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, Fault{file, 1, "a case is one YAML document"}
	}
	var tree yaml.Node
	if err := yaml.Unmarshal(raw, &tree); err != nil {
		return nil, syntax(file, err)
	}
	l := &loader{c: c}
	l.lines(tree.Content[0])
	l.check()
	if len(l.faults) > 0 {
		return nil, join(l.faults)
	}
	return c, nil
}

// join returns the faults as one error, in the order of the file.
func join(faults []Fault) error {
	slices.SortStableFunc(faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Message, b.Message))
	})
	errs := make([]error, 0, len(faults))
	for _, f := range faults {
		errs = append(errs, f)
	}
	return errors.Join(errs...)
}

var (
	unknownField = regexp.MustCompile(`^field (\S+) not found in type .*$`)
	goType       = regexp.MustCompile(` into (?:rehearsal|time|playbooks|incident)\.(\w+)$`)
	numbered     = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)
)

// syntax turns the YAML library's errors into faults.
func syntax(file string, err error) error {
	texts := []string{err.Error()}
	var typed *yaml.TypeError
	if errors.As(err, &typed) {
		texts = typed.Errors
	}
	if errors.Is(err, io.EOF) {
		texts = []string{"the file is empty"}
	}
	var faults []Fault
	for _, text := range texts {
		f := Fault{File: file, Line: 1, Message: strings.TrimPrefix(text, "yaml: ")}
		if m := numbered.FindStringSubmatch(text); m != nil {
			f.Line, _ = strconv.Atoi(m[1])
			f.Message = m[2]
		}
		f.Message = goType.ReplaceAllString(unknownField.ReplaceAllString(f.Message, `unknown key "$1"`), " into $1")
		faults = append(faults, f)
	}
	return join(faults)
}

// loader checks what the types cannot.
type loader struct {
	c      *Case
	faults []Fault
}

func (l *loader) fault(line int, format string, args ...any) {
	l.faults = append(l.faults, Fault{l.c.File, max(line, 1), fmt.Sprintf(format, args...)})
}

// lines notes where each item stands.
func (l *loader) lines(root *yaml.Node) {
	for i := 0; i+1 < len(root.Content); i += 2 {
		for j, item := range root.Content[i+1].Content {
			switch root.Content[i].Value {
			case "given":
				l.c.Given[j].line = item.Line
			case "people":
				l.c.People[j].line = item.Line
			}
		}
	}
}

func (l *loader) check() {
	c := l.c
	for key, value := range map[string]string{"title": c.Title, "playbook": c.Playbook, "incident.asset": c.Incident.Asset} {
		if value == "" {
			l.fault(1, "%s is missing", key)
		}
	}
	if m := c.Incident.Mode; m != "" && m != incident.Live && m != incident.Drill {
		l.fault(1, "incident.mode %q is neither live nor drill", m)
	}
	for i := range c.Given {
		l.given(&c.Given[i])
	}
	for i := range c.People {
		l.act(&c.People[i])
	}
	l.expect()
}

func (l *loader) given(g *Given) {
	n := 0
	for _, set := range []bool{g.Fail != "", g.Refuse != "", g.Unproved} {
		if set {
			n++
		}
	}
	if n != 1 {
		l.fault(g.line, "given needs exactly one of fail, refuse and unproved")
	}
	if g.Unproved && g.Stage == "" {
		g.Stage = playbooks.Verify
	}
	if g.Stage == "" {
		g.Stage = playbooks.Do
	}
	switch {
	case g.Step == "":
		l.fault(g.line, "step is missing")
	case !slices.Contains(playbooks.Stages(), g.Stage):
		l.fault(g.line, "stage %q is none of capture, do, verify and undo", g.Stage)
	case g.Unproved && g.Stage != playbooks.Verify:
		l.fault(g.line, "what is unproved is so in the stage verify")
	case g.Times < 0 || g.From < 0 || g.Until < 0:
		l.fault(g.line, "times, from and until are not negative")
	case g.Until > 0 && g.Until <= g.From:
		l.fault(g.line, "until comes after from")
	case g.Reason != "" && g.Fail != "":
		l.fault(g.line, "reason goes with refuse and unproved; the text of fail is its value")
	}
}

func (l *loader) act(a *Act) {
	verbs := a.verbs()
	if len(verbs) != 1 {
		l.fault(a.line, "a person does exactly one of approve, deny, complete, end_wait, close, abort, pause, resume, skip, retry, add_target, "+
			"set_anchor, dismiss_clock, file_clock and acknowledge")
		return
	}
	name := verbs[0].name
	if a.As == "" {
		l.fault(a.line, "as is missing: it says who")
	}
	switch {
	case (a.At == 0) == (a.After == 0):
		l.fault(a.line, "a person acts at a time or after a time: give exactly one")
	case a.At+a.After < soonest:
		l.fault(a.line, "nobody acts within %s: the plan is not there yet", soonest)
	case a.After > 0 && !verbs[0].waits:
		l.fault(a.line, "after goes with approve, deny, complete and end_wait: %s is not asked for", name)
	}
	for key, wrong := range map[string]bool{
		"outcome":        a.Outcome != "" && name != "complete",
		"target":         a.Target != "" && name != "skip" && name != "retry",
		"false_positive": a.FalsePositive && name != "close",
		"undo":           a.Undo && name != "abort",
		"stale":          a.Stale && name != "approve" && name != "deny",

		"hand_over_clocks": a.HandOverClocks && name != "close",
		"instant":          !a.Instant.IsZero() && name != "set_anchor",
		"clock":            a.Clock != "" && name != "set_anchor",
		"reference":        a.Reference != "" && name != "file_clock",
	} {
		if wrong {
			l.fault(a.line, "%s does not go with %s", key, name)
		}
	}
}

func (l *loader) expect() {
	e := &l.c.Expect
	if e.Fails == "" && e.Verdict == "" && e.Progress == "" && len(e.Sequence) == 0 {
		l.fault(1, "a case expects at least a verdict, a progress, a sequence or that it fails")
	}
	if e.Exact && len(e.Sequence) == 0 {
		l.fault(1, "exact goes with a sequence")
	}
	verdicts := []incident.Verdict{"", incident.Contained, incident.ContainedWithGaps, incident.NotContained, incident.FalsePositive}
	if !slices.Contains(verdicts, e.Verdict) {
		l.fault(1, "verdict %q is none", e.Verdict)
	}
	if !slices.Contains([]incident.Progress{"", incident.Opening, incident.Responding, incident.Settled, incident.Closed}, e.Progress) {
		l.fault(1, "progress %q is none", e.Progress)
	}
}
