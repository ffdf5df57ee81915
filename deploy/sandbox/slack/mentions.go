package slack

import (
	"encoding/json"
	"regexp"
	"strings"
)

// Mention is somebody or something that a message's markup addresses. A test that feeds hostile text to an app asserts
// that no message holds one which the app did not mean.
type Mention struct {
	// Kind is user, channel, group, or broadcast for here, channel and everyone.
	Kind string
	// ID is the user's, channel's or group's id, or the word of the broadcast.
	ID string
	// Guessed says that no markup was written: Slack finds names such as @here in mrkdwn that is not verbatim.
	Guessed bool
}

// mentionsIn reads the text and every piece of markup in the blocks.
func mentionsIn(text string, blocks json.RawMessage) []Mention {
	found := mentionsOf(text, true)
	var tree any
	if json.Unmarshal(blocks, &tree) == nil {
		found = append(found, mentionsOfNode(tree)...)
	}
	return found
}

// mentionsOfNode looks for mrkdwn objects and for the elements of rich text, wherever they stand.
func mentionsOfNode(node any) []Mention {
	var found []Mention
	switch n := node.(type) {
	case []any:
		for _, item := range n {
			found = append(found, mentionsOfNode(item)...)
		}
	case map[string]any:
		text := func(key string) string { s, _ := n[key].(string); return s }
		switch text("type") {
		case "mrkdwn":
			return mentionsOf(text("text"), n["verbatim"] == true)
		case "markdown":
			return mentionsOf(text("text"), false)
		case "user":
			return []Mention{{Kind: "user", ID: text("user_id")}}
		case "usergroup":
			return []Mention{{Kind: "group", ID: text("usergroup_id")}}
		case "channel":
			return []Mention{{Kind: "channel", ID: text("channel_id")}}
		case "broadcast":
			return []Mention{{Kind: "broadcast", ID: text("range")}}
		}
		for _, key := range sortedKeys(n) {
			found = append(found, mentionsOfNode(n[key])...)
		}
	}
	return found
}

func mentionsOf(text string, verbatim bool) []Mention {
	var found []Mention
	for _, match := range mentionMarkup().FindAllStringSubmatch(text, -1) {
		target := match[1]
		switch {
		case target[0] == '@':
			found = append(found, Mention{Kind: "user", ID: target[1:]})
		case target[0] == '#':
			found = append(found, Mention{Kind: "channel", ID: target[1:]})
		case strings.HasPrefix(target, "!subteam^"):
			found = append(found, Mention{Kind: "group", ID: strings.TrimPrefix(target, "!subteam^")})
		case !strings.HasPrefix(target, "!date^"):
			found = append(found, Mention{Kind: "broadcast", ID: target[1:]})
		}
	}
	if verbatim {
		return found
	}
	for _, match := range mentionWords().FindAllStringSubmatch(text, -1) {
		found = append(found, Mention{Kind: "broadcast", ID: match[1], Guessed: true})
	}
	return found
}

func mentionMarkup() *regexp.Regexp { return regexp.MustCompile(`<([@#!][^|>]+)(?:\|[^>]*)?>`) }

func mentionWords() *regexp.Regexp {
	return regexp.MustCompile(`(?:^|[^\w<!@])@(here|channel|everyone)\b`)
}
