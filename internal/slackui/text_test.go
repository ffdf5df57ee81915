package slackui

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestPlain(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		most int
		want string
	}{
		"as it is":        {"credit-api <&> é 𝕏 *x*", 99, "credit-api <&> é 𝕏 *x*"},
		"one line":        {" a\r\n\tb\u2028c\u00a0d\u0085e ", 99, "a b c d e"},
		"control":         {"a\x00\x07\x1b[31mb\x7f", 99, "a[31mb"},
		"invisible":       {"a\u200b\u202e\ufeff\U000e0041b", 99, "ab"},
		"emoji":           {"fire 🔥 ©", 99, "fire"},
		"not valid":       {"a\xff\xc3(b\ufffd", 99, "a(b"},
		"just fits":       {"abc", 3, "abc"},
		"cut":             {"abcd", 3, "ab…"},
		"cut at a space":  {"ab cd", 4, "ab…"},
		"spaces fit":      {"abc   ", 3, "abc"},
		"other alphabets": {"данные и данные", 6, "данны…"},
		"empty":           {" \n ", 9, ""},
		"a long text":     {strings.Repeat("x ", 1_000_000), 5, "x x…"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, Plain(tt.text, tt.most))
		})
	}
}

func FuzzPlain(f *testing.F) {
	for _, text := range hostile() {
		f.Add(text, 20)
	}
	f.Fuzz(func(t *testing.T, text string, most int) {
		most = max(1, min(most, 5000))
		got := Plain(text, most)
		require.True(t, utf8.ValidString(got))
		require.LessOrEqual(t, utf8.RuneCountInString(got), most)
		require.Equal(t, strings.Join(strings.Fields(got), " "), got)
		require.False(t, strings.ContainsFunc(got, func(r rune) bool {
			return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.So, unicode.Co)
		}), got)
		require.Equal(t, got, Plain(got, most), "what is plain stays as it is")
	})
}
