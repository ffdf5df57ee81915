package slackui

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
)

var digest = "sha256:" + strings.Repeat("0a", 32)

func TestRefRoundTrip(t *testing.T) {
	t.Parallel()
	tests := map[string]Ref{
		"an incident":     {Incident: "incident/extraction-event/credit-api"},
		"an approval":     {Incident: "incident/x/y@7", Opened: 1789000000123, Step: "approve-rollback", Plan: digest},
		"a task":          {Incident: "incident/x/y", Step: "poison-scope", Outcome: "not_done"},
		"a modal":         {Incident: "incident/x/y", Verb: VerbSkip, Target: "credit-api", Channel: "C0123456", Thread: "1789000000.000100"},
		"other alphabets": {Incident: "incident/x/данные@7 <&>"},
		"a long asset":    {Incident: "incident/dataset-compromise/" + strings.Repeat("a", 512), Opened: 1789000000123, Step: strings.Repeat("s", 63), Plan: digest},
	}
	for name, ref := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			value, err := ref.Encode()
			require.NoError(t, err)
			require.LessOrEqual(t, len(value), maxRef)
			again, err := ParseRef(value)
			require.NoError(t, err)
			require.Equal(t, ref, again)
		})
	}
}

func TestRefIsOfOneRun(t *testing.T) {
	t.Parallel()
	rec := &incident.Record{ID: "incident/x/y", OpenedAt: time.Date(2026, 9, 9, 20, 0, 0, 123456, time.UTC)}
	next := &incident.Record{ID: rec.ID, OpenedAt: rec.OpenedAt.Add(time.Hour)}
	require.True(t, RefOf(rec).Of(rec))
	require.False(t, RefOf(rec).Of(next))
	require.True(t, Ref{Incident: rec.ID}.Of(next))
	require.False(t, Ref{Incident: "incident/x/z"}.Of(rec))
}

func TestWrongRefs(t *testing.T) {
	t.Parallel()
	tests := map[string]Ref{
		"no incident":     {},
		"not an incident": {Incident: "triage/x"},
		"control":         {Incident: "incident/x/y\n"},
		"invalid UTF-8":   {Incident: "incident/x/\xff"},
		"not a digest":    {Incident: "incident/x/y", Plan: "sha256:00"},
		"unknown verb":    {Incident: "incident/x/y", Verb: "delete"},
		"before 1970":     {Incident: "incident/x/y", Opened: -1},
		"not a channel":   {Incident: "incident/x/y", Channel: "general"},
		"not a timestamp": {Incident: "incident/x/y", Thread: "now"},
		"too long":        {Incident: "incident/x/" + strings.Repeat("y", 1600)},
	}
	for name, ref := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ref.Encode()
			require.ErrorContains(t, err, "encode reference")
		})
	}
}

func TestParseRefIsStrict(t *testing.T) {
	t.Parallel()
	wrap := func(text string) string { return refPrefix + base64.RawURLEncoding.EncodeToString([]byte(text)) }
	good, err := Ref{Incident: "incident/x/y", Step: "s"}.Encode()
	require.NoError(t, err)
	require.Equal(t, wrap(`{"i":"incident/x/y","s":"s"}`), good)
	for name, value := range map[string]string{
		"empty":           "",
		"no version":      good[len(refPrefix):],
		"other version":   "2." + good[len(refPrefix):],
		"padding":         good + "=",
		"space":           " " + good,
		"line break":      good + "\n",
		"unknown key":     wrap(`{"i":"incident/x/y","s":"s","x":"1"}`),
		"key twice":       wrap(`{"i":"incident/x/z","i":"incident/x/y","s":"s"}`),
		"other case":      wrap(`{"I":"incident/x/y","s":"s"}`),
		"other order":     wrap(`{"s":"s","i":"incident/x/y"}`),
		"another value":   wrap(`{"i":"incident/x/y","s":"s"}{}`),
		"null":            wrap(`null`),
		"array":           wrap(`["incident/x/y"]`),
		"wrong type":      wrap(`{"i":7}`),
		"time as text":    wrap(`{"i":"incident/x/y","t":"7"}`),
		"too long":        wrap(`{"i":"incident/x/` + strings.Repeat("y", 3000) + `"}`),
		"not an id":       wrap(`{"i":"` + "incident/x/\u0000" + `"}`),
		"unknown verb":    wrap(`{"i":"incident/x/y","v":"rm"}`),
		"not base64":      refPrefix + "%%%",
		"standard base64": refPrefix + base64.StdEncoding.EncodeToString([]byte(`{"i":"incident/x/y?>"}`)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseRef(value)
			require.ErrorIs(t, err, ErrRef)
		})
	}
}

func FuzzParseRef(f *testing.F) {
	for _, r := range []Ref{{Incident: "incident/x/y"}, {Incident: "incident/x/y", Opened: 7, Step: "s", Plan: digest, Outcome: "done", Verb: VerbMore}} {
		value, err := r.Encode()
		require.NoError(f, err)
		f.Add(value)
	}
	f.Add("1.e30")
	f.Fuzz(func(t *testing.T, value string) {
		r, err := ParseRef(value)
		if err != nil {
			require.ErrorIs(t, err, ErrRef)
			return
		}
		again, err := r.Encode()
		require.NoError(t, err)
		require.Equal(t, value, again, "a reference has one spelling")
	})
}
