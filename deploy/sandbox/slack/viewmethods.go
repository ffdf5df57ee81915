package slack

import (
	"encoding/json"
	"slices"
)

// Slack's limits for views (https://docs.slack.dev/reference/views).
const (
	maxViewTitle    = 24
	maxViewMetadata = 3000
	maxCallbackID   = 255
	maxViewSize     = 250_000
)

// readView takes and checks a view. kind is what the method is for, modal or home.
func readView(raw, kind string) (viewRequest, *failure) {
	var r viewRequest
	refuse := func(faults blockFaults) (viewRequest, *failure) {
		return r, &failure{code: "invalid_arguments", messages: faults}
	}
	var found blockFaults
	if raw == "" {
		found.add("/view", "missing required field: view")
		return refuse(found)
	}
	if len(raw) > maxViewSize {
		return r, &failure{code: "view_too_large"}
	}
	if err := json.Unmarshal([]byte(raw), &r); err != nil {
		found.add("/view", "must be a valid view: "+err.Error())
		return refuse(found)
	}
	blocks, err := readBlocks(r.Blocks)
	if err != nil {
		found.add("/view/blocks", "must be an array of blocks")
		return refuse(found)
	}
	if r.Type != kind {
		found.add("/view/type", "must be "+kind)
	}
	if kind == "modal" {
		found.plain("/view/title", r.Title, maxViewTitle, true)
		found.plain("/view/submit", r.Submit, maxViewTitle, false)
		found.plain("/view/close", r.Close, maxViewTitle, false)
		hasInput := slices.ContainsFunc(blocks, func(b block) bool { return b.Type == "input" })
		if hasInput && r.Submit == nil {
			found.add("/view/submit", "missing required field: submit, as there are inputs")
		}
	}
	found.limit("/view/private_metadata", r.PrivateMetadata, maxViewMetadata)
	found.limit("/view/callback_id", r.CallbackID, maxCallbackID)
	found.limit("/view/external_id", r.ExternalID, maxCallbackID)
	found.all("/view/blocks", blocks, maxViewBlocks)
	if len(found) > 0 {
		return refuse(found)
	}
	return r, nil
}

// openView is views.open.
func (s *Server) openView(args arguments) (reply, *failure) {
	r, failed := readView(args.text("view"), "modal")
	if failed == nil {
		failed = s.freeExternalID(r.ExternalID, "")
	}
	if failed != nil {
		return nil, failed
	}
	from, failed := s.triggers.exchange(args.text("trigger_id"), s.workspace.now())
	if failed != nil {
		return nil, failed
	}
	return reply{"view": s.viewJSON(s.surfaces.open(from.user, r))}, nil
}

// pushView is views.push. The trigger must come from a modal.
func (s *Server) pushView(args arguments) (reply, *failure) {
	r, failed := readView(args.text("view"), "modal")
	if failed == nil {
		failed = s.freeExternalID(r.ExternalID, "")
	}
	if failed != nil {
		return nil, failed
	}
	from, failed := s.triggers.exchange(args.text("trigger_id"), s.workspace.now())
	if failed != nil {
		return nil, failed
	}
	if from.view == "" {
		return nil, &failure{code: "invalid_trigger_id", messages: []string{"the trigger does not come from a modal"}}
	}
	v, failed := s.surfaces.push(from.user, r)
	if failed != nil {
		return nil, failed
	}
	return reply{"view": s.viewJSON(v)}, nil
}

// freeExternalID refuses an external_id that another view has.
func (s *Server) freeExternalID(external, own string) *failure {
	if external == "" {
		return nil
	}
	s.surfaces.mu.Lock()
	defer s.surfaces.mu.Unlock()
	if s.surfaces.where(func(v *View) bool { return v.ExternalID == external && v.ID != own }) != nil {
		return &failure{code: "duplicate_external_id"}
	}
	return nil
}

// updateView is views.update: by view_id or external_id, and only if hash, where it is given, is still the view's.
func (s *Server) updateView(args arguments) (reply, *failure) {
	id, external, hash := args.text("view_id"), args.text("external_id"), args.text("hash")
	s.surfaces.mu.Lock()
	found := s.surfaces.where(func(v *View) bool {
		return (id != "" && v.ID == id) || (id == "" && external != "" && v.ExternalID == external)
	}).copyOf()
	s.surfaces.mu.Unlock()
	if found == nil {
		return nil, &failure{code: "not_found"}
	}
	r, failed := readView(args.text("view"), found.Type)
	if failed == nil {
		failed = s.freeExternalID(r.ExternalID, found.ID)
	}
	if failed != nil {
		return nil, failed
	}
	var now *View
	conflict := false
	there := s.surfaces.change(found.ID, func(v *View) {
		if conflict = hash != "" && hash != v.Hash; !conflict {
			v.apply(r)
			now = v.copyOf()
		}
	})
	switch {
	case !there:
		return nil, &failure{code: "not_found"}
	case conflict:
		return nil, &failure{code: "hash_conflict"}
	}
	return reply{"view": s.viewJSON(now)}, nil
}

// publishView is views.publish, for the App Home.
func (s *Server) publishView(args arguments) (reply, *failure) {
	user := args.text("user_id")
	if _, known := s.workspace.people.person(user); !known {
		return nil, &failure{code: "invalid_arguments", messages: []string{"[ERROR] unknown user [json-pointer:/user_id]"}}
	}
	r, failed := readView(args.text("view"), "home")
	if failed != nil {
		return nil, failed
	}
	v, failed := s.surfaces.publish(user, args.text("hash"), r)
	if failed != nil {
		return nil, failed
	}
	return reply{"view": s.viewJSON(v)}, nil
}

// viewJSON is a view object as the API and the payloads show it.
func (s *Server) viewJSON(v *View) reply {
	title := func(text string) any {
		if text == "" {
			return nil
		}
		return reply{"type": "plain_text", "text": text, "emoji": true}
	}
	return reply{
		"id": v.ID, "team_id": teamID, "app_id": appID, "bot_id": botID, "app_installed_team_id": teamID, "type": v.Type,
		"title": title(v.Title), "submit": title(v.Submit), "close": title(v.Close), "blocks": withIDs(v.Blocks),
		"private_metadata": v.PrivateMetadata, "callback_id": v.CallbackID, "external_id": v.ExternalID,
		"state": reply{"values": v.state}, "hash": v.Hash, "root_view_id": v.RootID, "previous_view_id": orNil(v.PreviousID),
		"notify_on_close": v.NotifyOnClose, "clear_on_close": v.ClearOnClose,
	}
}
