package slack

import (
	"encoding/json"
	"slices"
	"unicode/utf8"
)

// Slack refuses a longer text (https://docs.slack.dev/reference/methods/chat.postMessage).
const maxText = 40_000

// postMessage is chat.postMessage. Its channel may be a name as well as an id.
func (s *Server) postMessage(args arguments) (reply, *failure) {
	m, failed := readMessage(args)
	if failed == nil && m.isEmpty() {
		failed = &failure{code: "no_text"}
	}
	if failed != nil {
		return nil, failed
	}
	s.workspace.mu.Lock()
	defer s.workspace.mu.Unlock()
	c, failed := s.addressed(args.text("channel"))
	if failed != nil {
		return nil, failed
	}
	if ts := args.text("thread_ts"); ts != "" {
		root := c.message(ts)
		if root == nil {
			return nil, &failure{code: "thread_not_found"}
		}
		m.ThreadTS = root.TS
		if root.isReply() {
			m.ThreadTS = root.ThreadTS
		}
	}
	s.workspace.add(c, m)
	if root := c.message(m.ThreadTS); root != nil {
		root.ThreadTS = root.TS
	}
	return reply{"channel": c.ID, "ts": m.TS, "message": s.messageJSON(c, m, true)}, nil
}

// updateMessage is chat.update: what is not given stays as it was, an empty
// array of blocks removes them.
func (s *Server) updateMessage(args arguments) (reply, *failure) {
	change, failed := readMessage(args)
	if failed == nil && !args.has("text") && !args.has("blocks") && !args.has("attachments") {
		failed = &failure{code: "no_text"}
	}
	if failed != nil {
		return nil, failed
	}
	s.workspace.mu.Lock()
	defer s.workspace.mu.Unlock()
	c, m, failed := s.ownMessage(args, "cant_update_message")
	if failed != nil {
		return nil, failed
	}
	if args.has("text") {
		m.Text = change.Text
	}
	if args.has("blocks") {
		m.Blocks = change.Blocks
	}
	if args.has("attachments") {
		m.Attachments = change.Attachments
	}
	if args.has("metadata") {
		m.Metadata = change.Metadata
	}
	m.Edited = s.workspace.now()
	m.Mentions = mentionsIn(m.Text, m.Blocks)
	return reply{"channel": c.ID, "ts": m.TS, "text": m.Text, "message": s.messageJSON(c, m, true)}, nil
}

// postEphemeral is chat.postEphemeral: kept for the pages, never in a history.
func (s *Server) postEphemeral(args arguments) (reply, *failure) {
	m, failed := readMessage(args)
	if failed == nil && m.isEmpty() {
		failed = &failure{code: "no_text"}
	}
	if failed != nil {
		return nil, failed
	}
	s.workspace.mu.Lock()
	defer s.workspace.mu.Unlock()
	c, failed := s.addressed(args.text("channel"))
	if failed != nil {
		return nil, failed
	}
	user := args.text("user")
	if _, known := s.workspace.people.person(user); !known || !c.has(user) {
		return nil, &failure{code: "user_not_in_channel"}
	}
	m.EphemeralFor = user
	m.ThreadTS = args.text("thread_ts")
	s.workspace.add(c, m)
	return reply{"message_ts": m.TS}, nil
}

// addressed finds the conversation that a message is posted to; a person's id opens the direct message. The caller
// holds the lock.
func (s *Server) addressed(ref string) (*channel, *failure) {
	if _, isPerson := s.workspace.people.person(ref); isPerson {
		return s.workspace.direct(ref), nil
	}
	return reached(s.workspace.find(ref))
}

// ownMessage finds a message that the app itself posted. The caller holds the lock.
func (s *Server) ownMessage(args arguments, foreign string) (*channel, *Message, *failure) {
	c, failed := reached(s.workspace.findID(args.text("channel")))
	if failed != nil {
		return nil, nil, failed
	}
	m := c.message(args.text("ts"))
	switch {
	case m == nil:
		return nil, nil, &failure{code: "message_not_found"}
	case m.UserID != botUserID:
		return nil, nil, &failure{code: foreign}
	}
	return c, m, nil
}

// deleteMessage is chat.delete.
func (s *Server) deleteMessage(args arguments) (reply, *failure) {
	s.workspace.mu.Lock()
	defer s.workspace.mu.Unlock()
	c, m, failed := s.ownMessage(args, "cant_delete_message")
	if failed != nil {
		return nil, failed
	}
	c.remove(m)
	return reply{"channel": c.ID, "ts": m.TS}, nil
}

// remove takes a message away. The caller holds the lock.
func (c *channel) remove(gone *Message) {
	c.messages = slices.DeleteFunc(c.messages, func(m *Message) bool { return m == gone })
}

// permalink is chat.getPermalink. It leads to the page of the look-alike.
func (s *Server) permalink(args arguments) (reply, *failure) {
	s.workspace.mu.RLock()
	defer s.workspace.mu.RUnlock()
	c, failed := reached(s.workspace.findID(args.text("channel")))
	if failed != nil {
		return nil, failed
	}
	m := c.message(args.text("message_ts"))
	if m == nil {
		return nil, &failure{code: "message_not_found"}
	}
	return reply{"channel": c.ID, "permalink": s.address() + "/channels/" + c.Name + "#" + anchor(m.TS)}, nil
}

// readMessage takes the content of a message from the arguments.
func readMessage(args arguments) (*Message, *failure) {
	m := &Message{UserID: botUserID, Text: args.text("text")}
	if utf8.RuneCountInString(m.Text) > maxText {
		return nil, &failure{code: "msg_too_long"}
	}
	if raw := args.text("blocks"); raw != "" {
		if failed := checkBlocks(raw); failed != nil {
			return nil, failed
		}
		m.Blocks = keepArray(raw)
	}
	if raw := args.text("attachments"); raw != "" {
		if !json.Valid([]byte(raw)) {
			return nil, &failure{code: "invalid_attachments"}
		}
		m.Attachments = keepArray(raw)
	}
	return m, readMetadata(args.text("metadata"), m)
}

// isEmpty says that there is nothing to show.
func (m *Message) isEmpty() bool { return m.Text == "" && m.Blocks == nil && m.Attachments == nil }

// keepArray drops an empty array, which removes what was there.
func keepArray(raw string) json.RawMessage {
	var items []json.RawMessage
	if json.Unmarshal([]byte(raw), &items) == nil && len(items) == 0 {
		return nil
	}
	return json.RawMessage(raw)
}

func readMetadata(raw string, m *Message) *failure {
	if raw == "" || raw == "{}" {
		return nil
	}
	var meta Metadata
	if err := json.Unmarshal([]byte(raw), &meta); err != nil || meta.EventType == "" || meta.EventPayload == nil {
		return &failure{code: "invalid_metadata_format"}
	}
	m.Metadata = &meta
	return nil
}
