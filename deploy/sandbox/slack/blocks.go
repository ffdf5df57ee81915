package slack

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// block is what the checks and the pages read of a Block Kit block
// (https://docs.slack.dev/reference/block-kit/blocks).
type block struct {
	Type     string          `json:"type"`
	BlockID  string          `json:"block_id"`
	Text     *textObject     `json:"text"`
	Fields   []textObject    `json:"fields"`
	Elements json.RawMessage `json:"elements"`
	AltText  string          `json:"alt_text"`
	// Accessory is the element beside a section's text.
	Accessory *element `json:"accessory"`
}

type textObject struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// element is one of a context's or of an actions' elements. A context's text
// is text itself, a button has a text object: label reads both.
type element struct {
	Type        string          `json:"type"`
	Text        json.RawMessage `json:"text"`
	Placeholder *textObject     `json:"placeholder"`
	URL         string          `json:"url"`
	Value       string          `json:"value"`
	Style       string          `json:"style"`
	AltText     string          `json:"alt_text"`
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

func (b block) elements() []element {
	var list []element
	if json.Unmarshal(b.Elements, &list) != nil {
		return nil
	}
	return list
}

func readBlocks(raw json.RawMessage) ([]block, error) {
	var list []block
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("decode blocks: %w", err)
	}
	return list, nil
}

// Slack's limits, from the reference pages of the blocks and of their elements.
const (
	maxBlocks          = 50
	maxSectionText     = 3000
	maxFields          = 10
	maxFieldText       = 2000
	maxHeaderText      = 150
	maxContextElements = 10
	maxActionElements  = 25
	maxButtonText      = 75
	maxButtonValue     = 2000
	maxBlockID         = 255
)

// checkBlocks refuses with invalid_blocks what Slack would refuse, so that a
// message that is too long fails here and not in the middle of an incident.
func checkBlocks(raw string) *failure {
	list, err := readBlocks(json.RawMessage(raw))
	if err != nil {
		return &failure{code: "invalid_blocks_format"}
	}
	var found blockFaults
	if len(list) > maxBlocks {
		found.add("", fmt.Sprintf("no more than %d items allowed", maxBlocks))
	}
	seen := make(map[string]bool)
	for i, b := range list {
		at := fmt.Sprintf("/blocks/%d", i)
		if b.BlockID != "" && seen[b.BlockID] {
			found.add(at+"/block_id", "duplicate block_id")
		}
		seen[b.BlockID] = true
		found.limit(at+"/block_id", b.BlockID, maxBlockID)
		found.check(at, b)
	}
	if len(found) == 0 {
		return nil
	}
	return &failure{code: "invalid_blocks", messages: found}
}

type blockFaults []string

func (f *blockFaults) add(at, what string) {
	*f = append(*f, fmt.Sprintf("[ERROR] %s [json-pointer:%s]", what, at))
}

func (f *blockFaults) limit(at, text string, most int) {
	if utf8.RuneCountInString(text) > most {
		f.add(at, fmt.Sprintf("must be less than %d characters", most+1))
	}
}

func (f *blockFaults) count(at string, n, most int) {
	if n == 0 || n > most {
		f.add(at, fmt.Sprintf("must have 1 to %d items", most))
	}
}

func (f *blockFaults) text(at string, t textObject, most int) {
	if t.Type != "mrkdwn" && t.Type != "plain_text" {
		f.add(at+"/type", "must be mrkdwn or plain_text")
	}
	if t.Text == "" {
		f.add(at+"/text", "must be more than 0 characters")
	}
	f.limit(at+"/text", t.Text, most)
}

func (f *blockFaults) check(at string, b block) {
	switch b.Type {
	case "":
		f.add(at, "missing required field: type")
	case "header":
		if b.Text == nil || b.Text.Type != "plain_text" {
			f.add(at+"/text", "must be a plain_text object")
			return
		}
		f.text(at+"/text", *b.Text, maxHeaderText)
	case "section":
		f.section(at, b)
	case "context":
		f.count(at+"/elements", len(b.elements()), maxContextElements)
	case "actions":
		f.count(at+"/elements", len(b.elements()), maxActionElements)
		for i, e := range b.elements() {
			if e.Type == "button" {
				f.text(fmt.Sprintf("%s/elements/%d/text", at, i), e.label(), maxButtonText)
				f.limit(fmt.Sprintf("%s/elements/%d/value", at, i), e.Value, maxButtonValue)
			}
		}
	}
}

func (f *blockFaults) section(at string, b block) {
	if b.Text == nil && len(b.Fields) == 0 {
		f.add(at, "must have text or fields")
	}
	if b.Text != nil {
		f.text(at+"/text", *b.Text, maxSectionText)
	}
	if len(b.Fields) > 0 {
		f.count(at+"/fields", len(b.Fields), maxFields)
	}
	for i, field := range b.Fields {
		f.text(fmt.Sprintf("%s/fields/%d", at, i), field, maxFieldText)
	}
}
