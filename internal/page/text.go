package page

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"firebreak/internal/incident"
)

// clock is an instant as everybody in an incident reads it.
func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// machine is the same instant for scripts.
func machine(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// left is the time until an instant, or since it; page.js counts on in the same words.
func left(until, now time.Time) string {
	d := until.Sub(now)
	if d < 0 {
		return "OVERDUE by " + coarse(-d)
	}
	return coarse(d) + " left"
}

// coarse is a duration as people count it: days and hours, hours and minutes, or minutes and seconds.
func coarse(d time.Duration) string {
	s := int64(d / time.Second)
	switch {
	case s >= 48*3600:
		return fmt.Sprintf("%d d %d h", s/86400, s%86400/3600)
	case s >= 3600:
		return fmt.Sprintf("%d h %d min", s/3600, s%3600/60)
	case s >= 60:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	}
	return fmt.Sprintf("%d s", s)
}

func took(from, to time.Time) string {
	if from.IsZero() || to.IsZero() || to.Before(from) {
		return "-"
	}
	d := to.Sub(from)
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return coarse(d)
}

// words is an identifier as people say it.
func words(s string) string { return strings.ReplaceAll(s, "_", " ") }

// short is a digest as people compare it by eye.
func short(digest string) string {
	algorithm, hex, ok := strings.Cut(digest, ":")
	if !ok || len(hex) <= 12 {
		return digest
	}
	return algorithm + ":" + hex[:12] + "…"
}

// clip keeps one text from filling the page; the whole of it is in the record.
func clip(n int, s string) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n]) + "… (cut; the whole text is in the record)"
}

// address is where an incident's page is.
func address(id, run string) string {
	parts := strings.Split(strings.TrimPrefix(id, "incident/"), "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	path := "/incidents/" + strings.Join(parts, "/")
	if run != "" {
		path += "?run=" + url.QueryEscape(run)
	}
	return path
}

// visible takes out what a browser would act on without showing it: control characters, and those that turn the direction of
// writing. It runs over the finished page, so that no text can be forgotten.
func visible(html []byte) []byte {
	return []byte(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		return utf8.RuneError
	}, string(html)))
}

// mark is a state in a word, a sign and a class: no reader depends on colour.
type mark struct {
	Word, Sign, Class string
}

func verdictMark(v incident.Verdict) mark {
	switch v {
	case incident.Contained:
		return mark{"Contained", "✓", "good"}
	case incident.ContainedWithGaps:
		return mark{"Contained with gaps", "!", "warn"}
	case incident.FalsePositive:
		return mark{"False positive", "✓", "good"}
	case incident.NotContained:
		return mark{"Not contained", "✗", "bad"}
	}
	return mark{"No verdict yet", "?", "wait"}
}

func stepMark(s *incident.Step) mark {
	switch {
	case s.Status == incident.Done && s.Verified:
		return mark{"proved", "✓", "good"}
	case s.Status == incident.Done:
		return mark{"done, NOT proved", "✗", "bad"}
	case s.Status == incident.Skipped && (s.Omitted || s.Target == ""):
		return mark{"not needed", "–", "none"}
	case s.Status == incident.Skipped && s.Denied:
		return mark{"denied", "–", "warn"}
	case s.Status == incident.Skipped:
		return mark{"skipped", "–", "warn"}
	case s.Status == incident.Failed, s.Status == incident.Retrying:
		return mark{string(s.Status), "✗", "bad"}
	case s.Status == incident.Undone:
		return mark{"undone", "↶", "warn"}
	case s.Status == incident.Running:
		return mark{"running", "…", "wait"}
	}
	return mark{words(string(s.Status)), "○", "wait"}
}
