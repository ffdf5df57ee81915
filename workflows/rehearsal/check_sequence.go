package rehearsal

import (
	"fmt"
	"slices"
	"strings"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// sequence compares the order of the calls.
func (c *checker) sequence(e *Expect) {
	if len(e.Sequence) == 0 {
		return
	}
	if e.Exact {
		calls := collapsed(c.seen)
		if !c.exactly(e.Sequence, calls) {
			c.miss("sequence (exact)", written(e.Sequence), difference(e.Sequence, calls))
		}
		return
	}
	if at := inOrder(e.Sequence, c.seen); at >= 0 {
		var lines []string
		for i, g := range e.Sequence {
			mark := "  "
			if i == at {
				mark = "> "
			}
			lines = append(lines, mark+strings.Join(g, " | "))
		}
		c.miss("sequence: "+strings.Join(e.Sequence[at], " | ")+" did not come in its place", strings.Join(lines, "\n"), happened(c.seen))
	}
}

// undone compares which acts were taken back.
func (c *checker) undone(want []Group) {
	var calls []Call
	for _, call := range c.seen {
		if call.Stage == playbooks.Undo && !call.Failed {
			calls = append(calls, call)
		}
	}
	if !c.exactly(want, calls) {
		c.miss("undone", orNone(written(want)), difference(want, calls))
	}
}

// inOrder returns the index of the first item that does not come in its place, or -1. Each item takes the earliest calls
// after those of the item before.
func inOrder(want []Group, calls []Call) int {
	from := 0
	for i, g := range want {
		used := map[int]bool{}
		last := from
		for _, name := range g {
			p := parsePattern(name)
			at := -1
			for j := from; j < len(calls) && at < 0; j++ {
				if !used[j] && p.fits(calls[j]) {
					at = j
				}
			}
			if at < 0 {
				return i
			}
			used[at] = true
			last = max(last, at+1)
		}
		from = last
	}
	return -1
}

// exactly reports whether the calls are those of the items and no other. A message is under way beside the steps that follow
// it, so that its place among them is chance: it has to occur, and that is all.
func (c *checker) exactly(want []Group, calls []Call) bool {
	var steps []Group
	messages := Group{}
	for _, g := range want {
		rest := Group{}
		for _, name := range g {
			if c.message(parsePattern(name).step) {
				messages = append(messages, name)
			} else {
				rest = append(rest, name)
			}
		}
		steps = append(steps, rest)
	}
	var sent, done []Call
	for _, call := range calls {
		if c.message(call.Step) {
			sent = append(sent, call)
		} else {
			done = append(done, call)
		}
	}
	return oneByOne(steps, done) && oneByOne([]Group{messages}, sent)
}

// message reports whether the step tells people something.
func (c *checker) message(step string) bool {
	s := c.step(step)
	if s == nil {
		return false
	}
	action, ok := playbooks.FindAction(s.Action)
	return ok && action.Role == incident.RoleNotification
}

// oneByOne reports whether the calls are those of the items and no other, in order.
func oneByOne(want []Group, calls []Call) bool {
	from := 0
	for _, g := range want {
		if from+len(g) > len(calls) {
			return false
		}
		part := slices.Clone(calls[from : from+len(g)])
		for _, name := range g {
			i := slices.IndexFunc(part, parsePattern(name).fits)
			if i < 0 {
				return false
			}
			part = slices.Delete(part, i, i+1)
		}
		from += len(g)
	}
	return from == len(calls)
}

// collapsed leaves out what is no step, and calls that are repeated at once.
func collapsed(calls []Call) []Call {
	var out []Call
	for _, c := range calls {
		if c.Stage == "" || len(out) > 0 && out[len(out)-1].String() == c.String() {
			continue
		}
		out = append(out, c)
	}
	return out
}

func written(want []Group) string {
	var lines []string
	for _, g := range want {
		lines = append(lines, strings.Join(g, " | "))
	}
	return strings.Join(lines, "\n")
}

// mostCalls bounds what a failure prints; a retry that goes on for a day is not read to its end.
const mostCalls = 80

func happened(calls []Call) string {
	var lines []string
	for _, c := range collapsed(calls) {
		line := fmt.Sprintf("%8s  %s", c.At, c)
		if c.Failed {
			line += "  (as given)"
		}
		lines = append(lines, line)
	}
	if n := len(lines) - mostCalls; n > 0 {
		lines = append(lines[:mostCalls], fmt.Sprintf("and %d more", n))
	}
	return orNone(strings.Join(lines, "\n"))
}

// difference shows the calls with those that were not wanted marked "+" and those that were missing marked "-".
func difference(want []Group, calls []Call) string {
	var items []string
	for _, g := range want {
		items = append(items, g...)
	}
	same := func(i, j int) bool { return parsePattern(items[i]).fits(calls[j]) }
	// longest[i][j] is the length of the longest common run of items[i:] and calls[j:].
	longest := make([][]int, len(items)+1)
	for i := range longest {
		longest[i] = make([]int, len(calls)+1)
	}
	for i := len(items) - 1; i >= 0; i-- {
		for j := len(calls) - 1; j >= 0; j-- {
			longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			if same(i, j) {
				longest[i][j] = max(longest[i][j], longest[i+1][j+1]+1)
			}
		}
	}
	var lines []string
	i, j := 0, 0
	for i < len(items) || j < len(calls) {
		switch {
		case i < len(items) && j < len(calls) && same(i, j) && longest[i][j] == longest[i+1][j+1]+1:
			lines = append(lines, "  "+calls[j].String())
			i, j = i+1, j+1
		case j < len(calls) && (i == len(items) || longest[i][j+1] >= longest[i+1][j]):
			lines = append(lines, "+ "+calls[j].String())
			j++
		default:
			lines = append(lines, "- "+items[i])
			i++
		}
	}
	return orNone(strings.Join(lines, "\n"))
}
