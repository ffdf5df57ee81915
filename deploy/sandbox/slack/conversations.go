package slack

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
)

// listConversations is conversations.list.
func (s *Server) listConversations(args arguments) (reply, *failure) {
	types := strings.Split(args.text("types"), ",")
	if args.text("types") == "" {
		types = []string{"public_channel"}
	}
	var wanted []Channel
	for _, c := range s.workspace.conversations() {
		if c.kind() == "public_channel" || slices.Contains(c.Members, botUserID) {
			if slices.Contains(types, c.kind()) {
				wanted = append(wanted, c)
			}
		}
	}
	from, to, next, failed := pageOf(args, len(wanted))
	if failed != nil {
		return nil, failed
	}
	page := make([]reply, 0, to-from)
	for _, c := range wanted[from:to] {
		page = append(page, s.channelJSON(c))
	}
	return reply{"channels": page, "response_metadata": reply{"next_cursor": next}}, nil
}

// kind is the word for the conversation in the argument types of conversations.list.
func (c Channel) kind() string {
	switch {
	case c.With != "":
		return "im"
	case c.Private:
		return "private_channel"
	}
	return "public_channel"
}

// createConversation is conversations.create.
func (s *Server) createConversation(args arguments) (reply, *failure) {
	name := args.text("name")
	switch {
	case name == "":
		return nil, &failure{code: "invalid_name_required"}
	case len([]rune(name)) > 80:
		return nil, &failure{code: "invalid_name_maxlength"}
	case !channelName().MatchString(name):
		return nil, &failure{code: "invalid_name_specials"}
	}
	c, free := s.workspace.create(name, args.flag("is_private"))
	if !free {
		return nil, &failure{code: "name_taken"}
	}
	return reply{"channel": s.channelJSON(c)}, nil
}

// channelName is lower-case letters of any script, digits, hyphens and underscores.
func channelName() *regexp.Regexp { return regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{Nd}_-]+$`) }

// conversationInfo is conversations.info.
func (s *Server) conversationInfo(args arguments) (reply, *failure) {
	s.workspace.mu.RLock()
	defer s.workspace.mu.RUnlock()
	c := s.workspace.findID(args.text("channel"))
	if c == nil || c.isHidden() {
		return nil, &failure{code: "channel_not_found"}
	}
	return reply{"channel": s.channelJSON(s.workspace.snapshot(c))}, nil
}

// conversationHistory is conversations.history: newest first, replies left out.
func (s *Server) conversationHistory(args arguments) (reply, *failure) {
	limit, failed := args.number("limit", 100, 999)
	if failed != nil {
		return nil, failed
	}
	s.workspace.mu.RLock()
	defer s.workspace.mu.RUnlock()
	c, failed := reached(s.workspace.findID(args.text("channel")))
	if failed != nil {
		return nil, failed
	}
	var found []*Message
	for _, m := range slices.Backward(c.messages) {
		if m.EphemeralFor == "" && !m.isReply() && inWindow(args, m.TS) {
			found = append(found, m)
		}
	}
	return s.messagePage(args, c, found, limit)
}

// conversationReplies is conversations.replies: the first message, then its replies.
func (s *Server) conversationReplies(args arguments) (reply, *failure) {
	limit, failed := args.number("limit", 1000, 1000)
	if failed != nil {
		return nil, failed
	}
	s.workspace.mu.RLock()
	defer s.workspace.mu.RUnlock()
	c, failed := reached(s.workspace.findID(args.text("channel")))
	if failed != nil {
		return nil, failed
	}
	asked := c.message(args.text("ts"))
	if asked == nil {
		return nil, &failure{code: "thread_not_found"}
	}
	root := asked.TS
	if asked.isReply() {
		root = asked.ThreadTS
	}
	var found []*Message
	for _, m := range c.thread(root) {
		if m.TS == root || inWindow(args, m.TS) {
			found = append(found, m)
		}
	}
	return s.messagePage(args, c, found, limit)
}

// inWindow applies oldest and latest; the ends count only with inclusive.
func inWindow(args arguments, ts string) bool {
	oldest, latest := args.text("oldest"), args.text("latest")
	if args.flag("inclusive") {
		return (oldest == "" || compareTS(ts, oldest) >= 0) && (latest == "" || compareTS(ts, latest) <= 0)
	}
	return (oldest == "" || compareTS(ts, oldest) > 0) && (latest == "" || compareTS(ts, latest) < 0)
}

// compareTS compares "seconds.micros" as numbers, whatever their widths.
func compareTS(a, b string) int {
	secondsA, microsA, _ := strings.Cut(a, ".")
	secondsB, microsB, _ := strings.Cut(b, ".")
	secondsA, secondsB = strings.TrimLeft(secondsA, "0"), strings.TrimLeft(secondsB, "0")
	if len(secondsA) != len(secondsB) {
		return len(secondsA) - len(secondsB)
	}
	if order := strings.Compare(secondsA, secondsB); order != 0 {
		return order
	}
	return strings.Compare(strings.TrimRight(microsA, "0"), strings.TrimRight(microsB, "0"))
}

// messagePage cuts one page out of found. Its cursor names the first message
// of the next page, so messages posted meanwhile do not shift it.
func (s *Server) messagePage(args arguments, c *channel, found []*Message, limit int) (reply, *failure) {
	if cursor := args.text("cursor"); cursor != "" {
		ts := readCursor(cursor, "next_ts:")
		from := slices.IndexFunc(found, func(m *Message) bool { return m.TS == ts })
		if from < 0 {
			return nil, &failure{code: "invalid_cursor"}
		}
		found = found[from:]
	}
	next := ""
	if len(found) > limit {
		next = makeCursor("next_ts:", found[limit].TS)
		found = found[:limit]
	}
	page := make([]reply, len(found))
	for i, m := range found {
		page[i] = s.messageJSON(c, m, args.flag("include_all_metadata"))
	}
	return reply{"messages": page, "has_more": next != "", "response_metadata": reply{"next_cursor": next}}, nil
}

func makeCursor(kind, at string) string { return base64.StdEncoding.EncodeToString([]byte(kind + at)) }

func readCursor(cursor, kind string) string {
	raw, err := base64.StdEncoding.DecodeString(cursor)
	if err != nil {
		return ""
	}
	at, ok := strings.CutPrefix(string(raw), kind)
	if !ok {
		return ""
	}
	return at
}
