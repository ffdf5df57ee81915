package slack

import (
	"encoding/json"
	"slices"
)

// element is one of a block's elements (https://docs.slack.dev/reference/block-kit/block-elements). A context's text is
// text itself, a button has a text object: label reads both.
type element struct {
	Type        string          `json:"type"`
	ActionID    string          `json:"action_id"`
	Text        json.RawMessage `json:"text"`
	Placeholder *textObject     `json:"placeholder"`
	URL         string          `json:"url"`
	Value       string          `json:"value"`
	Style       string          `json:"style"`
	AltText     string          `json:"alt_text"`
	ImageURL    string          `json:"image_url"`
	Confirm     *Confirm        `json:"confirm"`

	Options      []Option      `json:"options"`
	OptionGroups []OptionGroup `json:"option_groups"`

	Multiline      bool `json:"multiline"`
	MinLength      int  `json:"min_length"`
	MaxLength      *int `json:"max_length"`
	MinQueryLength *int `json:"min_query_length"`
	MaxSelected    *int `json:"max_selected_items"`

	InitialValue        string   `json:"initial_value"`
	InitialOption       *Option  `json:"initial_option"`
	InitialOptions      []Option `json:"initial_options"`
	InitialDate         string   `json:"initial_date"`
	InitialTime         string   `json:"initial_time"`
	InitialUser         string   `json:"initial_user"`
	InitialChannel      string   `json:"initial_channel"`
	InitialConversation string   `json:"initial_conversation"`
}

// Option is one entry of a select, of radio buttons or of checkboxes.
type Option struct {
	Text        textObject  `json:"text"`
	Value       string      `json:"value"`
	Description *textObject `json:"description,omitempty"`
}

// Label is what a person reads.
func (o Option) Label() string { return o.Text.Text }

// OptionGroup is a titled part of a select's options.
type OptionGroup struct {
	Label   textObject `json:"label"`
	Options []Option   `json:"options"`
}

// Confirm is the question that a person answers before an element acts.
type Confirm struct {
	Title   textObject `json:"title"`
	Text    textObject `json:"text"`
	Confirm textObject `json:"confirm"`
	Deny    textObject `json:"deny"`
	Style   string     `json:"style,omitempty"`
}

func (e element) label() textObject {
	var plain string
	if json.Unmarshal(e.Text, &plain) == nil {
		return textObject{Type: e.Type, Text: plain}
	}
	var object textObject
	if json.Unmarshal(e.Text, &object) == nil && object.Text != "" {
		return object
	}
	if e.Placeholder != nil {
		return *e.Placeholder
	}
	return textObject{Type: "plain_text", Text: e.AltText}
}

// choices are the options that stand in the element itself, groups one after the other.
func (e element) choices() []Option {
	all := slices.Clone(e.Options)
	for _, g := range e.OptionGroups {
		all = append(all, g.Options...)
	}
	return all
}

// input says how an element's value is entered.
type input int

const (
	inputNone input = iota // a button
	inputText
	inputOption  // one of its options
	inputOptions // several of them
	inputID      // an id of a person or channel, a date or a time
)

// input is the kind of the element, and the name of its value in a payload.
func (e element) input() (input, string) {
	switch e.Type {
	case "plain_text_input", "number_input", "email_text_input", "url_text_input":
		return inputText, "value"
	case "static_select", "external_select", "radio_buttons", "overflow":
		return inputOption, "selected_option"
	case "multi_static_select", "multi_external_select", "checkboxes":
		return inputOptions, "selected_options"
	case "datepicker":
		return inputID, "selected_date"
	case "timepicker":
		return inputID, "selected_time"
	case "users_select":
		return inputID, "selected_user"
	case "channels_select":
		return inputID, "selected_channel"
	case "conversations_select":
		return inputID, "selected_conversation"
	}
	return inputNone, ""
}

func (e element) isExternal() bool {
	return e.Type == "external_select" || e.Type == "multi_external_select"
}

// initial is the value that a person finds there, nil for an element that has no value.
func (e element) initial() reply {
	kind, name := e.input()
	var value any
	switch kind {
	case inputNone:
		return nil
	case inputText:
		value = orNil(e.InitialValue)
	case inputOption:
		if e.InitialOption != nil {
			value = *e.InitialOption
		}
	case inputOptions:
		value = append([]Option{}, e.InitialOptions...)
	case inputID:
		for _, set := range []string{e.InitialDate, e.InitialTime, e.InitialUser, e.InitialChannel, e.InitialConversation} {
			if set != "" {
				value = set
			}
		}
	}
	return reply{"type": e.Type, name: value}
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}
