package slack

import (
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// choose turns what a person typed or picked into the element's value as a payload carries it. Options are picked by
// value, or by what stands beside them. offered are those that the app returned for an external select. What Slack's own
// form would not let through is an error, in words for the person.
func (e element) choose(picked []string, offered []Option) (reply, error) {
	kind, name := e.input()
	if kind != inputOptions && len(picked) > 1 {
		return nil, fmt.Errorf("%s takes one value", e.Type)
	}
	one := ""
	if len(picked) == 1 {
		one = picked[0]
	}
	var value any
	var err error
	switch kind {
	case inputNone:
		return nil, fmt.Errorf("%s has no value", e.Type)
	case inputText:
		value, err = orNil(one), e.checkText(one)
	case inputID:
		value, err = orNil(one), e.checkID(one)
	case inputOption:
		if one != "" {
			value, err = e.option(one, offered)
		}
	case inputOptions:
		value, err = e.optionsOf(picked, offered)
	}
	if err != nil {
		return nil, err
	}
	return reply{"type": e.Type, name: value}, nil
}

func (e element) option(picked string, offered []Option) (Option, error) {
	choices := e.choices()
	if e.isExternal() {
		choices = offered
		if e.InitialOption != nil {
			choices = append(slices.Clone(choices), *e.InitialOption)
		}
		choices = append(choices, e.InitialOptions...)
	}
	for _, same := range []func(Option) string{func(o Option) string { return o.Value }, Option.Label} {
		if i := slices.IndexFunc(choices, func(o Option) bool { return same(o) == picked }); i >= 0 {
			return choices[i], nil
		}
	}
	if e.isExternal() {
		return Option{}, fmt.Errorf("%q is not one of the options that the app offered: load them first", picked)
	}
	return Option{}, fmt.Errorf("%q is not one of the options", picked)
}

func (e element) optionsOf(picked []string, offered []Option) ([]Option, error) {
	chosen := []Option{}
	for _, p := range picked {
		if p == "" {
			continue
		}
		o, err := e.option(p, offered)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, o)
	}
	if e.MaxSelected != nil && len(chosen) > *e.MaxSelected {
		return nil, fmt.Errorf("no more than %d can be chosen", *e.MaxSelected)
	}
	return chosen, nil
}

func (e element) checkText(text string) error {
	if text == "" {
		return nil
	}
	n := utf8.RuneCountInString(text)
	most := maxInputLength
	if e.MaxLength != nil {
		most = *e.MaxLength
	}
	switch {
	case n < e.MinLength:
		return fmt.Errorf("please enter at least %d characters", e.MinLength)
	case n > most:
		return fmt.Errorf("please enter no more than %d characters", most)
	}
	var err error
	switch e.Type {
	case "number_input":
		_, err = strconv.ParseFloat(text, 64)
	case "email_text_input":
		_, err = mail.ParseAddress(text)
	case "url_text_input":
		_, err = url.ParseRequestURI(text)
	}
	if err != nil {
		return fmt.Errorf("%q is not valid here", text)
	}
	return nil
}

func (e element) checkID(id string) error {
	layout := map[string]string{"datepicker": time.DateOnly, "timepicker": "15:04"}[e.Type]
	if id == "" || layout == "" {
		return nil
	}
	if _, err := time.Parse(layout, id); err != nil {
		return fmt.Errorf("%q is not like %s", id, layout)
	}
	return nil
}

// isEmpty says that an input has no value, which an input that is not optional must have.
func isEmpty(value reply) bool {
	for name, v := range value {
		if name == "type" {
			continue
		}
		if many, ok := v.([]Option); ok {
			return len(many) == 0
		}
		return v == nil
	}
	return true
}
