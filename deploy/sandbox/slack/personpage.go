package slack

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
)

type modalView struct {
	Title, Submit, Close string
	Trouble              string
	Blocks               []blockView
	// Version changes when the modal must be drawn anew.
	Version string
	ID      string
}

// person reads whose page is asked for; nil after it has answered that there is nobody.
func (s *Server) person(w http.ResponseWriter, r *http.Request) *Person {
	p, err := s.As(r.PathValue("user"))
	if err != nil {
		s.missing(w, r, "No such person")
		return nil
	}
	return p
}

// serveStart leads to the person's first channel.
func (s *Server) serveStart(w http.ResponseWriter, r *http.Request) {
	p := s.person(w, r)
	if p == nil {
		return
	}
	to := p.path() + "/home"
	if all := p.channels(); len(all) > 0 {
		to = p.path() + "/channels/" + all[0].Name
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (p *Person) path() string { return "/as/" + p.user.ID }

func (p *Person) channels() []Channel {
	return slices.DeleteFunc(p.server.workspace.list(), func(c Channel) bool { return !slices.Contains(c.Members, p.user.ID) })
}

// personView is the frame of a person's page: who it is, the channels, and the modal if one is open.
func (s *Server) personView(r *http.Request, p *Person, title string) pageView {
	view := s.view(r, title)
	view.Me = &personView{ID: p.user.ID, Name: s.workspace.people.name(p.user.ID), Email: p.user.Email}
	for _, c := range p.channels() {
		path := p.path() + "/channels/" + c.Name
		view.Channels = append(view.Channels, channelView{Name: c.Name, Path: path, Private: c.Private, Current: path == r.URL.Path})
	}
	if v := p.Modal(); v != nil {
		sum := fnv.New64a()
		fmt.Fprint(sum, v.ID, v.Hash, v.Trouble, listErrors(v.Errors))
		view.Modal = &modalView{
			Title: v.Title, Submit: v.Submit, Close: v.Close, Trouble: v.Trouble, ID: v.ID, Version: fmt.Sprintf("%x", sum.Sum64()),
			Blocks: s.blockViews(v.blocks(), actor{User: p.user.ID, Surface: "modal"}, v),
		}
		if v.Close == "" {
			view.Modal.Close = "Close"
		}
	}
	return view
}

func (s *Server) servePersonChannel(w http.ResponseWriter, r *http.Request) {
	p := s.person(w, r)
	if p == nil {
		return
	}
	name := r.PathValue("name")
	all := p.channels()
	i := slices.IndexFunc(all, func(c Channel) bool { return c.Name == name })
	if i < 0 {
		s.missing(w, r, "No such channel")
		return
	}
	view := s.personView(r, p, "#"+name)
	view.Channel = &channelView{
		Name: name, Topic: all[i].Topic, Reference: all[i].ID,
		Messages: s.messageViews(p.Sees(all[i].ID), actor{User: p.user.ID}),
	}
	s.render(w, http.StatusOK, "channel.html", view)
}

// serveDirect is the direct message with the app.
func (s *Server) serveDirect(w http.ResponseWriter, r *http.Request) {
	p := s.person(w, r)
	if p == nil {
		return
	}
	view := s.personView(r, p, s.workspace.people.botName)
	view.Channel = &channelView{
		Name: s.workspace.people.botName, Direct: true, Reference: AppUser,
		Messages: s.messageViews(p.Sees(AppUser), actor{User: p.user.ID}),
	}
	s.render(w, http.StatusOK, "channel.html", view)
}

// serveHome is the App Home. Opening it tells the app; ?quiet=1, with which the page looks for changes, does not.
func (s *Server) serveHome(w http.ResponseWriter, r *http.Request) {
	p := s.person(w, r)
	if p == nil {
		return
	}
	if r.URL.Query().Get("quiet") == "" {
		p.OpenHome()
	}
	view := s.personView(r, p, "Home")
	if v := p.Home(); v != nil {
		view.Home = s.blockViews(v.blocks(), actor{User: p.user.ID, Surface: "home"}, v)
	}
	s.render(w, http.StatusOK, "home.html", view)
}
