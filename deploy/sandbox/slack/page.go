package slack

import (
	"embed"
	"html/template"
	"net/http"
	"slices"
	"strings"
)

//go:embed page
var pageFiles embed.FS

// refreshSeconds is how often a page reloads itself where scripts do not run, unless ?refresh=off is asked for.
const refreshSeconds = 3

func parsePages() *template.Template {
	return template.Must(template.New("").ParseFS(pageFiles, "page/*.html"))
}

// routePages adds the pages: those at /channels are an observer's, who sees everything and can do nothing; those at /as
// are one person's. What changes something refuses requests that another site makes a browser send.
func (s *Server) routePages() {
	own := http.NewCrossOriginProtection()
	change := func(pattern string, do http.HandlerFunc) { s.mux.Handle("POST "+pattern, own.Handler(do)) }
	s.mux.HandleFunc("GET /{$}", s.serveIndex)
	s.mux.HandleFunc("GET /channels/{name}", s.serveChannel)
	s.mux.HandleFunc("GET /as/{user}", s.serveStart)
	s.mux.HandleFunc("GET /as/{user}/channels/{name}", s.servePersonChannel)
	s.mux.HandleFunc("GET /as/{user}/app", s.serveDirect)
	s.mux.HandleFunc("GET /as/{user}/home", s.serveHome)
	s.mux.HandleFunc("GET /as/{user}/options", s.serveOptions)
	change("/as/{user}/say", s.doSay)
	change("/as/{user}/act", s.doAct)
	change("/as/{user}/submit", s.doSubmit)
	change("/as/{user}/close", s.doClose)
	s.mux.HandleFunc("GET /break", s.serveBreak)
	change("/break", s.doBreak)
	change("/control", s.serveControl)
	for _, file := range []string{"page.css", "page.js"} {
		s.mux.HandleFunc("GET /"+file, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, pageFiles, "page/"+file)
		})
	}
}

// pageView is what every page is made of.
type pageView struct {
	Title   string
	Team    string
	App     string
	Refresh int // seconds; 0 means that the reader has paused it
	Path    string

	// Me is the person whose page it is, nil on an observer's; People are all, to choose from.
	Me     *personView
	People []personView
	Modal  *modalView
	Home   []blockView

	Channels []channelView
	Channel  *channelView
	Break    *breakView
	Wrong    string
}

type personView struct{ ID, Name, Email string }

// Initial is the letter of the person's picture.
func (p personView) Initial() string { return initial(p.Name) }

func initial(name string) string {
	for _, r := range name {
		return strings.ToUpper(string(r))
	}
	return "?"
}

type channelView struct {
	Name     string
	Path     string
	Topic    string
	Direct   bool
	Private  bool
	Current  bool
	Count    int
	Latest   string
	Messages []messageView
	// Reference is what the composer posts to; empty for an observer.
	Reference string
}

func (s *Server) serveIndex(w http.ResponseWriter, r *http.Request) {
	view := s.view(r, s.workspace.team)
	for _, c := range s.workspace.list() {
		messages := s.workspace.messages(c.ID)
		shown := channelView{Name: c.Name, Path: "/channels/" + c.Name, Private: c.Private, Count: len(messages)}
		if len(messages) > 0 {
			shown.Latest = formatTime(timeOf(messages[len(messages)-1].TS))
		}
		view.Channels = append(view.Channels, shown)
	}
	s.render(w, http.StatusOK, "index.html", view)
}

// serveChannel is the observer's page of a channel.
func (s *Server) serveChannel(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	all := s.workspace.list()
	i := slices.IndexFunc(all, func(c Channel) bool { return c.Name == name })
	if i < 0 {
		s.missing(w, r, "No such channel")
		return
	}
	view := s.view(r, "#"+name)
	view.Channel = &channelView{Name: name, Topic: all[i].Topic, Messages: s.messageViews(s.workspace.messages("#"+name), actor{})}
	s.render(w, http.StatusOK, "channel.html", view)
}

func (s *Server) missing(w http.ResponseWriter, r *http.Request, what string) {
	s.render(w, http.StatusNotFound, "missing.html", s.view(r, what))
}

func (s *Server) view(r *http.Request, title string) pageView {
	view := pageView{
		Title: title, Team: s.workspace.team, App: s.workspace.people.botName, Path: r.URL.Path, Refresh: refreshSeconds,
	}
	for _, u := range s.workspace.people.all() {
		view.People = append(view.People, personView{ID: u.ID, Name: s.workspace.people.name(u.ID), Email: u.Email})
	}
	if r.URL.Query().Get("refresh") == "off" {
		view.Refresh = 0
	}
	return view
}

func (s *Server) render(w http.ResponseWriter, status int, page string, view pageView) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "+
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	// An error here means that the reader has gone; there is nobody to tell.
	_ = s.pages.ExecuteTemplate(w, page, view)
}
