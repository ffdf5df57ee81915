package slack

import (
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Slack's limits, from the reference pages of the blocks and of their elements.
const (
	maxBlocks          = 50
	maxViewBlocks      = 100
	maxSectionText     = 3000
	maxFields          = 10
	maxFieldText       = 2000
	maxHeaderText      = 150
	maxContextElements = 10
	maxActionElements  = 25
	maxLabelText       = 2000
	maxImageURL        = 3000
	maxAltText         = 2000
	maxBlockID         = 255
	// maxBlocksText is in no reference; it is where Slack was seen to answer msg_blocks_too_long.
	maxBlocksText = 13200
)

// checkBlocks refuses with invalid_blocks what Slack would refuse in a message, so that a message that is too long fails
// here and not in the middle of an incident.
func checkBlocks(raw string) *failure {
	list, err := readBlocks(json.RawMessage(raw))
	if err != nil {
		return &failure{code: "invalid_blocks_format"}
	}
	var found blockFaults
	found.all("/blocks", list, maxBlocks)
	if len(found) > 0 {
		return &failure{code: "invalid_blocks", messages: found}
	}
	var tree any
	if json.Unmarshal([]byte(raw), &tree) == nil && lengthOf(tree) > maxBlocksText {
		return &failure{code: "msg_blocks_too_long"}
	}
	return nil
}

// lengthOf counts the characters of all texts.
func lengthOf(node any) int {
	total := 0
	switch n := node.(type) {
	case []any:
		for _, item := range n {
			total += lengthOf(item)
		}
	case map[string]any:
		for key, item := range n {
			if text, ok := item.(string); ok && key == "text" {
				total += utf8.RuneCountInString(text)
			}
			total += lengthOf(item)
		}
	}
	return total
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

// plain is a text that may hold no markup; needed says that it must be there.
func (f *blockFaults) plain(at string, t *textObject, most int, needed bool) {
	switch {
	case t == nil && !needed:
	case t == nil || t.Type != "plain_text":
		f.add(at, "must be a plain_text object")
	default:
		f.text(at, *t, most)
	}
}

// all checks the blocks of a message or a view.
func (f *blockFaults) all(at string, list []block, most int) {
	if len(list) > most {
		f.add(at, fmt.Sprintf("no more than %d items allowed", most))
	}
	seen := make(map[string]bool)
	for i, b := range list {
		here := fmt.Sprintf("%s/%d", at, i)
		if b.BlockID != "" && seen[b.BlockID] {
			f.add(here+"/block_id", "duplicate block_id")
		}
		seen[b.BlockID] = true
		f.limit(here+"/block_id", b.BlockID, maxBlockID)
		f.check(here, b)
		f.uniqueActions(here, b)
	}
}

func (f *blockFaults) uniqueActions(at string, b block) {
	var seen []string
	for _, e := range b.interactive() {
		if e.ActionID != "" && slices.Contains(seen, e.ActionID) {
			f.add(at+"/elements", "duplicate action_id "+e.ActionID)
		}
		seen = append(seen, e.ActionID)
	}
}

func (f *blockFaults) check(at string, b block) {
	switch b.Type {
	case "":
		f.add(at, "missing required field: type")
	case "header":
		f.plain(at+"/text", b.Text, maxHeaderText, true)
	case "section":
		f.section(at, b)
	case "context":
		f.context(at, b)
	case "actions":
		f.count(at+"/elements", len(b.elements()), maxActionElements)
		for i, e := range b.elements() {
			f.element(fmt.Sprintf("%s/elements/%d", at, i), e, "actions")
		}
	case "input":
		f.plain(at+"/label", b.Label, maxLabelText, true)
		f.plain(at+"/hint", b.Hint, maxLabelText, false)
		if b.Element == nil {
			f.add(at+"/element", "missing required field: element")
			return
		}
		f.element(at+"/element", *b.Element, "input")
	case "image":
		f.limit(at+"/image_url", b.ImageURL, maxImageURL)
		f.limit(at+"/alt_text", b.AltText, maxAltText)
		if b.AltText == "" {
			f.add(at, "missing required field: alt_text")
		}
	case "divider", "rich_text", "video", "file", "table", "markdown":
	default:
		f.add(at+"/type", "unsupported type: "+b.Type)
	}
}

func (f *blockFaults) context(at string, b block) {
	f.count(at+"/elements", len(b.elements()), maxContextElements)
	for i, e := range b.elements() {
		here := fmt.Sprintf("%s/elements/%d", at, i)
		switch e.Type {
		case "image":
			f.limit(here+"/alt_text", e.AltText, maxAltText)
		case "mrkdwn", "plain_text":
			f.text(here, e.label(), maxSectionText)
		default:
			f.add(here+"/type", "unsupported type: "+e.Type)
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
	if b.Accessory != nil {
		f.element(at+"/accessory", *b.Accessory, "section")
	}
}
