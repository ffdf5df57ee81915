package slack

import (
	"context"
	"crypto/rand"
	"slices"
)

// OpenHome opens the app's page on its Home tab and tells the app, which may then publish a view. It does not wait for
// it: events are sent in the background.
func (p *Person) OpenHome() {
	ws := p.server.workspace
	ws.mu.Lock()
	dm := ws.direct(p.user.ID).ID
	ws.mu.Unlock()
	event := reply{"type": "app_home_opened", "user": p.user.ID, "channel": dm, "tab": "home", "event_ts": p.server.stamp()}
	if v := p.Home(); v != nil {
		event["view"] = p.server.viewJSON(v)
	}
	p.server.emit(event)
}

// tellOf sends the events of a message that a person wrote: app_mention where the app is a member and mentioned, and
// message in the direct message with the app.
func (s *Server) tellOf(c Channel, m Message) {
	event := reply{
		"user": m.UserID, "text": m.Text, "ts": m.TS, "event_ts": m.TS, "channel": c.ID, "team": teamID, "client_msg_id": rand.Text(),
	}
	if m.ThreadTS != "" {
		event["thread_ts"] = m.ThreadTS
	}
	mentioned := slices.ContainsFunc(m.Mentions, func(at Mention) bool { return at.ID == AppUser })
	switch {
	case c.With != "":
		event["type"], event["channel_type"] = "message", "im"
	case mentioned && slices.Contains(c.Members, AppUser):
		event["type"] = "app_mention"
	default:
		return
	}
	s.emit(event)
}

// emit sends an event in the background, and again as App.EventRetries says until it is acknowledged.
func (s *Server) emit(event reply) {
	app := s.settings()
	if app.EventsURL == "" && !app.SocketMode {
		return
	}
	kind, _ := event["type"].(string)
	id := "Ev" + rand.Text()[:9]
	d := delivery{
		kind: kind, id: id, url: app.EventsURL, envelope: "events_api",
		payload: reply{
			"token": verificationToken, "team_id": teamID, "api_app_id": appID, "type": "event_callback", "event": event,
			"event_id": id, "event_time": s.workspace.now().Unix(), "is_ext_shared_channel": false,
			"authorizations": []reply{{"team_id": teamID, "user_id": AppUser, "is_bot": true, "is_enterprise_install": false}},
		},
	}
	s.background(func() { s.persist(app, d) })
}

// persist sends until the app acknowledges, does not want it again, or the retries are used up.
func (s *Server) persist(app App, d delivery) {
	for {
		_, failed := s.deliver(context.WithoutCancel(s.life), d)
		if failed == nil || failed.final || d.attempt >= len(app.EventRetries) {
			return
		}
		if !s.pause(app.EventRetries[d.attempt]) {
			return
		}
		d.attempt++
		d.reason = retryReason(failed.reason, app.SocketMode)
	}
}

// retryReason is the word of X-Slack-Retry-Reason, or of Socket Mode's retry_reason.
func retryReason(reason string, socketMode bool) string {
	switch {
	case socketMode:
		return "timeout"
	case reason == "operation_timeout":
		return "http_timeout"
	case reason == "dispatch_failed":
		return "connection_failed"
	}
	return "http_error"
}
