package slack

import (
	"slices"
	"strings"
)

type blockView struct {
	Kind     string
	Text     []span
	Fields   [][]span
	Elements []elementView
	// Label, Hint, Optional and Wrong belong to an input.
	Label    string
	Hint     string
	Optional bool
	Wrong    string
}

// elementView is an element as a page draws it: Kind is Slack's type, Draw what stands for it in HTML.
type elementView struct {
	Kind        string
	Draw        string // button, link, text, area, select, search, choices, date, time or words
	Text        []span
	URL         string
	Style       string
	Key         string // block_id/action_id
	Value       string
	Placeholder string
	Label       string
	Multiple    bool
	Options     []optionView
	MinQuery    int
	Confirm     *Confirm
	// InInput says that the element waits for the modal to be submitted; any other acts at once.
	InInput bool
	Actor   actor
}

type optionView struct {
	Group, Value, Text, About string
	Picked                    bool
}

// ID is the element's on the page.
func (e elementView) ID() string { return "e-" + e.Actor.Surface + "-" + e.Actor.TS + "-" + e.Key }

// blockViews draws blocks; v is the view that they stand in, nil for a message.
func (s *Server) blockViews(blocks []block, who actor, v *View) []blockView {
	var all []blockView
	for _, b := range blocks {
		all = append(all, s.blockView(b, who, v))
	}
	return all
}

func (s *Server) blockView(b block, who actor, v *View) blockView {
	shown := blockView{Kind: b.Type, Label: textOf(b.Label), Hint: textOf(b.Hint), Optional: b.Optional}
	markup := s.markup()
	if b.Text != nil {
		shown.Text = markup.object(*b.Text)
	} else if b.AltText != "" {
		shown.Text = markup.object(textObject{Type: "plain_text", Text: b.AltText}) // an image's words
	}
	for _, field := range b.Fields {
		shown.Fields = append(shown.Fields, markup.object(field))
	}
	if v != nil {
		shown.Wrong = v.Errors[b.BlockID]
	}
	elements := b.elements()
	for _, beside := range []*element{b.Accessory, b.Element} {
		if beside != nil {
			elements = append(elements, *beside)
		}
	}
	for _, e := range elements {
		drawn := s.elementView(b, e, who, v)
		if b.Type == "input" {
			drawn.InInput, drawn.Label = !b.DispatchAction, shown.Label
		}
		shown.Elements = append(shown.Elements, drawn)
	}
	return shown
}

func (s *Server) elementView(b block, e element, who actor, v *View) elementView {
	key := b.BlockID + "/" + e.ActionID
	shown := elementView{
		Kind: e.Type, Draw: drawing(e), Text: s.markup().object(e.label()), URL: e.URL, Style: e.Style, Key: key, Confirm: e.Confirm,
		Placeholder: textOf(e.Placeholder), Label: textOf(e.Placeholder), MinQuery: defaultQueryLength, Actor: who,
	}
	if e.MinQueryLength != nil {
		shown.MinQuery = *e.MinQueryLength
	}
	value := e.initial()
	var offered []Option
	if v != nil {
		value, offered = v.state[b.BlockID][e.ActionID], v.offered[key]
	}
	kind, name := e.input()
	shown.Multiple = kind == inputOptions
	picked := pickedOf(value[name])
	if kind == inputText || kind == inputID {
		shown.Value, _ = value[name].(string)
	}
	shown.Options = optionViews(e, append(slices.Clone(offered), picked...), picked)
	switch e.Type {
	case "users_select":
		for _, u := range s.workspace.people.all() {
			shown.Options = append(shown.Options, optionView{Value: u.ID, Text: s.workspace.people.name(u.ID), Picked: u.ID == shown.Value})
		}
	case "channels_select", "conversations_select":
		for _, c := range s.workspace.list() {
			shown.Options = append(shown.Options, optionView{Value: c.ID, Text: "#" + c.Name, Picked: c.ID == shown.Value})
		}
	}
	return shown
}

// drawing says what stands for an element in HTML.
func drawing(e element) string {
	switch e.Type {
	case "button":
		if e.URL != "" {
			return "link"
		}
		return "button"
	case "plain_text_input":
		if e.Multiline {
			return "area"
		}
		return "text"
	case "number_input", "email_text_input", "url_text_input":
		return "text"
	case "static_select", "multi_static_select", "overflow", "users_select", "channels_select", "conversations_select":
		return "select"
	case "external_select", "multi_external_select":
		return "search"
	case "radio_buttons", "checkboxes":
		return "choices"
	case "datepicker":
		return "date"
	case "timepicker":
		return "time"
	}
	return "words"
}

func pickedOf(value any) []Option {
	switch picked := value.(type) {
	case Option:
		return []Option{picked}
	case []Option:
		return picked
	}
	return nil
}

// optionViews are an element's own options, or for an external select those that the app offered.
func optionViews(e element, offered, picked []Option) []optionView {
	var all []optionView
	add := func(group string, options []Option) {
		for _, o := range options {
			if slices.ContainsFunc(all, func(known optionView) bool { return known.Value == o.Value }) {
				continue
			}
			isPicked := slices.ContainsFunc(picked, func(p Option) bool { return p.Value == o.Value })
			all = append(all, optionView{Group: group, Value: o.Value, Text: o.Label(), About: textOf(o.Description), Picked: isPicked})
		}
	}
	add("", e.Options)
	for _, g := range e.OptionGroups {
		add(g.Label.Text, g.Options)
	}
	if e.isExternal() {
		add("", offered)
	}
	return all
}

// object renders a text object; plain_text has no markup.
func (p mrkdwn) object(t textObject) []span {
	if t.Type == "mrkdwn" {
		return p.parse(t.Text)
	}
	var spans []span
	for i, line := range strings.Split(t.Text, "\n") {
		if i > 0 {
			spans = append(spans, span{Kind: "break"})
		}
		spans = append(spans, span{Kind: "text", Text: emojis(line)})
	}
	return spans
}
