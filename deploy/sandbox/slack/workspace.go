package slack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Channel is one conversation of the workspace.
type Channel struct {
	ID      string
	Name    string
	Private bool
	Created time.Time
}

// Message is one message as it stands now.
type Message struct {
	ChannelID string
	// TS is Slack's id of the message in its channel, such as "1700000000.000100".
	TS string
	// ThreadTS is the TS of the thread's first message; empty outside threads.
	ThreadTS string
	UserID   string
	Text     string
	// Blocks and Attachments are the JSON arrays as they were sent, nil if there were none.
	Blocks      json.RawMessage
	Attachments json.RawMessage
	Metadata    *Metadata
	// Edited is the time of the last chat.update; zero if there was none.
	Edited time.Time
	// EphemeralFor is the only user who sees the message; empty for a normal one.
	EphemeralFor string
}

// Metadata is what an app attaches to a message for programs to read
// (https://docs.slack.dev/messaging/message-metadata).
type Metadata struct {
	EventType    string         `json:"event_type"`
	EventPayload map[string]any `json:"event_payload"`
}

// The app that every accepted token belongs to.
const (
	botUserID = "U00FIREBRK"
	botID     = "B00FIREBRK"
	appID     = "A00FIREBRK"
	teamID    = "T00SANDBOX"
)

type channel struct {
	Channel
	messages []*Message
	last     int64 // microseconds of the newest ts
}

// workspace is the state: channels, messages and people.
type workspace struct {
	now     func() time.Time
	team    string
	botName string
	users   []User

	mu       sync.RWMutex
	channels []*channel
}

func newWorkspace(opts Options) *workspace {
	ws := &workspace{now: opts.Now, team: opts.Team, botName: opts.BotName, users: slices.Clone(opts.Users)}
	if ws.now == nil {
		ws.now = time.Now
	}
	if ws.team == "" {
		ws.team = "Sandbox"
	}
	if ws.botName == "" {
		ws.botName = "firebreak"
	}
	for _, name := range opts.Channels {
		ws.create(strings.TrimPrefix(name, "#"), false)
	}
	return ws
}

// create adds a channel and says whether the name was free.
func (ws *workspace) create(name string, private bool) (Channel, bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.find(name) != nil {
		return Channel{}, false
	}
	made := &channel{Channel: Channel{
		ID: fmt.Sprintf("C%09d", len(ws.channels)+1), Name: name, Private: private, Created: ws.now(),
	}}
	ws.channels = append(ws.channels, made)
	return made.Channel, true
}

// find takes an id, "#name" or name. The caller holds the lock.
func (ws *workspace) find(ref string) *channel {
	name := strings.TrimPrefix(ref, "#")
	for _, c := range ws.channels {
		if c.ID == ref || c.Name == name {
			return c
		}
	}
	return nil
}

// findID takes an id alone, as every method but the posting ones does.
func (ws *workspace) findID(id string) *channel {
	for _, c := range ws.channels {
		if c.ID == id {
			return c
		}
	}
	return nil
}

func (ws *workspace) list() []Channel {
	ws.mu.RLock()
	defer ws.mu.RUnlock()
	all := make([]Channel, len(ws.channels))
	for i, c := range ws.channels {
		all[i] = c.Channel
	}
	return all
}

func (ws *workspace) messages(ref string) []Message {
	ws.mu.RLock()
	defer ws.mu.RUnlock()
	c := ws.find(ref)
	if c == nil {
		return nil
	}
	all := make([]Message, len(c.messages))
	for i, m := range c.messages {
		all[i] = *m
	}
	return all
}

// add gives the message its ts and stores it. The caller holds the lock.
func (ws *workspace) add(c *channel, m *Message) {
	c.last = max(ws.now().UnixMicro(), c.last+1)
	m.TS = fmt.Sprintf("%d.%06d", c.last/1_000_000, c.last%1_000_000)
	m.ChannelID = c.ID
	c.messages = append(c.messages, m)
}

// message finds a message that everybody sees. The caller holds the lock.
func (c *channel) message(ts string) *Message {
	for _, m := range c.messages {
		if m.TS == ts && m.EphemeralFor == "" {
			return m
		}
	}
	return nil
}

// thread returns the first message and its replies, oldest first, where root
// is the first message's ts. The caller holds the lock.
func (c *channel) thread(root string) []*Message {
	var found []*Message
	for _, m := range c.messages {
		if m.EphemeralFor == "" && (m.TS == root || m.ThreadTS == root) {
			found = append(found, m)
		}
	}
	return found
}

// isReply tells a thread's reply from its first message.
func (m *Message) isReply() bool { return m.ThreadTS != "" && m.ThreadTS != m.TS }

// userName is what a page shows for a user id.
func (ws *workspace) userName(id string) string {
	if id == botUserID {
		return ws.botName
	}
	for _, u := range ws.users {
		if u.ID == id {
			if u.RealName != "" {
				return u.RealName
			}
			return u.Name
		}
	}
	return id
}
