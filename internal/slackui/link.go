package slackui

import (
	"net/url"
	"strings"
)

// Link is the address of an incident's page, or "" if the inventory names no place for pages.
func Link(pageURL, incidentID string) string {
	parts := strings.Split(incidentID, "/")
	if pageURL == "" || len(parts) < 2 {
		return ""
	}
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.TrimSuffix(pageURL, "/") + "/incidents/" + strings.Join(parts[1:], "/")
}
