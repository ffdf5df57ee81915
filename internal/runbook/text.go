package runbook

import (
	"strings"
	"time"
	"unicode"
)

// plain puts a text on one line and takes out what a terminal would act on.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return '?'
	}, s)
}

// period is a duration as people write it: 30m, not 30m0s, and more than three days in days.
func period(d time.Duration) string {
	const day = 24 * time.Hour
	if d > 3*day && d%day == 0 {
		return days(int(d / day))
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// roleName is the word for a role of the inventory.
func roleName(role string) string {
	switch role {
	case "IC":
		return "incident commander"
	case "SEC":
		return "security on call"
	case "MLO":
		return "model owner"
	case "DO":
		return "data owner"
	case "SRE":
		return "site reliability engineer on call"
	case "PRIV":
		return "privacy, data protection officer"
	case "LEG":
		return "legal counsel"
	case "COM":
		return "communications"
	case "EXE":
		return "executive"
	}
	return role
}

// stepName is the title of a step, or its id if it has none.
func stepName(id, title string) string {
	if title == "" {
		return id
	}
	return title
}
