package slack

import (
	"context"
	"encoding/json"
	"fmt"
)

// place is where an element stands: in a message or in a view.
type place struct {
	channel Channel
	message *Message
	view    *View
}

func (at place) blocks() []block {
	if at.view != nil {
		return at.view.blocks()
	}
	return identified(at.message.Blocks)
}

// Click presses a button of a message, its question answered with yes. The button is named by action_id, or by
// "block_id/action_id" where an action_id stands more than once.
func (p *Person) Click(ctx context.Context, channel, ts, action string) error {
	return p.Choose(ctx, channel, ts, action)
}

// Choose picks options, by value or by what stands beside them, of an element in a message.
func (p *Person) Choose(ctx context.Context, channel, ts, action string, picked ...string) error {
	c, err := p.enter(channel)
	if err != nil {
		return err
	}
	for _, m := range p.Sees(c.ID) {
		if m.TS == ts {
			return p.act(ctx, place{channel: c, message: &m}, action, picked, nil)
		}
	}
	return fmt.Errorf("%s sees no message %s in %s", p.user.Name, ts, channel)
}

// ClickModal presses a button of the modal, or picks options of an element in it that is no input. entered is what was
// entered in the modal so far; it reaches the app as the view's state.
func (p *Person) ClickModal(ctx context.Context, action string, entered Values, picked ...string) error {
	v := p.Modal()
	if v == nil {
		return fmt.Errorf("no modal is open before %s", p.user.Name)
	}
	return p.act(ctx, place{view: v}, action, picked, entered)
}

// ClickHome presses a button of the App Home, or picks options.
func (p *Person) ClickHome(ctx context.Context, action string, picked ...string) error {
	v := p.Home()
	if v == nil {
		return fmt.Errorf("the app has published no home for %s", p.user.Name)
	}
	return p.act(ctx, place{view: v}, action, picked, nil)
}

// act sends block_actions.
func (p *Person) act(ctx context.Context, at place, key string, picked []string, entered Values) error {
	s := p.server
	b, e, found := find(at.blocks(), key)
	if !found {
		return fmt.Errorf("there is no element %q", key)
	}
	action := reply{"type": e.Type, "action_id": e.ActionID, "block_id": b.BlockID, "action_ts": s.stamp()}
	kind, _ := e.input()
	if kind == inputNone {
		action["text"] = json.RawMessage(encode(e.label()))
		for name, value := range map[string]string{"value": e.Value, "style": e.Style, "url": e.URL} {
			if value != "" {
				action[name] = value
			}
		}
	}
	if at.view != nil {
		if err := p.enterValues(at.view.ID, entered, false); err != nil {
			return err
		}
	}
	if kind != inputNone {
		value, err := e.choose(picked, p.offeredFor(at, b, e))
		if err != nil {
			return &Notice{Said: err.Error()}
		}
		for name, v := range value {
			action[name] = v
		}
		if at.view != nil {
			s.surfaces.change(at.view.ID, func(v *View) { v.set(b.BlockID, e.ActionID, value) })
		}
	}
	payload, trigger := p.interaction("block_actions", at)
	payload["actions"] = []reply{action}
	_, failed := s.deliver(ctx, delivery{
		kind: "block_actions", id: trigger, payload: payload, url: s.settings().InteractivityURL, envelope: "interactive",
	})
	if failed == nil {
		return nil
	}
	n := &Notice{Said: "Something went wrong. The app did not answer: " + failed.reason, Reason: failed.reason, err: failed}
	if at.view != nil {
		s.surfaces.change(at.view.ID, func(v *View) { v.Trouble = n.Said })
		return n
	}
	return p.tell(at.channel, n)
}

// interaction is what all payloads of a person's doing hold, and its trigger_id.
func (p *Person) interaction(kind string, at place) (reply, string) {
	s := p.server
	payload := reply{
		"type": kind, "token": verificationToken, "api_app_id": appID, "is_enterprise_install": false, "enterprise": nil,
		"team": reply{"id": teamID, "domain": teamDomain},
		"user": reply{"id": p.user.ID, "username": p.user.Name, "name": p.user.Name, "team_id": teamID},
	}
	if at.view != nil {
		if fresh := s.surfaces.byID(at.view.ID); fresh != nil {
			at.view = fresh
		}
		from := ""
		if at.view.Type == "modal" {
			from = at.view.ID
		}
		trigger := s.triggers.make(p.user.ID, from, s.workspace.now())
		payload["trigger_id"], payload["view"] = trigger, s.viewJSON(at.view)
		payload["container"] = reply{"type": "view", "view_id": at.view.ID}
		return payload, trigger
	}
	m := at.message
	trigger := s.triggers.make(p.user.ID, "", s.workspace.now())
	payload["trigger_id"] = trigger
	payload["channel"] = reply{"id": at.channel.ID, "name": at.channel.shownName()}
	container := reply{
		"type": "message", "message_ts": m.TS, "channel_id": at.channel.ID, "is_ephemeral": m.EphemeralFor != "",
	}
	if m.ThreadTS != "" {
		container["thread_ts"] = m.ThreadTS
	}
	payload["container"] = container
	payload["response_url"] = s.responseURL(response{user: p.user.ID, channel: at.channel.ID, original: m.TS, thread: m.ThreadTS})
	payload["state"] = reply{"values": stateOf(at.blocks())}
	if m.EphemeralFor == "" {
		s.workspace.mu.RLock()
		if c := s.workspace.findID(at.channel.ID); c != nil {
			payload["message"] = s.messageJSON(c, m, true)
		}
		s.workspace.mu.RUnlock()
	}
	return payload, trigger
}

// stateOf are the values with which elements come; those of a message keep no other state here.
func stateOf(blocks []block) map[string]map[string]reply {
	v := View{state: make(map[string]map[string]reply)}
	for _, b := range blocks {
		for _, e := range b.interactive() {
			if value := e.initial(); value != nil {
				v.set(b.BlockID, e.ActionID, value)
			}
		}
	}
	return v.state
}

func (f *surfaces) byID(id string) *View {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.where(func(v *View) bool { return v.ID == id }).copyOf()
}

// stamp is a time as payloads write it.
func (s *Server) stamp() string {
	now := s.workspace.now()
	return fmt.Sprintf("%d.%06d", now.Unix(), now.Nanosecond()/1000)
}
