package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// defaultQueryLength is how much must be typed before Slack asks the app for options.
const defaultQueryLength = 3

// Options types into an external select of the modal and returns what the app offers. Only what was offered can be
// picked afterwards.
func (p *Person) Options(ctx context.Context, action, typed string) ([]Option, error) {
	v := p.Modal()
	if v == nil {
		return nil, fmt.Errorf("no modal is open before %s", p.user.Name)
	}
	return p.suggest(ctx, place{view: v}, action, typed)
}

// HomeOptions is Options for the App Home.
func (p *Person) HomeOptions(ctx context.Context, action, typed string) ([]Option, error) {
	v := p.Home()
	if v == nil {
		return nil, fmt.Errorf("the app has published no home for %s", p.user.Name)
	}
	return p.suggest(ctx, place{view: v}, action, typed)
}

// suggest sends block_suggestion.
func (p *Person) suggest(ctx context.Context, at place, key, typed string) ([]Option, error) {
	s := p.server
	b, e, found := find(at.blocks(), key)
	if !found || !e.isExternal() {
		return nil, fmt.Errorf("there is no external select %q", key)
	}
	least := defaultQueryLength
	if e.MinQueryLength != nil {
		least = *e.MinQueryLength
	}
	if utf8.RuneCountInString(typed) < least {
		return nil, &Notice{Said: fmt.Sprintf("type at least %d characters", least)}
	}
	payload, trigger := p.interaction("block_suggestion", at)
	delete(payload, "trigger_id")
	delete(payload, "response_url")
	payload["action_id"], payload["block_id"], payload["value"], payload["action_ts"] = e.ActionID, b.BlockID, typed, s.stamp()
	body, failed := s.deliver(ctx, delivery{
		kind: "block_suggestion", id: trigger, payload: payload, url: s.settings().OptionsURL, envelope: "interactive",
	})
	if failed != nil {
		return nil, &Notice{Said: "The options could not be loaded.", Reason: failed.reason, err: failed}
	}
	options, err := readOptions(body)
	if err != nil {
		return nil, &Notice{Said: "The options could not be loaded.", Reason: "invalid_response", err: err}
	}
	s.surfaces.change(at.view.ID, func(v *View) {
		if v.offered == nil {
			v.offered = make(map[string][]Option)
		}
		key := b.BlockID + "/" + e.ActionID
		v.offered[key] = append(v.offered[key], options...)
	})
	return options, nil
}

// readOptions takes options or option_groups within their limits.
func readOptions(body []byte) ([]Option, error) {
	var r struct {
		Options []Option      `json:"options"`
		Groups  []OptionGroup `json:"option_groups"`
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, fmt.Errorf("decode the app's options: %w", err)
	}
	all := element{Options: r.Options, OptionGroups: r.Groups}.choices()
	if len(all) == 0 {
		return nil, nil
	}
	var found blockFaults
	if len(r.Groups) > 0 {
		found.selectOptions("", element{Options: r.Options, OptionGroups: r.Groups})
	} else {
		found.options("/options", r.Options, maxOptions)
	}
	if len(found) > 0 {
		return nil, fmt.Errorf("the app's options: %v", []string(found))
	}
	return all, nil
}

// offeredFor are the options from which a person may pick at an element.
func (p *Person) offeredFor(at place, b block, e element) []Option {
	if at.view == nil {
		return nil
	}
	if fresh := p.server.surfaces.byID(at.view.ID); fresh != nil {
		return fresh.offered[b.BlockID+"/"+e.ActionID]
	}
	return nil
}
