package slackui

import "strings"

// Link is the address of an incident's page below the one of all incidents, or "" if there is none.
func Link(page, incidentID string) string {
	if page == "" || incidentID == "" {
		return ""
	}
	return strings.TrimSuffix(page, "/") + "/" + incidentID
}
