package slack

import (
	"crypto/rand"
	"encoding/json"
	"slices"
	"sync"
)

// View is a modal or an App Home as it stands before a person.
type View struct {
	ID              string
	Type            string // modal or home
	UserID          string
	CallbackID      string
	ExternalID      string
	PrivateMetadata string
	Title           string
	Submit          string
	Close           string
	// Blocks is the JSON array as the app sent it.
	Blocks        json.RawMessage
	Hash          string
	RootID        string
	PreviousID    string
	NotifyOnClose bool
	ClearOnClose  bool
	// Errors are what the app, or Slack's own form, says about an input, by block_id.
	Errors map[string]string
	// Trouble is what Slack shows in a modal whose app did not answer as it should.
	Trouble  string
	Mentions []Mention

	// state holds each input's value by block_id and action_id.
	state map[string]map[string]reply
	// offered are the options that the app returned for an external select, by "block_id/action_id".
	offered map[string][]Option
}

// viewRequest is a view as an app sends it.
type viewRequest struct {
	Type            string          `json:"type"`
	Title           *textObject     `json:"title"`
	Submit          *textObject     `json:"submit"`
	Close           *textObject     `json:"close"`
	Blocks          json.RawMessage `json:"blocks"`
	PrivateMetadata string          `json:"private_metadata"`
	CallbackID      string          `json:"callback_id"`
	ExternalID      string          `json:"external_id"`
	NotifyOnClose   bool            `json:"notify_on_close"`
	ClearOnClose    bool            `json:"clear_on_close"`
}

// surfaces are what stands before each person besides the channels. The zero value is empty.
type surfaces struct {
	mu     sync.Mutex
	stacks map[string][]*View
	homes  map[string]*View
}

// maxStack is how many modals may lie on each other.
const maxStack = 3

// apply replaces what the app sent; what a person entered stays where block_id and action_id stay.
func (v *View) apply(r viewRequest) {
	v.Type, v.Blocks, v.PrivateMetadata, v.CallbackID, v.ExternalID = r.Type, r.Blocks, r.PrivateMetadata, r.CallbackID, r.ExternalID
	v.NotifyOnClose, v.ClearOnClose = r.NotifyOnClose, r.ClearOnClose
	v.Title, v.Submit, v.Close = textOf(r.Title), textOf(r.Submit), textOf(r.Close)
	v.Hash = rand.Text()
	v.Errors, v.Trouble = nil, ""
	v.Mentions = mentionsIn("", r.Blocks)
	old := v.state
	v.state = make(map[string]map[string]reply)
	for _, b := range v.blocks() {
		for _, e := range b.interactive() {
			value := e.initial()
			if value == nil {
				continue
			}
			if was, found := old[b.BlockID][e.ActionID]; found && was["type"] == e.Type {
				value = was
			}
			v.set(b.BlockID, e.ActionID, value)
		}
	}
}

func (v *View) set(block, action string, value reply) {
	if v.state[block] == nil {
		v.state[block] = make(map[string]reply)
	}
	v.state[block][action] = value
}

func (v *View) blocks() []block { return identified(v.Blocks) }

func textOf(t *textObject) string {
	if t == nil {
		return ""
	}
	return t.Text
}

// copyOf is safe to read while the surfaces change.
func (v *View) copyOf() *View {
	if v == nil {
		return nil
	}
	c := *v
	c.state = make(map[string]map[string]reply, len(v.state))
	for block, actions := range v.state {
		for action, value := range actions {
			c.set(block, action, value)
		}
	}
	c.offered = make(map[string][]Option, len(v.offered))
	for key, options := range v.offered {
		c.offered[key] = options
	}
	return &c
}

func newView(user string, r viewRequest) *View {
	v := &View{ID: "V" + rand.Text()[:10], UserID: user}
	v.RootID = v.ID
	v.apply(r)
	return v
}

// open puts a new first modal before a person; one that is open is replaced.
func (f *surfaces) open(user string, r viewRequest) *View {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stacks == nil {
		f.stacks = make(map[string][]*View)
	}
	v := newView(user, r)
	f.stacks[user] = []*View{v}
	return v.copyOf()
}

// push lays a modal on those that are there.
func (f *surfaces) push(user string, r viewRequest) (*View, *failure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	stack := f.stacks[user]
	switch {
	case len(stack) == 0:
		return nil, &failure{code: "not_found"}
	case len(stack) >= maxStack:
		return nil, &failure{code: "push_limit_reached"}
	}
	v := newView(user, r)
	v.RootID, v.PreviousID = stack[0].ID, stack[len(stack)-1].ID
	f.stacks[user] = append(stack, v)
	return v.copyOf(), nil
}

// publish puts the home before a person.
func (f *surfaces) publish(user, hash string, r viewRequest) (*View, *failure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.homes == nil {
		f.homes = make(map[string]*View)
	}
	v := f.homes[user]
	switch {
	case v == nil:
		v = newView(user, r)
		f.homes[user] = v
	case hash != "" && hash != v.Hash:
		return nil, &failure{code: "hash_conflict"}
	default:
		v.apply(r)
	}
	return v.copyOf(), nil
}

// change finds a view by id and lets do change it; false if there is none.
func (f *surfaces) change(id string, do func(*View)) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := f.where(func(v *View) bool { return v.ID == id })
	if v == nil {
		return false
	}
	do(v)
	return true
}

// where finds the first view for which is holds. The caller holds the lock.
func (f *surfaces) where(is func(*View) bool) *View {
	for _, stack := range f.stacks {
		if i := slices.IndexFunc(stack, is); i >= 0 {
			return stack[i]
		}
	}
	for _, v := range f.homes {
		if is(v) {
			return v
		}
	}
	return nil
}

// top is the modal that a person sees, nil if there is none.
func (f *surfaces) top(user string) *View {
	f.mu.Lock()
	defer f.mu.Unlock()
	stack := f.stacks[user]
	if len(stack) == 0 {
		return nil
	}
	return stack[len(stack)-1].copyOf()
}

func (f *surfaces) home(user string) *View {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.homes[user].copyOf()
}

// close takes the modal with the id away, with all that lies on it, or the whole stack with all.
func (f *surfaces) close(user, id string, all bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	stack := f.stacks[user]
	i := slices.IndexFunc(stack, func(v *View) bool { return v.ID == id })
	switch {
	case i < 0:
	case all:
		delete(f.stacks, user)
	default:
		f.stacks[user] = stack[:i:i]
	}
}
