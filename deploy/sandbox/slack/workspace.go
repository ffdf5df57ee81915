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
	Topic   string
	// With is the person of a direct message with the app; empty for a channel.
	With string
	// Members are the ids of those in it, the app's bot among them if it is one.
	Members []string
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
	// Mentions are all that the message's markup addresses, in the order in which they stand.
	Mentions []Mention
}

// Metadata is what an app attaches to a message for programs to read
// (https://docs.slack.dev/messaging/message-metadata).
type Metadata struct {
	EventType    string         `json:"event_type"`
	EventPayload map[string]any `json:"event_payload"`
}

// AppUser is the user id of the app's bot.
const AppUser = "U00FIREBRK"

// The app that every accepted token belongs to.
const (
	botUserID = AppUser
	botID     = "B00FIREBRK"
	appID     = "A00FIREBRK"
	teamID    = "T00SANDBOX"

	teamDomain = "sandbox"
)

type channel struct {
	Channel
	messages []*Message
	last     int64 // microseconds of the newest ts
	// everybody says that the whole workspace is in it, those who join later too; then members is not looked at.
	everybody bool
	members   map[string]bool
}

// workspace is the state: channels, messages and people.
type workspace struct {
	now    func() time.Time
	team   string
	people people

	mu       sync.RWMutex
	channels []*channel
}

func newWorkspace(opts Options) *workspace {
	ws := &workspace{now: opts.Now, team: opts.Team, people: people{botName: opts.BotName, list: slices.Clone(opts.Users)}}
	if ws.now == nil {
		ws.now = time.Now
	}
	if ws.team == "" {
		ws.team = "Sandbox"
	}
	if ws.people.botName == "" {
		ws.people.botName = "firebreak"
	}
	for _, name := range opts.Channels {
		ws.create(strings.TrimPrefix(name, "#"), false)
	}
	for _, c := range ws.channels {
		c.everybody = true
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
	}, members: map[string]bool{botUserID: true}}
	ws.channels = append(ws.channels, made)
	return ws.snapshot(made), true
}

// direct finds or opens the direct message of the app and a person. The caller holds the lock.
func (ws *workspace) direct(user string) *channel {
	for _, c := range ws.channels {
		if c.With == user {
			return c
		}
	}
	made := &channel{
		Channel: Channel{ID: fmt.Sprintf("D%09d", len(ws.channels)+1), With: user, Private: true, Created: ws.now()},
		members: map[string]bool{botUserID: true, user: true},
	}
	ws.channels = append(ws.channels, made)
	return made
}

// snapshot is the channel with its members of now. The caller holds the lock.
func (ws *workspace) snapshot(c *channel) Channel {
	shown := c.Channel
	for _, id := range ws.people.ids() {
		if c.has(id) {
			shown.Members = append(shown.Members, id)
		}
	}
	return shown
}

func (c *channel) has(user string) bool { return c.everybody || c.members[user] }

// isHidden says that the app cannot know of it: it is private and the app is not in it.
func (c *channel) isHidden() bool { return c.Private && !c.has(botUserID) }

// reached refuses what the app may not read or write.
func reached(c *channel) (*channel, *failure) {
	switch {
	case c == nil || c.isHidden():
		return nil, &failure{code: "channel_not_found"}
	case !c.has(botUserID):
		return nil, &failure{code: "not_in_channel"}
	}
	return c, nil
}

// find takes an id, "#name" or name, or the id of a person for the direct message. The caller holds the lock.
func (ws *workspace) find(ref string) *channel {
	name := strings.TrimPrefix(ref, "#")
	for _, c := range ws.channels {
		if ref != "" && (c.ID == ref || (name != "" && c.Name == name) || c.With == ref) {
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

// conversations are the channels and the direct messages.
func (ws *workspace) conversations() []Channel {
	ws.mu.RLock()
	defer ws.mu.RUnlock()
	all := make([]Channel, len(ws.channels))
	for i, c := range ws.channels {
		all[i] = ws.snapshot(c)
	}
	return all
}

// list are the channels alone.
func (ws *workspace) list() []Channel {
	return slices.DeleteFunc(ws.conversations(), func(c Channel) bool { return c.With != "" })
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
	m.Mentions = mentionsIn(m.Text, m.Blocks)
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
