package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Values are what a person enters: by action_id, block_id or "block_id/action_id", the text, or the options picked by
// value or by what stands beside them.
type Values map[string][]string

// connecting is what Slack says in a modal whose app did not answer, or answered what it could not read.
const connecting = "We had some trouble connecting. Try again?"

// Submit fills the modal in and submits it. The error is what Slack's own form or Slack says against it; what the app
// says stands in the Errors of the modal, which then stays open, and is an error too.
func (p *Person) Submit(ctx context.Context, values Values) error {
	v := p.Modal()
	if v == nil {
		return fmt.Errorf("no modal is open before %s", p.user.Name)
	}
	if v.Submit == "" {
		return errors.New("the modal has no button to submit it")
	}
	if err := p.enterValues(v.ID, values, true); err != nil {
		return err
	}
	s := p.server
	payload, trigger := p.interaction("view_submission", place{view: v})
	delete(payload, "container")
	payload["response_urls"] = []reply{}
	body, failed := s.deliver(ctx, delivery{
		kind: "view_submission", id: trigger, payload: payload, url: s.settings().InteractivityURL, envelope: "interactive",
	})
	var err error
	reason := "invalid_response"
	if failed != nil {
		err, reason = failed, failed.reason
	} else {
		err = p.follow(v, body)
	}
	var said *Notice
	if err == nil || errors.As(err, &said) {
		return err
	}
	s.surfaces.change(v.ID, func(v *View) { v.Trouble = connecting })
	return &Notice{Said: connecting, Reason: reason, err: err}
}

// enterValues keeps what was entered. With complete, what must be there has to be, as when the modal is submitted; the
// error then stands at the inputs.
func (p *Person) enterValues(id string, values Values, complete bool) error {
	var err error
	p.server.surfaces.change(id, func(v *View) {
		v.Errors, v.Trouble = map[string]string{}, ""
		for _, key := range sortedKeys(values) {
			b, e, found := find(v.blocks(), key)
			if !found {
				err = errors.Join(err, fmt.Errorf("the view has no input %q", key))
				continue
			}
			value, wrong := e.choose(values[key], v.offered[b.BlockID+"/"+e.ActionID])
			if wrong != nil {
				v.Errors[b.BlockID] = wrong.Error()
				continue
			}
			v.set(b.BlockID, e.ActionID, value)
		}
		for _, b := range v.blocks() {
			if b.Type == "input" && !b.Optional && complete && isEmpty(v.state[b.BlockID][b.Element.ActionID]) && v.Errors[b.BlockID] == "" {
				v.Errors[b.BlockID] = "Please complete this required field."
			}
		}
		if complete && len(v.Errors) > 0 {
			err = errors.Join(err, &Notice{Said: listErrors(v.Errors)})
		}
		if !complete {
			v.Errors = nil // Slack looks at the form when it is submitted
		}
	})
	return err
}

func listErrors(errs map[string]string) string {
	text := ""
	for _, block := range sortedKeys(errs) {
		if text != "" {
			text += "; "
		}
		text += block + ": " + errs[block]
	}
	return text
}

// follow does what the app's answer to a submission asks for.
func (p *Person) follow(v *View, body []byte) error {
	s := p.server
	var action struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   json.RawMessage   `json:"view"`
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &action); err != nil {
			return fmt.Errorf("decode the app's answer: %w", err)
		}
	}
	switch action.Action {
	case "":
		s.surfaces.close(p.user.ID, v.ID, false)
		return nil
	case "clear":
		s.surfaces.close(p.user.ID, v.ID, true)
		return nil
	case "errors":
		return p.showErrors(v, action.Errors)
	case "update", "push":
		r, failed := readView(string(action.View), "modal")
		if failed != nil {
			return fmt.Errorf("the app's view: %s %v", failed.code, failed.messages)
		}
		if action.Action == "update" {
			s.surfaces.change(v.ID, func(v *View) { v.apply(r) })
			return nil
		}
		if _, failed := s.surfaces.push(p.user.ID, r); failed != nil {
			return fmt.Errorf("push the app's view: %s", failed.code)
		}
		return nil
	}
	return fmt.Errorf("the app answered the response_action %q", action.Action)
}

// showErrors takes errors that stand at inputs; with any other block_id Slack shows none of them.
func (p *Person) showErrors(v *View, errs map[string]string) error {
	inputs := make(map[string]bool)
	for _, b := range v.blocks() {
		inputs[b.BlockID] = b.Type == "input"
	}
	for id := range errs {
		if !inputs[id] {
			return fmt.Errorf("the app's error stands at %q, which is no input block", id)
		}
	}
	if len(errs) == 0 {
		return errors.New("the app answered errors without any")
	}
	p.server.surfaces.change(v.ID, func(v *View) { v.Errors = errs })
	return &Notice{Said: listErrors(errs)}
}

// CloseModal closes the modal that lies on top, and tells the app if it asked for that.
func (p *Person) CloseModal(ctx context.Context) error {
	v := p.Modal()
	if v == nil {
		return fmt.Errorf("no modal is open before %s", p.user.Name)
	}
	s := p.server
	s.surfaces.close(p.user.ID, v.ID, v.ClearOnClose)
	if !v.NotifyOnClose {
		return nil
	}
	payload, trigger := p.interaction("view_closed", place{view: v})
	delete(payload, "container")
	delete(payload, "trigger_id")
	payload["is_cleared"] = v.ClearOnClose
	if _, failed := s.deliver(ctx, delivery{
		kind: "view_closed", id: trigger, payload: payload, url: s.settings().InteractivityURL, envelope: "interactive",
	}); failed != nil {
		return &Notice{Said: "the app was not told that the modal was closed", Reason: failed.reason, err: failed}
	}
	return nil
}
