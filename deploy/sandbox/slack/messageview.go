package slack

import (
	"strconv"
	"strings"
	"time"
)

type messageView struct {
	ID       string
	TS       string
	Author   string
	IsApp    bool
	At       time.Time
	Edited   bool
	OnlyFor  string
	Text     []span
	Blocks   []blockView
	Metadata string
	Replies  []messageView
	// Actor can reply, if it is a person's page and the message begins or may begin a thread.
	Actor actor
}

// actor is who acts upon what a page shows, and where it stands. The zero value is an observer, who cannot.
type actor struct {
	User    string
	Channel string
	TS      string
	// Surface is message, home or modal.
	Surface string
}

// CanAct says that the page is a person's.
func (a actor) CanAct() bool { return a.User != "" }

// messageViews puts replies under the message that they answer.
func (s *Server) messageViews(messages []Message, who actor) []messageView {
	var roots []messageView
	place := make(map[string]int)
	for _, m := range messages {
		shown := s.messageView(m, who)
		root, isKnown := place[m.ThreadTS]
		if m.ThreadTS != "" && m.ThreadTS != m.TS && isKnown {
			roots[root].Replies = append(roots[root].Replies, shown)
			continue
		}
		place[m.TS] = len(roots)
		roots = append(roots, shown)
	}
	return roots
}

func (s *Server) messageView(m Message, who actor) messageView {
	if who.CanAct() {
		who.Channel, who.TS, who.Surface = m.ChannelID, m.TS, "message"
	}
	shown := messageView{
		ID: anchor(m.TS), TS: m.TS, Author: s.workspace.people.name(m.UserID), At: timeOf(m.TS), Edited: !m.Edited.IsZero(),
		IsApp: m.UserID == botUserID || m.UserID == slackbotID, Actor: who,
	}
	if m.EphemeralFor != "" {
		shown.OnlyFor = s.workspace.people.name(m.EphemeralFor)
	}
	if m.Metadata != nil {
		shown.Metadata = m.Metadata.EventType
	}
	blocks := identified(m.Blocks)
	if len(blocks) == 0 {
		shown.Text = s.markup().parse(m.Text) // text is only the notification where there are blocks
		return shown
	}
	shown.Blocks = s.blockViews(blocks, who, nil)
	return shown
}

func (s *Server) markup() mrkdwn {
	return mrkdwn{userName: s.workspace.people.name, channelName: s.channelName}
}

// anchor is the id of a message on a page.
func anchor(ts string) string { return "m" + strings.ReplaceAll(ts, ".", "-") }

func (s *Server) channelName(id string) string {
	for _, c := range s.workspace.list() {
		if c.ID == id {
			return c.Name
		}
	}
	return id
}

// timeOf reads the time out of a ts that this server made.
func timeOf(ts string) time.Time {
	whole, fraction, _ := strings.Cut(ts, ".")
	seconds, errSeconds := strconv.ParseInt(whole, 10, 64)
	micros, errMicros := strconv.ParseInt(fraction, 10, 64)
	if errSeconds != nil || errMicros != nil {
		return time.Time{}
	}
	return time.Unix(seconds, micros*1000).UTC()
}

func formatTime(at time.Time) string { return at.Format("2006-01-02 15:04:05 UTC") }

// Clock is the time of day that a message shows.
func (m messageView) Clock() string { return formatTime(m.At) }

// Machine is the same time for the datetime attribute.
func (m messageView) Machine() string { return m.At.Format(time.RFC3339) }

// Initial is the letter of the author's picture.
func (m messageView) Initial() string { return initial(m.Author) }
