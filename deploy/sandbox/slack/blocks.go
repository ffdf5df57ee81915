package slack

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// block is what the checks, the interactions and the pages read of a Block Kit block
// (https://docs.slack.dev/reference/block-kit/blocks).
type block struct {
	Type     string          `json:"type"`
	BlockID  string          `json:"block_id"`
	Text     *textObject     `json:"text"`
	Fields   []textObject    `json:"fields"`
	Elements json.RawMessage `json:"elements"`
	AltText  string          `json:"alt_text"`
	ImageURL string          `json:"image_url"`
	// Accessory is the element beside a section's text, Element the one of an input.
	Accessory *element    `json:"accessory"`
	Element   *element    `json:"element"`
	Label     *textObject `json:"label"`
	Hint      *textObject `json:"hint"`
	Optional  bool        `json:"optional"`
	// DispatchAction lets an input send block_actions when it changes.
	DispatchAction bool `json:"dispatch_action"`
}

type textObject struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// interactive are the elements with which a person can act, wherever the block holds them.
func (b block) interactive() []element {
	switch b.Type {
	case "actions":
		return b.elements()
	case "section":
		if b.Accessory != nil && b.Accessory.Type != "image" {
			return []element{*b.Accessory}
		}
	case "input":
		if b.Element != nil {
			return []element{*b.Element}
		}
	}
	return nil
}

// elements are those of a context's or of an actions block.
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

// identified are the blocks with the ids that Slack makes up for those that have none.
func identified(raw json.RawMessage) []block {
	list, err := readBlocks(withIDs(raw))
	if err != nil {
		return nil
	}
	return list
}

// withIDs makes up a block_id for each block and an action_id for each element that has none, as Slack does in what it
// returns. The same blocks always get the same ids.
func withIDs(raw json.RawMessage) json.RawMessage {
	var list []map[string]any
	if json.Unmarshal(raw, &list) != nil {
		return raw
	}
	name := func(m map[string]any, key, made string) {
		if s, _ := m[key].(string); s == "" && m != nil {
			m[key] = made
		}
	}
	for i, b := range list {
		name(b, "block_id", fmt.Sprintf("auto%d", i))
		if accessory, ok := b["accessory"].(map[string]any); ok && accessory["type"] != "image" {
			name(accessory, "action_id", "auto0")
		}
		if input, ok := b["element"].(map[string]any); ok {
			name(input, "action_id", "auto0")
		}
		if elements, ok := b["elements"].([]any); ok && b["type"] == "actions" {
			for j, e := range elements {
				if e, ok := e.(map[string]any); ok {
					name(e, "action_id", fmt.Sprintf("auto%d", j))
				}
			}
		}
	}
	return encode(list)
}

// find returns the element that key names: "block_id/action_id", an action_id, or the block_id of a block with one
// element. The first of each wins, in that order.
func find(blocks []block, key string) (block, element, bool) {
	same := []func(b block, e element) bool{
		func(b block, e element) bool { return b.BlockID+"/"+e.ActionID == key },
		func(_ block, e element) bool { return e.ActionID == key },
		func(b block, _ element) bool { return b.BlockID == key && len(b.interactive()) == 1 },
	}
	for _, is := range same {
		for _, b := range blocks {
			for _, e := range b.interactive() {
				if is(b, e) {
					return b, e, true
				}
			}
		}
	}
	return block{}, element{}, false
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
