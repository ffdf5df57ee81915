package slack

import (
	"slices"
	"sync"
)

// User is one person of the workspace.
type User struct {
	ID       string
	Name     string
	RealName string
	Email    string
}

// slackbotID speaks for Slack itself, as when a command got no answer.
const slackbotID = "USLACKBOT"

// people are the users of the workspace. They have a lock of their own: names are looked up while messages are locked.
type people struct {
	botName string

	mu   sync.RWMutex
	list []User
}

// AddUsers lets people join the workspace; an id that is already there is replaced.
func (s *Server) AddUsers(users ...User) {
	p := &s.workspace.people
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, u := range users {
		if i := slices.IndexFunc(p.list, func(known User) bool { return known.ID == u.ID }); i >= 0 {
			p.list[i] = u
			continue
		}
		p.list = append(p.list, u)
	}
}

// Users returns the people in the order in which they joined, without the app's own bot.
func (s *Server) Users() []User { return s.workspace.people.all() }

func (p *people) all() []User {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return slices.Clone(p.list)
}

func (p *people) where(is func(User) bool) (User, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	i := slices.IndexFunc(p.list, is)
	if i < 0 {
		return User{}, false
	}
	return p.list[i], true
}

// person finds somebody who is not a bot.
func (p *people) person(id string) (User, bool) {
	return p.where(func(u User) bool { return id != "" && u.ID == id })
}

// user finds a person or the app's own bot user.
func (p *people) user(id string) (User, bool) {
	if id == botUserID {
		return p.bot(), true
	}
	return p.person(id)
}

func (p *people) bot() User { return User{ID: botUserID, Name: p.botName, RealName: p.botName} }

// name is what a page shows for a user id.
func (p *people) name(id string) string {
	switch id {
	case botUserID:
		return p.botName
	case slackbotID:
		return "Slackbot"
	}
	u, found := p.person(id)
	switch {
	case !found:
		return id
	case u.RealName != "":
		return u.RealName
	}
	return u.Name
}

// ids are everybody's, the bot's first.
func (p *people) ids() []string {
	ids := []string{botUserID}
	for _, u := range p.all() {
		ids = append(ids, u.ID)
	}
	return ids
}
