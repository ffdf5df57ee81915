package slack

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// span is a piece of formatted text. Pages render spans through html/template,
// so no text of a message is ever taken as HTML.
type span struct {
	// Kind is text, break, bold, italic, strike, code, pre, quote, link or mention.
	Kind     string
	Text     string
	URL      string
	Children []span
}

// mrkdwn reads Slack's markup (https://docs.slack.dev/messaging/formatting-message-text).
type mrkdwn struct {
	userName    func(id string) string
	channelName func(id string) string
}

// maxDepth bounds nesting such as *_~x~_*; deeper marks stay as they were typed.
const maxDepth = 4

func (p mrkdwn) parse(text string) []span {
	var spans []span
	for rest := text; rest != ""; {
		before, after, found := strings.Cut(rest, "```")
		code, tail, closed := strings.Cut(after, "```")
		if !found || !closed {
			return append(spans, p.lines(rest)...)
		}
		spans = append(spans, p.lines(before)...)
		spans = append(spans, span{Kind: "pre", Text: unescape(strings.Trim(code, "\n"))})
		rest = strings.TrimPrefix(tail, "\n")
	}
	return spans
}

// lines joins quoted lines into one quote and breaks the others.
func (p mrkdwn) lines(text string) []span {
	if text == "" {
		return nil
	}
	var spans []span
	quoting := false
	for i, line := range strings.Split(text, "\n") {
		quoted, isQuote := cutQuote(line)
		content := p.inline(quoted, 0)
		switch {
		case isQuote && quoting:
			last := &spans[len(spans)-1]
			last.Children = append(append(last.Children, span{Kind: "break"}), content...)
		case isQuote:
			spans = append(spans, span{Kind: "quote", Children: content})
		default:
			if i > 0 && !quoting {
				spans = append(spans, span{Kind: "break"})
			}
			spans = append(spans, content...)
		}
		quoting = isQuote
	}
	return spans
}

func cutQuote(line string) (string, bool) {
	for _, mark := range []string{"&gt;", ">"} {
		if rest, ok := strings.CutPrefix(line, mark); ok {
			return strings.TrimPrefix(rest, " "), true
		}
	}
	return line, false
}

// inline reads one line's marks.
func (p mrkdwn) inline(line string, depth int) []span {
	var spans []span
	start := 0
	unclosed := make(map[byte]bool) // marks with no closing one further on: looked for once
	flush := func(end int) {
		if end > start {
			spans = append(spans, span{Kind: "text", Text: emojis(unescape(line[start:end]))})
		}
	}
	for i := 0; i < len(line); {
		made, next := p.mark(line, i, depth, unclosed)
		if next == 0 {
			i++
			continue
		}
		flush(i)
		spans = append(spans, made)
		i, start = next, next
	}
	flush(len(line))
	return spans
}

// mark reads the marked piece that starts at i and returns where it ends; 0 if none starts there.
func (p mrkdwn) mark(line string, i, depth int, unclosed map[byte]bool) (span, int) {
	c := line[i]
	kind := kindOf(c)
	if kind == "" || unclosed[c] {
		return span{}, 0
	}
	switch c {
	case '`', '<':
		closing := c
		if c == '<' {
			closing = '>'
		}
		length := strings.IndexByte(line[i+1:], closing)
		unclosed[c] = length < 0
		if length <= 0 {
			return span{}, 0
		}
		inner := line[i+1 : i+1+length]
		if c == '`' {
			return span{Kind: kind, Text: unescape(inner)}, i + length + 2
		}
		return p.reference(inner), i + length + 2
	}
	if depth >= maxDepth || !opens(line, i) {
		return span{}, 0
	}
	end := closing(line, i)
	if end < 0 {
		unclosed[c] = true
		return span{}, 0
	}
	return span{Kind: kind, Children: p.inline(line[i+1:end], depth+1)}, end + 1
}

func kindOf(c byte) string {
	switch c {
	case '*':
		return "bold"
	case '_':
		return "italic"
	case '~':
		return "strike"
	case '`':
		return "code"
	case '<':
		return "link"
	}
	return ""
}

func opens(line string, i int) bool {
	before, _ := utf8.DecodeLastRuneInString(line[:i])
	after, size := utf8.DecodeRuneInString(line[i+1:])
	return size > 0 && !isWord(before) && !unicode.IsSpace(after) && after != rune(line[i])
}

func closing(line string, i int) int {
	for j := i + 2; j < len(line); j++ {
		if line[j] != line[i] {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(line[:j])
		after, size := utf8.DecodeRuneInString(line[j+1:])
		if !unicode.IsSpace(before) && (size == 0 || !isWord(after)) {
			return j
		}
	}
	return -1
}

func isWord(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// reference is what stands between < and >: a link, or a mention of somebody.
func (p mrkdwn) reference(inner string) span {
	target, label, labelled := strings.Cut(inner, "|")
	switch {
	case strings.HasPrefix(target, "@"):
		return span{Kind: "mention", Text: "@" + p.userName(target[1:])}
	case strings.HasPrefix(target, "#"):
		return span{Kind: "mention", Text: "#" + p.channelName(target[1:])}
	case strings.HasPrefix(target, "!date^") || (strings.HasPrefix(target, "!subteam^") && labelled):
		return span{Kind: "text", Text: unescape(label)}
	case strings.HasPrefix(target, "!"):
		return span{Kind: "mention", Text: "@" + unescape(target[1:])}
	}
	target = unescape(target)
	if !labelled {
		label = target
	}
	parsed, err := url.Parse(target)
	if err != nil || (parsed.Scheme != "http" && parsed.Scheme != "https" && parsed.Scheme != "mailto") {
		return span{Kind: "text", Text: unescape(label)}
	}
	return span{Kind: "link", URL: target, Text: emojis(unescape(label))}
}

// unescape undoes the three escapes that Slack asks senders for.
func unescape(text string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
}

// emojis shows the few names that an incident's messages use; others stay as text.
func emojis(text string) string {
	if !strings.Contains(text, ":") {
		return text
	}
	return strings.NewReplacer(
		":rotating_light:", "🚨", ":warning:", "⚠️", ":white_check_mark:", "✅", ":heavy_check_mark:", "✔️", ":x:", "❌",
		":no_entry:", "⛔", ":lock:", "🔒", ":unlock:", "🔓", ":key:", "🔑", ":hourglass:", "⌛",
		":hourglass_flowing_sand:", "⏳", ":scales:", "⚖️", ":memo:", "📝", ":fire:", "🔥", ":shield:", "🛡️",
		":bell:", "🔔", ":eyes:", "👀", ":large_red_square:", "🟥", ":large_green_circle:", "🟢", ":red_circle:", "🔴",
		":large_yellow_circle:", "🟡", ":information_source:", "ℹ️", ":arrows_counterclockwise:", "🔄",
	).Replace(text)
}
