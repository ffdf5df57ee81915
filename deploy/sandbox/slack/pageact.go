package slack

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// valuePrefix begins the name of every form field that is an element's value.
const valuePrefix = "value:"

// entered are the values of a form.
func entered(form url.Values) Values {
	values := Values{}
	for name, list := range form {
		key, isValue := strings.CutPrefix(name, valuePrefix)
		if !isValue {
			continue
		}
		for _, v := range list {
			values[key] = append(values[key], strings.ReplaceAll(v, "\r\n", "\n"))
		}
	}
	return values
}

// doAs reads a form, lets do act as the person, and leads back to the page. A notice stands on that page already; any
// other error is shown here.
func (s *Server) doAs(w http.ResponseWriter, r *http.Request, do func(ctx context.Context, p *Person, form url.Values) error) {
	p := s.person(w, r)
	if p == nil {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	err := r.ParseForm()
	if err == nil {
		// What a person did goes on when the browser has left the page.
		err = do(context.WithoutCancel(r.Context()), p, r.PostForm)
	}
	var said *Notice
	if err != nil && !errors.As(err, &said) {
		view := s.personView(r, p, "That did not work")
		view.Wrong, view.Refresh = err.Error(), 0
		s.render(w, http.StatusBadRequest, "wrong.html", view)
		return
	}
	http.Redirect(w, r, backTo(r, p), http.StatusSeeOther)
}

// backTo is the page of the person's from which the form came.
func backTo(r *http.Request, p *Person) string {
	from, err := url.Parse(r.Referer())
	if err != nil || from.Host != r.Host || !strings.HasPrefix(from.Path, p.path()+"/") {
		return p.path()
	}
	if from.Path == p.path()+"/home" {
		return from.Path + "?quiet=1"
	}
	return from.Path
}

// doSay takes what was typed: a line that begins with / is a command.
func (s *Server) doSay(w http.ResponseWriter, r *http.Request) {
	s.doAs(w, r, func(ctx context.Context, p *Person, form url.Values) error {
		text, thread := strings.TrimSpace(strings.ReplaceAll(form.Get("text"), "\r\n", "\n")), form.Get("thread")
		switch {
		case text == "":
			return nil
		case strings.HasPrefix(text, "/") && thread == "":
			return p.Slash(ctx, form.Get("channel"), text)
		case strings.HasPrefix(text, "/"):
			_, err := p.Say(form.Get("channel"), text, thread)
			return err
		}
		_, err := p.Say(form.Get("channel"), p.server.linked(text), thread)
		return err
	})
}

// linked turns "@firebreak" into the app's mention, as Slack does while one types, and escapes the rest.
func (s *Server) linked(text string) string {
	return strings.ReplaceAll(escape(text), "@"+s.workspace.people.botName, "<@"+AppUser+">")
}

// doAct presses a button or picks options.
func (s *Server) doAct(w http.ResponseWriter, r *http.Request) {
	s.doAs(w, r, func(ctx context.Context, p *Person, form url.Values) error {
		key, values := form.Get("action"), entered(form)
		picked := values[key]
		switch form.Get("surface") {
		case "modal":
			return p.ClickModal(ctx, key, values, picked...)
		case "home":
			return p.ClickHome(ctx, key, picked...)
		}
		return p.Choose(ctx, form.Get("channel"), form.Get("ts"), key, picked...)
	})
}

func (s *Server) doSubmit(w http.ResponseWriter, r *http.Request) {
	s.doAs(w, r, func(ctx context.Context, p *Person, form url.Values) error {
		if v := p.Modal(); v == nil || v.ID != form.Get("view") {
			return nil // it was closed or replaced meanwhile; the page shows what is there now
		}
		return p.Submit(ctx, entered(form))
	})
}

func (s *Server) doClose(w http.ResponseWriter, r *http.Request) {
	s.doAs(w, r, func(ctx context.Context, p *Person, form url.Values) error {
		if v := p.Modal(); v == nil || v.ID != form.Get("view") {
			return nil
		}
		return p.CloseModal(ctx)
	})
}

// serveOptions loads an external select's options for the page.
func (s *Server) serveOptions(w http.ResponseWriter, r *http.Request) {
	p := s.person(w, r)
	if p == nil {
		return
	}
	load := p.Options
	if r.URL.Query().Get("surface") == "home" {
		load = p.HomeOptions
	}
	options, err := load(r.Context(), r.URL.Query().Get("key"), r.URL.Query().Get("typed"))
	if err != nil {
		writeJSON(w, http.StatusOK, reply{"ok": false, "error": err.Error()})
		return
	}
	shown := []reply{}
	for _, o := range options {
		shown = append(shown, reply{"value": o.Value, "text": o.Label()})
	}
	writeJSON(w, http.StatusOK, reply{"ok": true, "options": shown})
}
