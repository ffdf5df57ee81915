package page

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"firebreak/internal/inventory"
	"firebreak/internal/picture"
	"firebreak/internal/signin"
)

//go:embed web
var web embed.FS

// refreshSeconds is how often a browser without scripts loads the page anew.
const refreshSeconds = 15

// maxPost bounds what a form may post.
const maxPost = 16 << 10

// Config is what a site is made of.
type Config struct {
	Source Source
	Desk   Desk
	Gate   Gate
	// People returns the inventory as it is now.
	People func() *inventory.Inventory
	// Command writes a command line as a person can paste it.
	Command func(words ...string) string
	// Anchors are the instants that legal can set.
	Anchors []string
	// Origins are further origins from which forms may come: those of a proxy that changes the host.
	Origins []string
	Log     *slog.Logger
	Now     func() time.Time
}

// Site answers everything below its Paths.
type Site struct {
	Config
	views   *Views
	cache   *cache
	handler http.Handler
}

// Paths are the addresses that the site answers, as patterns of http.ServeMux.
func Paths() []string {
	return []string{"/{$}", "/incidents", "/incidents/", "/signin", "/signin/", "/signout", "/page.css", "/page.js", "/page.svg"}
}

// New makes a site. The views are those that the gate speaks through.
func New(c Config, views *Views) (*Site, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Site{Config: c, views: views, cache: newCache(c.Source, c.Now)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, signin.Home, http.StatusSeeOther) })
	mux.HandleFunc("GET /incidents", s.inside(s.list))
	mux.HandleFunc("GET /incidents/{id...}", s.inside(s.show))
	mux.HandleFunc("POST /incidents/{id...}", s.inside(s.take))
	for _, file := range []string{"page.css", "page.js", "page.svg"} {
		mux.HandleFunc("GET /"+file, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-cache")
			http.ServeFileFS(w, r, web, "web/"+file)
		})
	}
	c.Gate.Routes(mux)
	// A form must come from this site: browsers say so, and what says nothing is no browser. Forms bear a stamp besides.
	origin := http.NewCrossOriginProtection()
	for _, o := range c.Origins {
		if err := origin.AddTrustedOrigin(o); err != nil {
			return nil, fmt.Errorf("trust the origin %q: %w", o, err)
		}
	}
	origin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		views.Say(w, r, http.StatusForbidden, "Refused", "This form came from another site.")
	}))
	s.handler = origin.Handler(mux)
	return s, nil
}

// ServeHTTP answers a request. Its headers let a browser load nothing but this site's own style and script.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "+
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	// Forms bear their origin only if the referrer is not kept from the site itself.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store")
	s.handler.ServeHTTP(w, r)
}

// inside lets people of the inventory in, and nobody else.
func (s *Site) inside(do func(http.ResponseWriter, *http.Request, signin.Viewer)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := s.Gate.Viewer(r)
		switch {
		case err == nil:
			do(w, r, v)
		case errors.Is(err, signin.ErrStranger):
			s.Log.Warn("a stranger was refused", "error", err, "remote", r.RemoteAddr)
			s.views.Say(w, r, http.StatusForbidden, "Not a person of the inventory", "You were signed in, but the inventory has no such person any more.")
		case r.Header.Get("If-None-Match") != "" || r.Method != http.MethodGet || strings.HasSuffix(r.URL.Path, ".json"):
			s.views.Say(w, r, http.StatusUnauthorized, "Signed out", "Sign in again at /signin.")
		default:
			http.Redirect(w, r, "/signin?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		}
	}
}

// Views writes pages.
type Views struct {
	pages *template.Template
	log   *slog.Logger
}

// Parse reads the templates. A command is written as the command line's own help writes it.
func Parse(command func(words ...string) string, log *slog.Logger) (*Views, error) {
	t, err := template.New("").Funcs(template.FuncMap{
		"clock": clock, "machine": machine, "left": left, "took": took, "words": words, "short": short, "clip": clip, "path": address,
		"join": strings.Join, "command": command, "step": stepMark, "verdict": verdictMark, "proof": proofOf, "dict": dict,
	}).ParseFS(web, "web/*.html")
	if err == nil {
		t, err = t.Parse(picture.Template)
	}
	if err != nil {
		return nil, fmt.Errorf("parse the pages: %w", err)
	}
	return &Views{pages: t, log: log}, nil
}

// dict hands several values to a template by name.
func dict(pairs ...any) (map[string]any, error) {
	out := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("name %v is no text", pairs[i])
		}
		out[name] = pairs[i+1]
	}
	return out, nil
}

// frame is what surrounds every page.
type frame struct {
	Title  string
	Viewer signin.Viewer
	Now    time.Time
	// Tag lets a browser ask whether anything has changed; a page without one is not live.
	Tag     string
	Refresh int
	Answer  *answer
}

// write renders a page whole before the first byte is sent, so that a fault in it is never half a page.
func (v *Views) write(w http.ResponseWriter, status int, name string, view any) {
	var b bytes.Buffer
	if err := v.pages.ExecuteTemplate(&b, name, view); err != nil {
		v.log.Error("render a page", "page", name, "error", err)
		http.Error(w, "The page could not be made; the log says why. The command line works: trigger status", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	// An error here means that the reader has gone; there is nobody to tell.
	_, _ = w.Write(visible(b.Bytes()))
}

// Say shows a few words.
func (v *Views) Say(w http.ResponseWriter, _ *http.Request, status int, title, text string) {
	v.write(w, status, "say.html", struct {
		frame
		Text string
	}{frame{Title: title}, text})
}

// AskToken asks for the local token.
func (v *Views) AskToken(w http.ResponseWriter, _ *http.Request, status int, next string, wrong bool) {
	v.write(w, status, "token.html", struct {
		frame
		Next  string
		Wrong bool
	}{frame{Title: "Sign in"}, next, wrong})
}

// unchanged answers a browser that has the page already.
func unchanged(w http.ResponseWriter, r *http.Request, tag string) bool {
	w.Header().Set("ETag", tag)
	if !slices.Contains(strings.Split(r.Header.Get("If-None-Match"), ", "), tag) {
		return false
	}
	w.WriteHeader(http.StatusNotModified)
	return true
}
