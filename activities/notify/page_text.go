package notify

import (
	"fmt"
	"maps"
	"slices"

	"github.com/slack-go/slack"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// mostFields bounds how many of the sender's own facts a page shows.
const mostFields = 15

// newPage builds the message to on-call. It is pure. The sender's text is shown as plain text and marked as the sender's; what
// is to be typed is firebreak's own, and takes nothing from an alert that a shell could read as more than a word.
func newPage(in playbooks.Page) message {
	drill := in.Mode == incident.Drill
	title := "Alert without an incident: " + orUnknown(in.Alert.Source)
	if drill {
		title = "DRILL - " + title
	}
	title = plain(title, mostHeader)
	blocks := []slack.Block{slack.NewHeaderBlock(plainText(title))}
	if drill {
		blocks = append(blocks, heading("This is a drill. No production system is concerned."))
	}
	for _, s := range []struct {
		title string
		body  []string
	}{
		{"Nothing was started. A person decides.", []string{"[known] " + plain(in.Reason, mostLine)}},
		{"What the sender says, unverified", said(&in.Alert)},
		{"Evidence", kept(in)},
		{"What to do", toDo(in)},
	} {
		blocks = append(blocks, heading(s.title), bodyBlock(s.body, mostBody))
	}
	blocks = append(blocks, slack.NewContextBlock("", plainText(plain("Page "+in.ID, mostLine))))
	return message{event: pageEvent, text: fallback(title+": "+plain(in.Reason, mostLine), in.ID), blocks: blocks}
}

func said(a *incident.Alert) []string {
	out := []string{"[suspected] " + orUnknown(plain(a.Summary, mostLine))}
	for _, f := range [][2]string{
		{"kind", string(a.Kind)}, {"asset", a.Asset}, {"severity", a.Severity}, {"the sender's key", a.Key}, {"received", instant(a.ReceivedAt)},
	} {
		out = append(out, "- "+f[0]+": "+orUnknown(plain(f[1], mostName)))
	}
	names := slices.Sorted(maps.Keys(a.Fields))
	for _, name := range names[:min(len(names), mostFields)] {
		out = append(out, "- "+plain(name, mostName)+": "+plain(a.Fields[name], mostName))
	}
	return out
}

func kept(in playbooks.Page) []string {
	digest := "[known] SHA-256 of what was posted: " + orUnknown(plain(in.Alert.RawSHA256, mostName))
	if in.RawURI == "" {
		return []string{digest, "[known] It could not be kept in the evidence store yet. It is in the history of the workflow " + plain(in.ID, mostLine) + "."}
	}
	return []string{digest, "[known] Kept under Object Lock: " + plain(in.RawURI, 2*mostLine)}
}

// toDo are the exact commands. What the alert names is filled in only if it is a plain word; the person completes the rest.
func toDo(in playbooks.Page) []string {
	kind, asset := "KIND", "ASSET"
	if bare.MatchString(string(in.Alert.Kind)) {
		kind = string(in.Alert.Kind)
	}
	if bare.MatchString(in.Alert.Asset) {
		asset = in.Alert.Asset
	}
	start := fmt.Sprintf("trigger start --kind %s --asset %s --as YOU --summary \"WHAT YOU SAW\"", kind, asset)
	if in.Mode == incident.Drill {
		start += " --mode drill"
	}
	return []string{
		"If it is an incident, start it: " + start,
		fmt.Sprintf("See first what that would do: trigger playbook plan %s --asset %s --inventory FILE", kind, asset),
		"If such alerts should start one by themselves: let the sender name kind and asset (in Alertmanager the labels firebreak_kind and firebreak_asset), or add a route, and add the asset to the inventory.",
		"If it is nothing: nothing is left to do. The same alert pages nobody again.",
	}
}
