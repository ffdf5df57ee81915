package discovery

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Keep writes a document that was merged into raw so that everything that stands in raw stays as it stands: comments, order,
// blank lines and how lines are broken. Only what is new is written. Where the layout is one that it cannot extend, it writes
// the whole document anew, with its comments and order alone.
func Keep(raw []byte, doc *yaml.Node) ([]byte, error) {
	before := &yaml.Node{}
	if err := yaml.Unmarshal(raw, before); err != nil || len(before.Content) != 1 || len(doc.Content) != 1 {
		return YAML(doc)
	}
	s := newSplicer(raw)
	s.walk(before.Content[0], doc.Content[0], 0, false)
	if s.failed {
		return YAML(doc)
	}
	out := s.apply()
	after := &yaml.Node{}
	// What it wrote is held against what it was to write: a layout that it misread must cost nobody an asset.
	if err := yaml.Unmarshal(out, after); err != nil || len(after.Content) != 1 || !saySame(after.Content[0], doc.Content[0]) {
		return YAML(doc)
	}
	return out, nil
}

// saySame compares what two nodes say, whatever they look like.
func saySame(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || len(a.Content) != len(b.Content) || a.ShortTag() != b.ShortTag() {
		return false
	}
	if a.Kind == yaml.ScalarNode && a.Value != b.Value {
		return false
	}
	for i := range a.Content {
		if !saySame(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}

// edit puts a text in the place of raw[from:to].
type edit struct {
	from, to int
	text     string
}

// splicer collects the edits that make the text of one document that of another, which has more in it.
type splicer struct {
	source
	edits  []edit
	failed bool
	// crlf is true of a document whose lines end as on Windows.
	crlf bool
}

func newSplicer(raw []byte) *splicer {
	s := &splicer{source: source{raw: raw, lines: []int{0}}, crlf: bytes.Contains(raw, []byte("\r\n"))}
	for i, c := range raw {
		if c == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

func (s *splicer) edit(from, to int, text string) {
	if s.crlf {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	s.edits = append(s.edits, edit{from, to, text})
}

// apply makes the edits. Of two at one place the inner one was found first and comes first.
func (s *splicer) apply() []byte {
	slices.SortStableFunc(s.edits, func(a, b edit) int { return cmp.Compare(a.from, b.from) })
	var out bytes.Buffer
	at := 0
	for _, e := range s.edits {
		if e.from < at {
			s.failed = true // an edit in what another has replaced
			return nil
		}
		out.Write(s.raw[at:e.from])
		out.WriteString(e.text)
		at = e.to
	}
	out.Write(s.raw[at:])
	return out.Bytes()
}

// walk compares a node as it stands with what it is to be. indent is how far what is below it is indented; within brackets,
// everything stays on its line.
func (s *splicer) walk(was, is *yaml.Node, indent int, within bool) {
	if s.failed || saySame(was, is) {
		return
	}
	step := 1
	switch {
	case was.Kind != is.Kind || len(was.Content) == 0 || len(was.Content) > len(is.Content):
		s.replace(was, is, indent, within)
		return
	case was.Kind == yaml.MappingNode:
		step = 2
	case was.Kind != yaml.SequenceNode:
		s.replace(was, is, indent, within)
		return
	}
	for i := 0; i < len(was.Content); i += step {
		if step == 2 && was.Content[i].Value != is.Content[i].Value {
			s.failed = true
			return
		}
		s.walk(was.Content[i+step-1], is.Content[i+step-1], was.Content[i].Column+1, within || was.Style&yaml.FlowStyle != 0)
	}
	if len(is.Content) > len(was.Content) {
		s.extend(was, &yaml.Node{Kind: was.Kind, Tag: is.Tag, Content: is.Content[len(was.Content):]})
	}
}

// extend writes further entries behind the last one.
func (s *splicer) extend(was, more *yaml.Node) {
	end, ok := s.end(was.Content[len(was.Content)-1])
	if was.Style&yaml.FlowStyle != 0 {
		text := flow(more)
		if !ok || len(text) < 2 {
			s.failed = true
			return
		}
		s.edit(end, end, ", "+text[1:len(text)-1])
		return
	}
	text := block(more, was.Column-1)
	if !ok || text == "" {
		s.failed = true
		return
	}
	at := s.lineEnd(end)
	if was.Kind == yaml.MappingNode && was.Column == 1 {
		text = "\n" + text // a section of its own
	}
	s.edit(at, at, "\n"+text)
}

// replace writes a value in the place of one that is empty or of a scalar.
func (s *splicer) replace(was, is *yaml.Node, indent int, within bool) {
	from := s.offset(was)
	end, ok := s.end(was)
	if !ok || was.Kind != yaml.ScalarNode && len(was.Content) > 0 {
		s.failed = true
		return
	}
	if is.Kind == yaml.ScalarNode || is.Style&yaml.FlowStyle != 0 || within || len(is.Content) == 0 {
		text := flow(is)
		s.failed = s.failed || text == ""
		if from > 0 && s.raw[from-1] == ':' {
			text = " " + text
		}
		s.edit(from, end, text)
		return
	}
	text := block(is, indent)
	s.failed = s.failed || text == ""
	s.edit(len(bytes.TrimRight(s.raw[:from], " \t")), end, "")
	at := s.lineEnd(end) // behind a comment
	s.edit(at, at, "\n"+text)
}

// flow is a node on one line.
func flow(n *yaml.Node) string {
	c := plainCopy(n)
	c.Style |= yaml.FlowStyle
	if c.Kind == yaml.ScalarNode {
		c.Style &^= yaml.FlowStyle | yaml.LiteralStyle | yaml.FoldedStyle
	}
	raw, err := YAML(c)
	text := strings.TrimSuffix(string(raw), "\n")
	if err != nil || strings.Contains(text, "\n") {
		return ""
	}
	return text
}

// plainCopy is a node without comments, which could end up within a line.
func plainCopy(n *yaml.Node) *yaml.Node {
	c := *n
	c.HeadComment, c.LineComment, c.FootComment = "", "", ""
	c.Content = nil
	for _, x := range n.Content {
		c.Content = append(c.Content, plainCopy(x))
	}
	return &c
}

// block is a mapping or list on lines of their own, without the last line's end.
func block(n *yaml.Node, indent int) string {
	c := *n
	c.Style &^= yaml.FlowStyle
	raw, err := YAML(&c)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	for i, l := range lines {
		if l != "" {
			lines[i] = strings.Repeat(" ", indent) + l
		}
	}
	return strings.Join(lines, "\n")
}
