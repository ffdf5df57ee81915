package slackui

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"firebreak/internal/incident"
)

// Batch is a message that shows Count events of the timeline from the one numbered First.
type Batch struct {
	Message
	First, Count int
}

const (
	// maxParagraph keeps a paragraph of events below what a section takes.
	maxParagraph = 2800
	// maxBatch is the weight of the events of one message; drill mark and frame come on top.
	maxBatch = 10_000
)

// Events shows events, of which the first has the number given, in as few messages as hold them.
func Events(mode incident.Mode, first int, events []incident.Event) []Batch {
	var out []Batch
	for len(events) > 0 {
		b := batch(mode, events)
		b.First = first
		out = append(out, b)
		first += b.Count
		events = events[b.Count:]
	}
	return out
}

// batch shows as many events as fit into one message, at least one.
func batch(mode incident.Mode, events []incident.Event) Batch {
	var blocks []slack.Block
	if mode == incident.Drill {
		blocks = append(blocks, heading("DRILL"))
	}
	var lines []string
	length, total, count := 0, 0, 0
	flush := func() {
		if len(lines) > 0 {
			blocks = append(blocks, slack.NewSectionBlock(plainText(strings.Join(lines, "\n")), nil, nil))
		}
		lines, length = nil, 0
	}
	for i := range events {
		line := eventLine(&events[i])
		if total += encoded(line); total > maxBatch && count > 0 {
			break
		}
		if length += len([]rune(line)) + 1; length > maxParagraph {
			flush()
			length = len([]rune(line)) + 1
		}
		lines = append(lines, line)
		count++
	}
	flush()
	text := eventLine(&events[count-1])
	if count > 1 {
		text = fmt.Sprintf("%s (and %d before it)", text, count-1)
	}
	return Batch{Message: Message{Text: fallback(mode, text), Blocks: blocks}, Count: count}
}

// eventLine is one event on one line, whatever its text holds.
func eventLine(e *incident.Event) string {
	at := "--:--:--"
	if !e.At.IsZero() {
		at = e.At.UTC().Format("15:04:05")
	}
	where := strings.TrimSpace(e.Step + " " + e.Target)
	if where != "" {
		where = "[" + Plain(where, 120) + "] "
	}
	return at + "  " + where + Plain(e.What, 2*maxLine)
}

// encoded is the length of a line in a request.
func encoded(line string) int {
	raw, err := json.Marshal(line)
	if err != nil {
		return maxBatch
	}
	return len(raw)
}
