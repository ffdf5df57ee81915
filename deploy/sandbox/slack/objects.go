package slack

import (
	"fmt"
	"slices"
)

// channelJSON is a channel object as the API shows it.
func (s *Server) channelJSON(c Channel) reply {
	if c.With != "" {
		return reply{"id": c.ID, "created": c.Created.Unix(), "is_im": true, "user": c.With, "context_team_id": teamID}
	}
	return reply{
		"id": c.ID, "name": c.Name, "name_normalized": c.Name, "created": c.Created.Unix(), "creator": botUserID,
		"is_channel": true, "is_group": false, "is_im": false, "is_mpim": false, "is_private": c.Private,
		"is_archived": false, "is_member": slices.Contains(c.Members, botUserID), "num_members": len(c.Members),
		"context_team_id": teamID, "topic": reply{"value": c.Topic}, "purpose": reply{"value": ""},
	}
}

// messageJSON is a message object as the API shows it. Metadata is left out of
// histories unless it is asked for, as Slack does. The caller holds the lock.
func (s *Server) messageJSON(c *channel, m *Message, withMetadata bool) reply {
	body := reply{
		"type": "message", "user": m.UserID, "team": teamID, "ts": m.TS, "text": m.Text,
	}
	if m.UserID == botUserID {
		body["bot_id"], body["app_id"] = botID, appID
	}
	if m.Blocks != nil {
		body["blocks"] = withIDs(m.Blocks)
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
		if root := c.message(m.ThreadTS); root != nil {
			body["parent_user_id"] = root.UserID
		}
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
		"user": s.workspace.people.botName, "user_id": botUserID, "bot_id": botID, "is_enterprise_install": false,
	}, nil
}
