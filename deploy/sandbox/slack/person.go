package slack

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Person acts in the workspace as one of its people does: what it does reaches the app as Slack would bring it, and what
// it reads is what that person sees. A method returns once the app has answered or its time is over.
type Person struct {
	server *Server
	user   User
}

// As returns the person with the id. The error says that there is none.
func (s *Server) As(user string) (*Person, error) {
	u, found := s.workspace.people.person(user)
	if !found {
		return nil, fmt.Errorf("no user %q in the workspace: add it to Options.Users or with AddUsers", user)
	}
	return &Person{server: s, user: u}, nil
}

// Notice is an error of a person's doing: what Slack tells that person, and why.
type Notice struct {
	// Said is what the person reads.
	Said string
	// Reason is Slack's code, such as operation_timeout, or empty where Slack's own form refuses.
	Reason string
	err    error
}

func (n *Notice) Error() string { return n.Said }
func (n *Notice) Unwrap() error { return n.err }

// isOpenTo says that the person may read and write there.
func (p *Person) isOpenTo(c *channel) bool {
	return c != nil && c.has(p.user.ID)
}

// enter finds a channel of the person's, by "#name", name or id, or the direct message with the app by AppUser.
func (p *Person) enter(ref string) (Channel, error) {
	ws := p.server.workspace
	ws.mu.Lock()
	defer ws.mu.Unlock()
	c := ws.find(ref)
	if ref == AppUser {
		c = ws.direct(p.user.ID)
	}
	if !p.isOpenTo(c) {
		return Channel{}, fmt.Errorf("%s is in no channel %q", p.user.Name, ref)
	}
	return ws.snapshot(c), nil
}

// Slash types a line such as "/incident start" into a channel.
func (p *Person) Slash(ctx context.Context, channel, line string) error {
	c, err := p.enter(channel)
	if err != nil {
		return err
	}
	command, text, _ := strings.Cut(strings.TrimSpace(line), " ")
	s, app := p.server, p.server.settings()
	if !app.knows(command) {
		return p.tell(c, &Notice{Said: command + " is not a valid command.", err: errors.New("not one of App.Commands")})
	}
	trigger := s.triggers.make(p.user.ID, "", s.workspace.now())
	form := url.Values{}
	payload := reply{}
	for name, value := range map[string]string{
		"token": verificationToken, "team_id": teamID, "team_domain": teamDomain, "channel_id": c.ID, "channel_name": c.shownName(),
		"user_id": p.user.ID, "user_name": p.user.Name, "command": command, "text": strings.TrimSpace(text), "api_app_id": appID,
		"is_enterprise_install": "false", "trigger_id": trigger,
		"response_url": s.responseURL(response{user: p.user.ID, channel: c.ID}),
	} {
		form.Set(name, value)
		payload[name] = value
	}
	body, failed := s.deliver(ctx, delivery{
		kind: "slash_commands", id: trigger, payload: payload, form: form, url: app.CommandURL, envelope: "slash_commands",
	})
	if failed != nil {
		return p.tell(c, &Notice{Said: fmt.Sprintf("%s failed with the error %q", command, failed.reason), Reason: failed.reason, err: failed})
	}
	if err := s.respond(response{user: p.user.ID, channel: c.ID}, body); err != nil {
		return p.tell(c, &Notice{Said: fmt.Sprintf("%s failed with the error %q", command, "invalid_response"), Reason: "invalid_response", err: err})
	}
	return nil
}

// shownName is what a payload calls a channel.
func (c Channel) shownName() string {
	switch {
	case c.With != "":
		return "directmessage"
	case c.Private:
		return "privategroup"
	}
	return c.Name
}

// tell puts a notice of Slack's own into the channel, for the person alone.
func (p *Person) tell(c Channel, n *Notice) error {
	ws := p.server.workspace
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if found := ws.findID(c.ID); found != nil {
		ws.add(found, &Message{UserID: slackbotID, Text: escape(n.Said), EphemeralFor: p.user.ID})
	}
	return n
}

func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// Say writes a message and returns its ts. With thread, a message's ts, it is a reply. Writing the app's user id as
// "<@U…>" mentions the app, and in the direct message every word is for it.
func (p *Person) Say(channel, text, thread string) (string, error) {
	c, err := p.enter(channel)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(text, "/") && thread != "" {
		command, _, _ := strings.Cut(text, " ")
		return "", p.tell(c, &Notice{Said: command + " is not supported in threads. Sorry!"})
	}
	ws := p.server.workspace
	ws.mu.Lock()
	found := ws.findID(c.ID)
	m := &Message{UserID: p.user.ID, Text: text, ThreadTS: thread}
	root := found.message(thread)
	if thread != "" && root == nil {
		ws.mu.Unlock()
		return "", fmt.Errorf("no message %s in %s to reply to", thread, channel)
	}
	ws.add(found, m)
	if root != nil {
		root.ThreadTS = root.TS
	}
	said := *m
	ws.mu.Unlock()
	p.server.tellOf(c, said)
	return said.TS, nil
}

// Sees returns what the person sees in a channel, oldest first; nothing in one that is not theirs.
func (p *Person) Sees(channel string) []Message {
	c, err := p.enter(channel)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(p.server.Messages(c.ID), func(m Message) bool {
		return m.EphemeralFor != "" && m.EphemeralFor != p.user.ID
	})
}

// Modal is the modal before the person, nil if there is none.
func (p *Person) Modal() *View { return p.server.surfaces.top(p.user.ID) }

// Home is the App Home before the person, nil if the app has published none.
func (p *Person) Home() *View { return p.server.surfaces.home(p.user.ID) }
