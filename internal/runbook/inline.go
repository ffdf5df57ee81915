package runbook

import (
	"regexp"
	"strings"
)

// span is a piece of a text: prose, or code that is shown as it is typed.
type span struct {
	Code bool
	Text string
}

// inline splits a text at its pairs of backticks. A backtick without its partner is prose.
func inline(text string) []span {
	var out []span
	add := func(code bool, s string) {
		if s != "" {
			out = append(out, span{Code: code, Text: plain(s)})
		}
	}
	for {
		before, rest, found := strings.Cut(text, "`")
		code, after, closed := strings.Cut(rest, "`")
		if !found || !closed || strings.TrimSpace(code) == "" {
			add(false, text)
			return out
		}
		add(false, before)
		add(true, code)
		text = after
	}
}

// What Markdown would take for a list, a heading or a rule at the beginning of a text.
var (
	bulletStart = regexp.MustCompile(`^[-+=]`)
	numberStart = regexp.MustCompile(`^([0-9]+)([.)])(\s|$)`)
)

// markdown writes a text so that Markdown shows exactly its characters, but for code in backticks.
func markdown(text string) string {
	var out strings.Builder
	for i, s := range inline(strings.TrimSpace(text)) {
		if s.Code {
			out.WriteString("`" + s.Text + "`")
			continue
		}
		escaped := escapeMarkdown(s.Text)
		if i == 0 {
			escaped = bulletStart.ReplaceAllString(escaped, `\$0`)
			escaped = numberStart.ReplaceAllString(escaped, `$1\$2$3`)
		}
		out.WriteString(escaped)
	}
	return out.String()
}

func escapeMarkdown(text string) string {
	var out strings.Builder
	for _, r := range text {
		if strings.ContainsRune("\\`*_[]<>#|~!&$", r) {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}
