package slackui

import (
	"maps"
	"slices"

	"github.com/slack-go/slack"

	"firebreak/internal/incident"
)

// Page tells on-call of an alert that started no incident. RawURI is where the alert is kept; empty if it is not.
func Page(a *incident.Alert, mode incident.Mode, reason, rawURI string, o Options) Message {
	title := "Alert needs a person: " + orElse(a.Asset, orElse(a.Source, "unknown asset"))
	lines := []string{
		"Why no incident was started: " + Plain(reason, maxLine),
		"Source: " + Plain(orElse(a.Source, "unknown"), maxField),
		"Kind: " + Plain(orElse(string(a.Kind), "not stated"), maxField),
		"Asset: " + Plain(orElse(a.Asset, "not stated"), maxField),
		"Severity: " + Plain(orElse(a.Severity, "not stated"), maxField),
		"Since: " + instant(a.StartsAt) + ", received " + instant(a.ReceivedAt),
		"Kept as evidence: " + Plain(orElse(rawURI, "NO - the alert could not be kept"), maxLine),
	}
	var told []string
	if a.Summary != "" {
		told = append(told, a.Summary)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Fields)) {
		told = append(told, name+": "+a.Fields[name])
	}
	blocks := fitting(func(most int) []slack.Block {
		out := []slack.Block{header(mode, title)}
		out = append(out, call(o.Mention)...)
		out = append(out, paragraph(lines, maxText), heading("What the sender says"), paragraph(list(told, "nothing"), most))
		declare := slack.NewButtonBlockElement(ActionDeclare, "", plainText("Declare an incident"))
		out = append(out, row(declare, linkButton(o.Link))...)
		return append(out, small("Alert "+Plain(a.Key, maxField)))
	})
	return Message{Text: fallback(mode, title+": "+reason), Blocks: blocks}
}
