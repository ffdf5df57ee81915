package slack

import (
	"encoding/json"
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
	c := s.workspace.find(args.text("channel"))
	if c == nil {
		return nil, &failure{code: "channel_not_found"}
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
	c := s.workspace.findID(args.text("channel"))
	if c == nil {
		return nil, &failure{code: "channel_not_found"}
	}
	m := c.message(args.text("ts"))
	if m == nil {
		return nil, &failure{code: "message_not_found"}
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
	c := s.workspace.find(args.text("channel"))
	if c == nil {
		return nil, &failure{code: "channel_not_found"}
	}
	user := args.text("user")
	if s.workspace.user(user) == nil {
		return nil, &failure{code: "user_not_in_channel"}
	}
	m.EphemeralFor = user
	m.ThreadTS = args.text("thread_ts")
	s.workspace.add(c, m)
	return reply{"message_ts": m.TS}, nil
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
