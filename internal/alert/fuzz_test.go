package alert

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// payloads are the bodies kept for a sender.
func payloads(t testing.TB, folder string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../../testdata/alerts", folder, "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files, folder)
	out := map[string][]byte{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		out[filepath.Base(file)] = raw
	}
	return out
}

// fuzz holds a decoder to what every signal promises, whatever the bytes.
func fuzz(f *testing.F, folder string, decode func(raw []byte, received time.Time) (Post, error)) {
	for _, raw := range payloads(f, folder) {
		f.Add(raw)
	}
	f.Add([]byte(`{"version":"4","alerts":[{"labels":{"firebreak_kind":"extraction-event","firebreak_asset":"\u0000\u202e"}}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := decode(raw, received)
		require.Len(t, p.RawSHA256, 64)
		if err != nil {
			require.Empty(t, p.Signals)
			return
		}
		require.True(t, len(p.Signals) > 0 || p.Note != "")
		for i := range p.Signals {
			checkSignal(t, &p.Signals[i])
		}
	})
}

func checkSignal(t *testing.T, s *Signal) {
	t.Helper()
	require.Contains(t, Sources(), s.Source)
	require.NotEmpty(t, s.Key)
	require.LessOrEqual(t, len(s.Key), 700)
	require.Equal(t, s.Resolved, strings.HasSuffix(s.Key, "/resolved"), s.Key)
	texts := []string{s.ID, s.Key, s.Title, s.Summary, s.Severity}
	require.LessOrEqual(t, len(s.Fields), maxSeen+2)
	for name, value := range s.Fields {
		require.LessOrEqual(t, len(name), MaxNameBytes)
		require.LessOrEqual(t, len(value), MaxValueBytes)
		texts = append(texts, name, value)
	}
	for _, text := range texts {
		require.True(t, utf8.ValidString(text))
		require.Equal(t, -1, strings.IndexFunc(text, unicode.IsControl), "%q", text)
	}
	a := s.Alert()
	require.LessOrEqual(t, len(a.Fields), MaxFields)
	require.LessOrEqual(t, utf8.RuneCountInString(a.Summary), MaxSummaryRunes)
	require.False(t, a.StartsAt.IsZero())
	_, err := json.Marshal(a)
	require.NoError(t, err)
}

func FuzzDecodeAlertmanager(f *testing.F) { fuzz(f, "alertmanager", DecodeAlertmanager) }
