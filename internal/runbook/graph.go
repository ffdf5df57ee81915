package runbook

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"firebreak/playbooks"
)

// Graph writes the playbook as a Mermaid flowchart: phases and parallel sets are boxes around their steps, approvals are
// diamonds and tasks are rounded. A dotted arrow is the order of the file, a solid one a need, a thick one leads from an
// approval to the lesser step that runs if nobody decides.
func Graph(out io.Writer, pb *playbooks.Playbook) error {
	g := &graph{}
	g.line(0, "flowchart TD")
	for i := range pb.Phases {
		phase := &pb.Phases[i]
		id := fmt.Sprintf("phase%d", i+1)
		title := stepName(phase.ID, phase.Title)
		if phase.Aside {
			title += " (aside)"
		}
		g.line(1, "subgraph %s[%s]", id, quote(title))
		g.line(2, "direction TB")
		g.steps(id, phase.Steps)
		g.line(1, "end")
		if i > 0 {
			g.order = append(g.order, [2]string{fmt.Sprintf("phase%d", i), id})
		}
	}
	pb.Walk(func(_ string, s *playbooks.Step) { g.needs(s) })
	g.edges()
	_, err := io.WriteString(out, g.String())
	return err
}

// graph collects lines, and the arrows that follow the nodes.
type graph struct {
	strings.Builder
	order, need, lesser [][2]string
}

func (g *graph) line(depth int, format string, args ...any) {
	fmt.Fprintf(g, strings.Repeat("  ", depth)+format+"\n", args...)
}

// steps draws the steps of a phase in their order; a parallel set is a box of its own.
func (g *graph) steps(phase string, list []playbooks.Step) {
	before := ""
	for i := range list {
		s := &list[i]
		id := node(s.ID)
		if s.Parallel == nil {
			g.line(2, "%s", shape(s))
		} else {
			id = fmt.Sprintf("%s_parallel%d", phase, i+1)
			g.line(2, "subgraph %s[%s]", id, quote(parallelTitle(s.Limit)))
			for j := range s.Parallel {
				g.line(3, "%s", shape(&s.Parallel[j]))
			}
			g.line(2, "end")
		}
		if before != "" {
			g.order = append(g.order, [2]string{before, id})
		}
		before = id
	}
}

func parallelTitle(limit int) string {
	if limit > 0 {
		return fmt.Sprintf("in parallel, at most %d at a time", limit)
	}
	return "in parallel"
}

// shape draws a step.
func shape(s *playbooks.Step) string {
	lines := []string{stepName(s.ID, s.Title)}
	open, end := "[", "]"
	switch {
	case s.Approval != nil:
		open, end = "{", "}"
		lines = append(lines, fmt.Sprintf("%d of %s, %s", s.Approval.Quorum, strings.Join(s.Approval.Roles, ", "), period(s.Approval.Timeout)))
	case s.Wait != nil:
		open, end = "([", "])"
		lines = append(lines, "wait "+period(s.Wait.For))
	case s.Task != nil:
		open, end = "(", ")"
		lines = append(lines, strings.Join(s.Task.Reporters(), " and ")+", due "+period(s.Task.Due))
	case s.Child != nil:
		open, end = "[[", "]]"
		lines = append(lines, "playbook "+string(s.Child.Kind))
	default:
		lines = append(lines, s.Action)
	}
	if len(s.When) > 0 {
		lines = append(lines, "if "+s.When.String())
	}
	return node(s.ID) + open + quote(lines...) + end
}

func (g *graph) needs(s *playbooks.Step) {
	for _, n := range s.Needs {
		g.need = append(g.need, [2]string{node(n), node(s.ID)})
	}
	if s.LesserOf != "" {
		g.lesser = append(g.lesser, [2]string{node(s.LesserOf), node(s.ID)})
	}
}

// edges draws the arrows; an order that a need says already is left out.
func (g *graph) edges() {
	for _, e := range g.order {
		if !slices.Contains(g.need, e) {
			g.line(1, "%s -.-> %s", e[0], e[1])
		}
	}
	for _, e := range g.need {
		g.line(1, "%s --> %s", e[0], e[1])
	}
	for _, e := range g.lesser {
		g.line(1, "%s ==>|nobody decided| %s", e[0], e[1])
	}
}

// node is the id of a step in the picture: Mermaid takes some words and dashes for syntax.
func node(step string) string { return "s_" + strings.ReplaceAll(step, "-", "_") }

// quote writes lines as a Mermaid label. Everything that Mermaid or a browser could take for more than a character is
// written as an entity.
func quote(lines ...string) string {
	var out strings.Builder
	for i, l := range lines {
		if i > 0 {
			out.WriteString("<br>")
		}
		for _, r := range plain(l) {
			if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" .,:-_/@+=?", r) {
				out.WriteRune(r)
			} else {
				fmt.Fprintf(&out, "#%d;", r)
			}
		}
	}
	return `"` + out.String() + `"`
}
