package slackui

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"
)

// checker holds what is built against Slack's reference (https://docs.slack.dev/reference/block-kit) and against the rule
// that no foreign text is markup.
type checker struct {
	t *testing.T
	// mention are the only people who may be called.
	mention []string
	faults  []string
}

func (c *checker) fault(at, format string, args ...any) {
	c.faults = append(c.faults, at+": "+fmt.Sprintf(format, args...))
}

// constant is what our own markup looks like.
var constant = regexp.MustCompile(`^\*[A-Za-z ]+\.?( No production system is touched\.)?\*$`)

// bare is an & < > that is not escaped.
var bare = regexp.MustCompile(`[<>]|&(?:[^agl]|a[^m]|g[^t]|l[^t]|$)`)

func checkMessage(t *testing.T, m Message, mention ...string) {
	t.Helper()
	c := &checker{t: t, mention: mention}
	if m.Text == "" || utf8.RuneCountInString(m.Text) > 40_000 || !utf8.ValidString(m.Text) {
		c.fault("text", "%d characters", utf8.RuneCountInString(m.Text))
	}
	if found := bare.FindString(m.Text); found != "" {
		c.fault("text", "%q is not escaped in %q", found, m.Text)
	}
	c.blocks(m.Blocks, 50)
	if n := weight(m.Blocks); n > 13_000 {
		c.fault("blocks", "%d characters altogether", n)
	}
	require.Empty(t, c.faults)
}

func checkModal(t *testing.T, v *slack.ModalViewRequest) {
	t.Helper()
	c := &checker{t: t}
	c.length("title", v.Title.Text, 24)
	c.length("submit", v.Submit.Text, 24)
	c.length("close", v.Close.Text, 24)
	if len(v.PrivateMetadata) > 3000 || len(v.CallbackID) > 255 {
		c.fault("metadata", "too long")
	}
	c.blocks(v.Blocks.BlockSet, 100)
	require.Empty(t, c.faults)
}

func (c *checker) blocks(blocks []slack.Block, most int) {
	raw, err := json.Marshal(blocks)
	require.NoError(c.t, err)
	var list []map[string]any
	require.NoError(c.t, json.Unmarshal(raw, &list))
	if len(list) == 0 || len(list) > most {
		c.fault("blocks", "%d of them", len(list))
	}
	ids := map[string]bool{}
	for i, b := range list {
		at := fmt.Sprintf("block %d (%v)", i, b["type"])
		if id, _ := b["block_id"].(string); id != "" {
			if ids[id] || len(id) > 255 {
				c.fault(at, "block_id %q", id)
			}
			ids[id] = true
		}
		c.block(at, b)
		c.texts(at, b)
	}
}

func (c *checker) block(at string, b map[string]any) {
	elements, _ := b["elements"].([]any)
	switch b["type"] {
	case "header":
		c.text(at, b["text"], 150)
	case "section":
		fields, _ := b["fields"].([]any)
		if b["text"] == nil && len(fields) == 0 || len(fields) > 10 {
			c.fault(at, "text %v and %d fields", b["text"], len(fields))
		}
		if b["text"] != nil {
			c.text(at, b["text"], 3000)
		}
		for _, f := range fields {
			c.text(at, f, 2000)
		}
		if b["accessory"] != nil {
			c.element(at, b["accessory"])
		}
	case "context":
		if len(elements) == 0 || len(elements) > 10 {
			c.fault(at, "%d elements", len(elements))
		}
		for _, e := range elements {
			c.text(at, e, 3000)
		}
	case "actions":
		if len(elements) == 0 || len(elements) > 25 {
			c.fault(at, "%d elements", len(elements))
		}
		seen := map[any]bool{}
		for _, e := range elements {
			id := e.(map[string]any)["action_id"]
			if seen[id] {
				c.fault(at, "action_id %v twice", id)
			}
			seen[id] = true
			c.element(at, e)
		}
	case "input":
		c.text(at, b["label"], 2000)
		if b["hint"] != nil {
			c.text(at, b["hint"], 2000)
		}
		c.element(at, b["element"])
	default:
		c.fault(at, "is not built here")
	}
}

func (c *checker) element(at string, value any) {
	e := value.(map[string]any)
	if id, _ := e["action_id"].(string); id == "" || len(id) > 255 {
		c.fault(at, "action_id %q", id)
	}
	if e["type"] == "button" {
		c.text(at, e["text"], 75)
	}
	if e["placeholder"] != nil {
		c.text(at, e["placeholder"], 150)
	}
	text, _ := e["value"].(string)
	c.length(at+" value", text, 2000)
	url, _ := e["url"].(string)
	c.length(at+" url", url, 3000)
	if confirm, ok := e["confirm"].(map[string]any); ok {
		c.text(at, confirm["title"], 100)
		c.text(at, confirm["text"], 300)
		c.text(at, confirm["confirm"], 30)
		c.text(at, confirm["deny"], 30)
	}
	options, _ := e["options"].([]any)
	if len(options) > 100 || e["type"] == "static_select" && len(options) == 0 {
		c.fault(at, "%d options", len(options))
	}
	for _, o := range options {
		entry := o.(map[string]any)
		c.text(at, entry["text"], 75)
		value, _ := entry["value"].(string)
		if value == "" {
			c.fault(at, "an option without a value")
		}
		c.length(at+" option", value, 150)
	}
}

func (c *checker) text(at string, value any, most int) {
	object, _ := value.(map[string]any)
	text, _ := object["text"].(string)
	if text == "" {
		c.fault(at, "an empty text")
	}
	c.length(at, text, most)
}

func (c *checker) length(at, text string, most int) {
	if n := utf8.RuneCountInString(text); n > most {
		c.fault(at, "%d characters, more than %d", n, most)
	}
}

// texts walks everything: markup is a constant of ours or calls the people who are to be called.
func (c *checker) texts(at string, value any) {
	switch v := value.(type) {
	case []any:
		for _, e := range v {
			c.texts(at, e)
		}
	case map[string]any:
		text, _ := v["text"].(string)
		switch v["type"] {
		case "mrkdwn":
			if !constant.MatchString(text) && text != Mentions(c.mention) {
				c.fault(at, "%q is markup", text)
			}
		case "plain_text":
			if emoji, _ := v["emoji"].(bool); emoji {
				c.fault(at, "%q turns :names: into emoji", text)
			}
			if strings.ContainsAny(text, "\u202e\u200b\x00\r\t") {
				c.fault(at, "%q has invisible characters", text)
			}
		}
		for _, e := range v {
			c.texts(at, e)
		}
	}
}
