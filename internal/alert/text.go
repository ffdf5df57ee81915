package alert

import (
	"strings"
	"unicode"
)

// clean makes text that came from outside safe to record and to show: valid UTF-8 (invalid text has crashed Temporal
// queues, CVE-2024-2689), no control characters (they drive terminals) and no marks that reorder what a person reads.
func clean(s string) string {
	s = strings.ToValidUTF8(s, string(unicode.ReplacementChar))
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return ' '
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// cut shortens s to at most n runes and marks that it did.
func cut(s string, n int) string {
	count, keep := 0, 0
	for i := range s {
		if count == n-1 {
			keep = i
		}
		if count == n {
			return s[:keep] + "…"
		}
		count++
	}
	return s
}
