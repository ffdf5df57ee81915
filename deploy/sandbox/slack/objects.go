package slack

import (
	"fmt"
	"slices"
)

// channelJSON is a channel object as the API shows it.
func (s *Server) channelJSON(c Channel) reply {
	return reply{
		"id": c.ID, "name": c.Name, "name_normalized": c.Name, "created": c.Created.Unix(), "creator": botUserID,
		"is_channel": true, "is_group": false, "is_im": false, "is_mpim": false, "is_private": c.Private,
		"is_archived": false, "is_member": true, "num_members": len(s.workspace.users) + 1,
		"context_team_id": teamID, "topic": reply{"value": ""}, "purpose": reply{"value": ""},
	}
}

// messageJSON is a message object as the API shows it. Metadata is left out of
// histories unless it is asked for, as Slack does. The caller holds the lock.
func (s *Server) messageJSON(c *channel, m *Message, withMetadata bool) reply {
	body := reply{
		"type": "message", "user": m.UserID, "bot_id": botID, "app_id": appID, "team": teamID,
		"ts": m.TS, "text": m.Text,
	}
	if m.Blocks != nil {
		body["blocks"] = m.Blocks
	}
	if m.Attachments != nil {
		body["attachments"] = m.Attachments
	}
	if m.Metadata != nil && withMetadata {
		body["metadata"] = m.Metadata
	}
	if !m.Edited.IsZero() {
		body["edited"] = reply{"user": botUserID, "ts": formatEdited(m)}
	}
	if m.ThreadTS == "" {
		return body
	}
	body["thread_ts"] = m.ThreadTS
	if m.isReply() {
		body["parent_user_id"] = botUserID
		return body
	}
	replies := c.thread(m.TS)[1:]
	body["reply_count"] = len(replies)
	if len(replies) > 0 {
		users := []string{}
		for _, r := range replies {
			if !slices.Contains(users, r.UserID) {
				users = append(users, r.UserID)
			}
		}
		body["reply_users"] = users
		body["latest_reply"] = replies[len(replies)-1].TS
	}
	return body
}

func formatEdited(m *Message) string {
	return fmt.Sprintf("%d.%06d", m.Edited.Unix(), m.Edited.Nanosecond()/1000)
}

// authTest is auth.test.
func (s *Server) authTest(arguments) (reply, *failure) {
	return reply{
		"url": "https://sandbox.slack.example/", "team": s.workspace.team, "team_id": teamID,
		"user": s.workspace.botName, "user_id": botUserID, "bot_id": botID, "is_enterprise_install": false,
	}, nil
}

// userInfo is users.info.
func (s *Server) userInfo(args arguments) (reply, *failure) {
	u := s.workspace.user(args.text("user"))
	if u == nil {
		return nil, &failure{code: "user_not_found"}
	}
	return reply{"user": userJSON(*u)}, nil
}

// lookupByEmail is users.lookupByEmail.
func (s *Server) lookupByEmail(args arguments) (reply, *failure) {
	email := args.text("email")
	i := slices.IndexFunc(s.workspace.users, func(u User) bool { return email != "" && u.Email == email })
	if i < 0 {
		return nil, &failure{code: "users_not_found"}
	}
	return reply{"user": userJSON(s.workspace.users[i])}, nil
}

// user finds a person or the app's own bot user.
func (ws *workspace) user(id string) *User {
	if id == botUserID {
		return &User{ID: botUserID, Name: ws.botName, RealName: ws.botName}
	}
	i := slices.IndexFunc(ws.users, func(u User) bool { return id != "" && u.ID == id })
	if i < 0 {
		return nil
	}
	return &ws.users[i]
}

func userJSON(u User) reply {
	return reply{
		"id": u.ID, "team_id": teamID, "name": u.Name, "real_name": u.RealName, "deleted": false,
		"is_bot": u.ID == botUserID, "tz": "Etc/UTC",
		"profile": reply{"real_name": u.RealName, "display_name": u.Name, "email": u.Email},
	}
}
