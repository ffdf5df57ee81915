package slack

import (
	"fmt"
	"slices"
	"time"
)

// Slack's limits for elements and for the objects that they hold.
const (
	maxActionID      = 255
	maxButtonText    = 75
	maxButtonValue   = 2000
	maxURL           = 3000
	maxPlaceholder   = 150
	maxInputLength   = 3000
	maxOptions       = 100
	maxOptionGroups  = 100
	maxFewOptions    = 10 // radio buttons and checkboxes
	maxOverflow      = 5
	maxOptionText    = 75
	maxOptionValue   = 150
	maxConfirmTitle  = 100
	maxConfirmText   = 300
	maxConfirmButton = 30
)

// places says in which blocks an element may stand; a type that is not here does not exist.
func places(kind string) []string {
	everywhere := []string{"actions", "section", "input"}
	switch kind {
	case "button", "overflow", "workflow_button":
		return []string{"actions", "section"}
	case "image":
		return []string{"section"}
	case "plain_text_input", "number_input", "email_text_input", "url_text_input", "file_input", "rich_text_input":
		return []string{"input"}
	case "multi_static_select", "multi_external_select", "multi_users_select", "multi_conversations_select", "multi_channels_select":
		return []string{"section", "input"}
	case "datetimepicker":
		return []string{"actions", "input"}
	case "static_select", "external_select", "users_select", "conversations_select", "channels_select",
		"radio_buttons", "checkboxes", "datepicker", "timepicker":
		return everywhere
	}
	return nil
}

func (f *blockFaults) element(at string, e element, in string) {
	if !slices.Contains(places(e.Type), in) {
		f.add(at+"/type", fmt.Sprintf("unsupported type in %s: %s", in, e.Type))
		return
	}
	f.limit(at+"/action_id", e.ActionID, maxActionID)
	f.plain(at+"/placeholder", e.Placeholder, maxPlaceholder, false)
	f.confirm(at+"/confirm", e.Confirm)
	switch e.Type {
	case "button":
		label := e.label()
		f.plain(at+"/text", &label, maxButtonText, true)
		f.limit(at+"/value", e.Value, maxButtonValue)
		f.limit(at+"/url", e.URL, maxURL)
		if e.Style != "" && e.Style != "primary" && e.Style != "danger" {
			f.add(at+"/style", "must be primary or danger")
		}
	case "plain_text_input":
		f.textInput(at, e)
	case "static_select", "multi_static_select":
		f.selectOptions(at, e)
	case "radio_buttons", "checkboxes":
		f.options(at+"/options", e.Options, maxFewOptions)
		f.initialOptions(at, e)
	case "overflow":
		f.options(at+"/options", e.Options, maxOverflow)
	case "datepicker":
		if _, err := time.Parse(time.DateOnly, e.InitialDate); e.InitialDate != "" && err != nil {
			f.add(at+"/initial_date", "must be like YYYY-MM-DD")
		}
	case "timepicker":
		if _, err := time.Parse("15:04", e.InitialTime); e.InitialTime != "" && err != nil {
			f.add(at+"/initial_time", "must be like HH:mm")
		}
	case "image":
		f.limit(at+"/alt_text", e.AltText, maxAltText)
	}
}

func (f *blockFaults) textInput(at string, e element) {
	if e.MinLength < 0 || e.MinLength > maxInputLength {
		f.add(at+"/min_length", fmt.Sprintf("must be 0 to %d", maxInputLength))
	}
	if e.MaxLength != nil && (*e.MaxLength < 1 || *e.MaxLength > maxInputLength || *e.MaxLength < e.MinLength) {
		f.add(at+"/max_length", fmt.Sprintf("must be 1 to %d and no less than min_length", maxInputLength))
	}
	if err := e.checkText(e.InitialValue); err != nil {
		f.add(at+"/initial_value", err.Error())
	}
}

func (f *blockFaults) selectOptions(at string, e element) {
	switch {
	case len(e.Options) > 0 && len(e.OptionGroups) > 0:
		f.add(at, "must have options or option_groups, not both")
	case len(e.OptionGroups) > 0:
		f.count(at+"/option_groups", len(e.OptionGroups), maxOptionGroups)
		for i, g := range e.OptionGroups {
			here := fmt.Sprintf("%s/option_groups/%d", at, i)
			f.plain(here+"/label", &g.Label, maxOptionText, true)
			f.options(here+"/options", g.Options, maxOptions)
		}
	default:
		f.options(at+"/options", e.Options, maxOptions)
	}
	f.initialOptions(at, e)
}

// initialOptions must be copies of options that are there.
func (f *blockFaults) initialOptions(at string, e element) {
	initial := e.InitialOptions
	if e.InitialOption != nil {
		initial = append(slices.Clone(initial), *e.InitialOption)
	}
	for _, o := range initial {
		same := func(c Option) bool { return c.Value == o.Value && c.Label() == o.Label() }
		if !slices.ContainsFunc(e.choices(), same) {
			f.add(at+"/initial_option", fmt.Sprintf("%q is not one of the options", o.Value))
		}
	}
}

func (f *blockFaults) options(at string, list []Option, most int) {
	f.count(at, len(list), most)
	for i, o := range list {
		here := fmt.Sprintf("%s/%d", at, i)
		f.text(here+"/text", o.Text, maxOptionText)
		f.limit(here+"/value", o.Value, maxOptionValue)
		if o.Value == "" {
			f.add(here+"/value", "must be more than 0 characters")
		}
		if o.Description != nil {
			f.text(here+"/description", *o.Description, maxOptionText)
		}
	}
}

func (f *blockFaults) confirm(at string, c *Confirm) {
	if c == nil {
		return
	}
	f.plain(at+"/title", &c.Title, maxConfirmTitle, true)
	f.text(at+"/text", c.Text, maxConfirmText)
	f.plain(at+"/confirm", &c.Confirm, maxConfirmButton, true)
	f.plain(at+"/deny", &c.Deny, maxConfirmButton, true)
}
