package discovery

import (
	"bytes"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// source finds in a text where the nodes that were read from it end: the parser says only where they begin. What it gets wrong
// in a rare layout, Keep finds out.
type source struct {
	raw []byte
	// lines are the offsets at which lines begin.
	lines []int
}

// offset is where a node begins.
func (s *source) offset(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(s.lines) {
		return len(s.raw)
	}
	at := s.lines[n.Line-1]
	for range n.Column - 1 {
		if at >= len(s.raw) {
			return len(s.raw)
		}
		_, size := utf8.DecodeRune(s.raw[at:])
		at += size
	}
	return at
}

// lineEnd is the end of the line that an offset is on, before what ends it.
func (s *source) lineEnd(at int) int {
	if i := bytes.IndexByte(s.raw[at:], '\n'); i >= 0 {
		at += i
	} else {
		at = len(s.raw)
	}
	if at > 0 && s.raw[at-1] == '\r' {
		at--
	}
	return at
}

// end is the offset behind a node.
func (s *source) end(n *yaml.Node) (int, bool) {
	at := s.offset(n)
	switch {
	case at > len(s.raw):
		return 0, false
	case n.Kind != yaml.ScalarNode && n.Style&yaml.FlowStyle != 0:
		return s.closing(at)
	case n.Kind != yaml.ScalarNode:
		if len(n.Content) == 0 {
			return 0, false
		}
		return s.end(n.Content[len(n.Content)-1])
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		return s.quoted(at)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return s.indented(at)
	case n.Tag == "!!null" && n.Value == "":
		return at, true // nothing is written
	case !bytes.HasPrefix(s.raw[at:], []byte(n.Value)):
		return 0, false // over several lines
	}
	return at + len(n.Value), true
}

// quoted is the offset behind a text in quotes that begins at an offset.
func (s *source) quoted(at int) (int, bool) {
	if at >= len(s.raw) {
		return 0, false
	}
	quote := s.raw[at]
	for i := at + 1; i < len(s.raw); i++ {
		switch c := s.raw[i]; {
		case c == '\\' && quote == '"':
			i++
		case c == quote && quote == '\'' && i+1 < len(s.raw) && s.raw[i+1] == quote:
			i++
		case c == quote:
			return i + 1, true
		}
	}
	return 0, false
}

// closing is the offset behind the bracket that closes the one at an offset.
func (s *source) closing(at int) (int, bool) {
	depth := 0
	last := byte(',') // the last character that is no space: a quote opens a text only behind one that separates
	for i := at; i < len(s.raw); i++ {
		c := s.raw[i]
		switch {
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1, true
			}
		case (c == '"' || c == '\'') && bytes.IndexByte([]byte("{[,:"), last) >= 0:
			end, ok := s.quoted(i)
			if !ok {
				return 0, false
			}
			i = end - 1
		case c == '#' && i > 0 && bytes.IndexByte([]byte(" \t\r\n"), s.raw[i-1]) >= 0:
			i = s.lineEnd(i) - 1
			continue
		}
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			last = c
		}
	}
	return 0, false
}

// indented is the end of a text that stands below its | or >.
func (s *source) indented(at int) (int, bool) {
	end := s.lineEnd(at)
	depth := -1
	for next := s.nextLine(end); next < len(s.raw); next = s.nextLine(s.lineEnd(next)) {
		line := s.raw[next:s.lineEnd(next)]
		text := bytes.TrimLeft(line, " ")
		if len(text) == 0 {
			continue
		}
		if depth < 0 {
			depth = len(line) - len(text)
		}
		if len(line)-len(text) < depth || depth == 0 {
			break
		}
		end = s.lineEnd(next)
	}
	return end, depth > 0
}

// nextLine is where the line after an end of a line begins.
func (s *source) nextLine(end int) int {
	if i := bytes.IndexByte(s.raw[end:], '\n'); i >= 0 {
		return end + i + 1
	}
	return len(s.raw)
}
