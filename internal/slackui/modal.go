package slackui

import (
	"fmt"

	"github.com/slack-go/slack"

	"firebreak/internal/incident"
)

// FieldErrors says what is wrong with a modal's fields, by their block ids: what NewErrorsViewSubmissionResponse takes.
type FieldErrors map[string]string

// The block ids of the modals' fields. A field's action id is the same, but for the asset's, which is ActionAsset.
const (
	FieldKind     = "kind"
	FieldAsset    = "asset"
	FieldMode     = "mode"
	FieldSeverity = "severity"
	FieldFacet    = "facet"
	FieldSummary  = "summary"
	FieldReason   = "reason"
	FieldVerb     = "verb"
	FieldStep     = "step"
	FieldHandOver = "hand_over"
)

// handOverValue is the value of the check box by which legal takes over the running clocks.
const handOverValue = "hand_over_clocks"

func modal(callback, title, submit, metadata string, blocks []slack.Block) *slack.ModalViewRequest {
	return &slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: callback, PrivateMetadata: metadata,
		Title: plainText(Shorten(title, maxTitle)), Submit: plainText(Shorten(submit, maxTitle)), Close: plainText("Cancel"),
		Blocks: slack.Blocks{BlockSet: blocks},
	}
}

// option is one entry of a select; a value that Slack would refuse gives nil.
func option(value, text string) *slack.OptionBlockObject {
	if value == "" || len([]rune(value)) > maxOptionValue {
		return nil
	}
	return slack.NewOptionBlockObject(value, plainText(Plain(text, maxOption)), nil)
}

// options makes entries whose text is their value, the ones that Slack takes.
func options(values []string) []*slack.OptionBlockObject {
	var out []*slack.OptionBlockObject
	for _, v := range values {
		if o := option(v, v); o != nil && len(out) < maxOptions {
			out = append(out, o)
		}
	}
	return out
}

func choice(field, label string, entries []*slack.OptionBlockObject, optional bool) *slack.InputBlock {
	element := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plainText("Choose"), field, entries...)
	return slack.NewInputBlock(field, plainText(label), nil, element).WithOptional(optional)
}

// assetField lets one search the inventory while typing.
func assetField() *slack.InputBlock {
	least := 1
	element := slack.NewOptionsSelectBlockElement(slack.OptTypeExternal, plainText("Type to search the inventory"), ActionAsset)
	element.MinQueryLength = &least
	return slack.NewInputBlock(FieldAsset, plainText("Asset"), nil, element)
}

func textField(field, label, hint string, most int, optional bool) *slack.InputBlock {
	element := slack.NewPlainTextInputBlockElement(nil, field).WithMultiline(true).WithMaxLength(most)
	var help *slack.TextBlockObject
	if hint != "" {
		help = plainText(hint)
	}
	return slack.NewInputBlock(field, plainText(label), help, element).WithOptional(optional)
}

// AssetOptions answers Slack's question for the assets that match what is being typed. Ids that Slack cannot carry are left
// out; the command line takes them.
func AssetOptions(ids []string) slack.OptionsResponse {
	return slack.OptionsResponse{Options: options(ids)}
}

// steps are the choices of a step to skip or to retry; VerbMore offers both.
func steps(rec *incident.Record, v Verb) []string {
	var out []string
	seen := map[string]bool{}
	add := func(id string, fits bool) {
		if fits && !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	skip, retry := v != VerbRetry, v != VerbSkip
	for i := range rec.Steps {
		switch s := &rec.Steps[i]; s.Status {
		case incident.Pending, incident.Running:
			add(s.ID, skip)
		case incident.Retrying, incident.Failed:
			add(s.ID, true)
		case incident.Skipped, incident.Undone:
			add(s.ID, retry)
		case incident.Done:
		}
	}
	for i := range rec.Tasks {
		switch t := &rec.Tasks[i]; t.Status {
		case incident.TaskPending, incident.TaskOpen, incident.TaskOverdue:
			add(t.Step, skip)
		case incident.TaskDone, incident.TaskSkipped:
		}
	}
	return out
}

// field returns what a field was filled with.
func field(view *slack.View, block, action string) slack.BlockAction {
	if view == nil || view.State == nil {
		return slack.BlockAction{}
	}
	return view.State.Values[block][action]
}

func tooLong(most int) string { return fmt.Sprintf("At most %d characters.", most) }
