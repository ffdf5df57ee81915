package slackui

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"firebreak/internal/incident"
)

// ReasonModal asks for the reason of what is asked of an incident, and for whatever else the verb needs. The record offers the
// steps to choose from; it may be nil where the reference names the step.
func ReasonModal(v Verb, ref Ref, rec *incident.Record) (*slack.ModalViewRequest, error) {
	text, ok := v.text()
	if !ok {
		return nil, fmt.Errorf("build modal: %q is nothing that a modal is opened for", v)
	}
	ref.Verb = v
	metadata, err := ref.Encode()
	if err != nil {
		return nil, err
	}
	mode := incident.Live
	if rec != nil {
		mode = rec.Mode
	}
	about := []string{marked(mode, ref.Incident)}
	if ref.Step != "" {
		about = append(about, "Step: "+Plain(ref.Step, maxLine))
	}
	if ref.Plan != "" {
		about = append(about, "Plan: "+ref.Plan)
	}
	for i := range about {
		about[i] = Plain(about[i], maxLine)
	}
	blocks := []slack.Block{paragraph(append(about, text.explain), maxText)}
	if v == VerbMore {
		blocks = append(blocks, choice(FieldVerb, "What is to be done", verbOptions(), false))
	}
	if v == VerbMore || (v == VerbSkip || v == VerbRetry) && ref.Step == "" {
		entries := stepOptions(rec, v)
		if len(entries) == 0 && v != VerbMore {
			return nil, fmt.Errorf("build modal: %s has no step to %s", ref.Incident, v)
		}
		if len(entries) > 0 {
			blocks = append(blocks, choice(FieldStep, "Step, to skip or to retry", entries, v == VerbMore))
		}
	}
	if v == VerbMore || v == VerbAddTarget {
		blocks = append(blocks, assetField().WithOptional(v == VerbMore))
	}
	if v == VerbClose || v == VerbFalsePositive {
		blocks = append(blocks, handOverField())
	}
	blocks = append(blocks, textField(FieldReason, "Reason, for the record", "Facts only. No personal data, no secrets.", maxReason, text.optional))
	return modal(CallbackReason, marked(mode, text.title), text.submit, metadata, blocks), nil
}

func verbOptions() []*slack.OptionBlockObject {
	var out []*slack.OptionBlockObject
	for _, v := range steering() {
		text, _ := v.text()
		out = append(out, option(string(v), text.title))
	}
	return out
}

func stepOptions(rec *incident.Record, v Verb) []*slack.OptionBlockObject {
	if rec == nil {
		return nil
	}
	return options(steps(rec, v))
}

func handOverField() *slack.InputBlock {
	box := slack.NewCheckboxGroupsBlockElement(FieldHandOver, option(handOverValue, "Legal keeps its running clocks outside of firebreak from now on"))
	return slack.NewInputBlock(FieldHandOver, plainText("Legal clocks that still run"), nil, box).WithOptional(true)
}

// Reasoned is a submitted ReasonModal. Verb is never VerbMore: it is what was chosen there.
type Reasoned struct {
	Verb   Verb
	Ref    Ref
	Step   string
	Asset  string
	Reason string
	// HandOverClocks says that legal keeps its running clocks outside of firebreak.
	HandOverClocks bool
}

// ParseReason reads a submitted ReasonModal. The error is ErrRef if it was not opened by firebreak.
func ParseReason(view *slack.View) (Reasoned, FieldErrors, error) {
	if view == nil {
		return Reasoned{}, nil, ErrRef
	}
	ref, err := ParseRef(view.PrivateMetadata)
	if err != nil || ref.Verb == "" {
		return Reasoned{}, nil, ErrRef
	}
	wrong := FieldErrors{}
	r := Reasoned{Verb: ref.Verb, Ref: ref, Step: ref.Step}
	if r.Verb == VerbMore {
		r.Verb = Verb(field(view, FieldVerb, FieldVerb).SelectedOption.Value)
		if !slices.Contains(steering(), r.Verb) {
			wrong[FieldVerb] = "Choose what is to be done."
		}
	}
	if r.Step == "" {
		r.Step = field(view, FieldStep, FieldStep).SelectedOption.Value
	}
	r.Asset = field(view, FieldAsset, ActionAsset).SelectedOption.Value
	for _, o := range field(view, FieldHandOver, FieldHandOver).SelectedOptions {
		r.HandOverClocks = r.HandOverClocks || o.Value == handOverValue
	}
	r.needs(wrong)
	// Slack shows an error only at a field that the modal has.
	if wrong[FieldStep] != "" && !has(view, FieldStep) {
		delete(wrong, FieldStep)
		wrong[FieldVerb] = "No step of this incident can be skipped or retried."
	}
	text, _ := r.Verb.text()
	r.Reason = written(view, FieldReason, maxReason, text.optional, wrong)
	if len(wrong) > 0 {
		return Reasoned{}, wrong, nil
	}
	return r, nil, nil
}

// needs checks what the verb cannot do without, and drops what it does not use.
func (r *Reasoned) needs(wrong FieldErrors) {
	switch r.Verb {
	case VerbSkip, VerbRetry:
		if r.Step == "" || !utf8.ValidString(r.Step) {
			wrong[FieldStep] = "Choose the step."
		}
		r.Asset = ""
	case VerbAddTarget:
		if r.Asset == "" || len(r.Asset) > maxAsset || Plain(r.Asset, maxAsset) != r.Asset {
			wrong[FieldAsset] = "Choose an asset of the inventory."
		}
		r.Step = ""
	case VerbDeny, VerbEndWait:
		r.Asset = ""
	case VerbClose, VerbFalsePositive, VerbPause, VerbResume, VerbAbort, VerbUndo, VerbMore:
		r.Step, r.Asset = "", ""
	}
	if r.Verb != VerbClose && r.Verb != VerbFalsePositive {
		r.HandOverClocks = false
	}
}

func has(view *slack.View, name string) bool {
	for _, b := range view.Blocks.BlockSet {
		if input, ok := b.(*slack.InputBlock); ok && input.BlockID == name {
			return true
		}
	}
	return false
}
