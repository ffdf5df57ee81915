package slackui

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"firebreak/internal/alert"
	"firebreak/internal/incident"
)

// Limits of what a person fills in.
const (
	maxSummary = 500
	maxReason  = 1000
	maxAsset   = 512
)

// DeclareModal asks what an incident needs. Kinds are those of which there is a playbook; asset, if any, is chosen
// already.
func DeclareModal(kinds []incident.Kind, asset string) *slack.ModalViewRequest {
	names := make([]string, 0, len(kinds))
	for _, k := range kinds {
		names = append(names, string(k))
	}
	what := assetField()
	if o := option(asset, asset); o != nil {
		if element, ok := what.Element.(*slack.SelectBlockElement); ok {
			element.WithInitialOption(o)
		}
	}
	live := option(string(incident.Live), "live: production")
	mode := choice(FieldMode, "Mode", []*slack.OptionBlockObject{live, option(string(incident.Drill), "drill: staging only")}, false)
	if element, ok := mode.Element.(*slack.SelectBlockElement); ok {
		element.WithInitialOption(live)
	}
	return modal(CallbackDeclare, "Declare an incident", "Declare", "", []slack.Block{
		slack.NewSectionBlock(plainText("The playbook of the kind starts at once. Whoever declares an incident cannot approve its steps."), nil, nil),
		choice(FieldKind, "Kind", options(names), false),
		what,
		mode,
		choice(FieldSeverity, "Severity", options(alert.Severities()), true),
		choice(FieldFacet, "Facet, if it narrows the kind", options(alert.Facets()), true),
		textField(FieldSummary, "What was seen, in one sentence", "Facts only. No personal data, no secrets.", maxSummary, false),
	})
}

// Declaration is a submitted DeclareModal.
type Declaration struct {
	Kind     incident.Kind
	Asset    string
	Mode     incident.Mode
	Severity string
	Facet    string
	Summary  string
}

// ParseDeclaration reads a submitted DeclareModal. Whether the asset is in the inventory is for the caller to check, and to
// report under FieldAsset.
func ParseDeclaration(view *slack.View, kinds []incident.Kind) (Declaration, FieldErrors) {
	wrong := FieldErrors{}
	selected := func(name string) string { return field(view, name, name).SelectedOption.Value }
	d := Declaration{
		Kind: incident.Kind(selected(FieldKind)), Asset: field(view, FieldAsset, ActionAsset).SelectedOption.Value,
		Mode: incident.Mode(selected(FieldMode)), Severity: selected(FieldSeverity), Facet: selected(FieldFacet),
	}
	if !slices.Contains(kinds, d.Kind) {
		wrong[FieldKind] = "Choose a kind of which there is a playbook."
	}
	if d.Asset == "" || len(d.Asset) > maxAsset || !utf8.ValidString(d.Asset) || Plain(d.Asset, maxAsset) != d.Asset {
		wrong[FieldAsset] = "Choose an asset of the inventory."
	}
	if d.Mode != incident.Live && d.Mode != incident.Drill {
		wrong[FieldMode] = "Choose live or drill."
	}
	if d.Severity != "" && !slices.Contains(alert.Severities(), d.Severity) {
		wrong[FieldSeverity] = "Choose one of " + strings.Join(alert.Severities(), ", ") + "."
	}
	if d.Facet != "" && !slices.Contains(alert.Facets(), d.Facet) {
		wrong[FieldFacet] = "Choose one of " + strings.Join(alert.Facets(), ", ") + "."
	}
	d.Summary = written(view, FieldSummary, maxSummary, false, wrong)
	if len(wrong) > 0 {
		return Declaration{}, wrong
	}
	return d, nil
}

// written reads a text field.
func written(view *slack.View, name string, most int, optional bool, wrong FieldErrors) string {
	text := strings.TrimSpace(strings.ToValidUTF8(field(view, name, name).Value, "\uFFFD"))
	switch {
	case text == "" && !optional:
		wrong[name] = "Say it in a few words, for the record."
	case utf8.RuneCountInString(text) > most:
		wrong[name] = tooLong(most)
	}
	return text
}
