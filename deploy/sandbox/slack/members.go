package slack

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// maxTopic is Slack's limit for a channel's topic.
const maxTopic = 250

// conversationMembers is conversations.members.
func (s *Server) conversationMembers(args arguments) (reply, *failure) {
	s.workspace.mu.RLock()
	defer s.workspace.mu.RUnlock()
	c := s.workspace.findID(args.text("channel"))
	if c == nil || c.isHidden() {
		return nil, &failure{code: "channel_not_found"}
	}
	all := s.workspace.snapshot(c).Members
	from, to, next, failed := pageOf(args, len(all))
	if failed != nil {
		return nil, failed
	}
	return reply{"members": append([]string{}, all[from:to]...), "response_metadata": reply{"next_cursor": next}}, nil
}

// joinConversation is conversations.join: any public channel, as often as one likes.
func (s *Server) joinConversation(args arguments) (reply, *failure) {
	s.workspace.mu.Lock()
	defer s.workspace.mu.Unlock()
	c := s.workspace.findID(args.text("channel"))
	switch {
	case c == nil || c.isHidden():
		return nil, &failure{code: "channel_not_found"}
	case c.Private:
		return nil, &failure{code: "method_not_supported_for_channel_type"}
	}
	c.admit(botUserID)
	return reply{"channel": s.channelJSON(s.workspace.snapshot(c))}, nil
}

func (c *channel) admit(user string) {
	if !c.everybody {
		c.members[user] = true
	}
}

// inviteToConversation is conversations.invite: all of users, separated by commas, or none.
func (s *Server) inviteToConversation(args arguments) (reply, *failure) {
	users := strings.Split(args.text("users"), ",")
	if args.text("users") == "" {
		return nil, &failure{code: "no_user"}
	}
	s.workspace.mu.Lock()
	defer s.workspace.mu.Unlock()
	c, failed := reached(s.workspace.findID(args.text("channel")))
	switch {
	case failed != nil:
		return nil, failed
	case c.With != "":
		return nil, &failure{code: "method_not_supported_for_channel_type"}
	case slices.Contains(users, botUserID):
		return nil, &failure{code: "cant_invite_self"}
	}
	for _, id := range users {
		switch _, known := s.workspace.people.person(id); {
		case !known:
			return nil, &failure{code: "user_not_found"}
		case c.has(id):
			return nil, &failure{code: "already_in_channel"}
		}
	}
	for _, id := range users {
		c.admit(id)
	}
	return reply{"channel": s.channelJSON(s.workspace.snapshot(c))}, nil
}

// setTopic is conversations.setTopic.
func (s *Server) setTopic(args arguments) (reply, *failure) {
	topic := args.text("topic")
	s.workspace.mu.Lock()
	defer s.workspace.mu.Unlock()
	c, failed := reached(s.workspace.findID(args.text("channel")))
	switch {
	case failed != nil:
		return nil, failed
	case c.With != "":
		return nil, &failure{code: "method_not_supported_for_channel_type"}
	case utf8.RuneCountInString(topic) > maxTopic:
		return nil, &failure{code: "too_long"}
	}
	c.Topic = topic
	return reply{"channel": s.channelJSON(s.workspace.snapshot(c))}, nil
}

// openConversation is conversations.open, for a direct message with one person.
func (s *Server) openConversation(args arguments) (reply, *failure) {
	user := args.text("users")
	switch {
	case user == "":
		return nil, &failure{code: "users_list_not_supplied"}
	case strings.Contains(user, ","):
		return nil, &failure{code: "not_enough_users", messages: []string{"the look-alike has no group messages: name one person"}}
	}
	if _, known := s.workspace.people.person(user); !known {
		return nil, &failure{code: "user_not_found"}
	}
	s.workspace.mu.Lock()
	defer s.workspace.mu.Unlock()
	before := len(s.workspace.channels)
	c := s.workspace.direct(user)
	was := len(s.workspace.channels) == before
	return reply{"channel": reply{"id": c.ID}, "no_op": was, "already_open": was}, nil
}

// Remove takes somebody, the app's bot with AppUser, out of a channel. Removing the bot is how a test makes Slack answer
// not_in_channel.
func (s *Server) Remove(channel, user string) {
	s.workspace.mu.Lock()
	defer s.workspace.mu.Unlock()
	c := s.workspace.find(channel)
	if c == nil {
		return
	}
	if c.everybody {
		c.everybody = false
		for _, id := range s.workspace.people.ids() {
			c.members[id] = true
		}
	}
	delete(c.members, user)
}
