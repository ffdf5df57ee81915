package signin

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"firebreak/internal/inventory"
)

const (
	// sessionLife is how long a person stays signed in: one shift.
	sessionLife = 8 * time.Hour
	// flowLife is how long a sign-in at the provider may take.
	flowLife = 10 * time.Minute
	// flashLife is how long an answer waits to be shown.
	flashLife = time.Minute

	// Home is where a sign-in leads if nothing else was asked for.
	Home = "/incidents"
)

var (
	// ErrSignedOut means that nobody is signed in.
	ErrSignedOut = errors.New("nobody is signed in")
	// ErrStranger means that whoever is signed in is not in the inventory.
	ErrStranger = errors.New("not a person of the inventory")
)

// Pages is how the gate speaks to people.
type Pages interface {
	// Say shows a few words.
	Say(w http.ResponseWriter, r *http.Request, status int, title, text string)
	// AskToken asks for the local token; wrong says that the one given was not it.
	AskToken(w http.ResponseWriter, r *http.Request, status int, next string, wrong bool)
}

// Config is what both ways of signing in need.
type Config struct {
	Pages Pages
	// People returns the inventory as it is now.
	People func() *inventory.Inventory
	// Key seals the sessions; nil takes a random one. Several processes behind one address need the same.
	Key []byte
	Log *slog.Logger
	Now func() time.Time
}

// Viewer is who looks at the page.
type Viewer struct {
	// Person is nil for the holder of the local token, who is nobody in particular and decides nothing.
	Person *inventory.Person
	Name   string
	// Form is what each form must carry.
	Form string
}

// Gate lets people in. Its zero value is of no use; see NewOIDC and NewToken.
type Gate struct {
	Config
	box    *box
	secure bool
	// way is oidc or token; it is nil for neither.
	oidc  *oidcWay
	token *tokenWay
}

// session is what the cookie holds. ID is random and binds forms to the session.
type session struct {
	ID    string `json:"id"`
	Name  string `json:"name,omitempty"`
	Token bool   `json:"token,omitempty"`
}

// Routes adds the addresses of the gate.
func (g *Gate) Routes(mux *http.ServeMux) {
	if g.oidc != nil {
		mux.HandleFunc("GET /signin", g.startFlow)
		mux.HandleFunc("GET "+CallbackPath, g.callback)
	} else {
		mux.HandleFunc("GET /signin", g.askToken)
		mux.HandleFunc("POST /signin", g.takeToken)
	}
	mux.HandleFunc("POST /signout", g.signOut)
}

// Viewer returns who sends the request. ErrSignedOut and ErrStranger say why it is nobody.
func (g *Gate) Viewer(r *http.Request) (Viewer, error) {
	var s session
	c, err := r.Cookie(g.cookie("session"))
	if err != nil || g.box.open("session", c.Value, &s) != nil || s.Token != (g.token != nil) {
		return Viewer{}, ErrSignedOut
	}
	v := Viewer{Name: s.Name, Form: g.box.stamp(s.ID)}
	if s.Token {
		if !local(r.Host) {
			return Viewer{}, ErrSignedOut
		}
		return v, nil
	}
	if v.Person = g.oidc.person(g.People(), s.Name); v.Person == nil {
		return Viewer{}, fmt.Errorf("%q is %w", s.Name, ErrStranger)
	}
	return v, nil
}

// Admits reports whether a form was made for this viewer's session.
func (v Viewer) Admits(form string) bool {
	return v.Form != "" && subtle.ConstantTimeCompare([]byte(v.Form), []byte(form)) == 1
}

func (g *Gate) signOut(w http.ResponseWriter, r *http.Request) {
	v, err := g.Viewer(r)
	if err == nil && !v.Admits(r.PostFormValue("form")) {
		g.Pages.Say(w, r, http.StatusForbidden, "Not signed out", "This form is not of your session. Go back and try again.")
		return
	}
	g.drop(w, "session")
	g.Pages.Say(w, r, http.StatusOK, "Signed out", "You are signed out here. Your identity provider may still know you.")
}

// Flash leaves an answer for the page that is shown next; Flashed takes it.
func (g *Gate) Flash(w http.ResponseWriter, answer any) {
	if text, err := g.box.seal("flash", answer, flashLife); err == nil {
		g.set(w, "flash", text, flashLife)
	}
}

// Flashed takes the answer that Flash left; it reports false if there is none.
func (g *Gate) Flashed(w http.ResponseWriter, r *http.Request, answer any) bool {
	c, err := r.Cookie(g.cookie("flash"))
	if err != nil {
		return false
	}
	g.drop(w, "flash")
	return g.box.open("flash", c.Value, answer) == nil
}

// admit starts a session.
func (g *Gate) admit(w http.ResponseWriter, s session) error {
	s.ID = rand.Text()
	text, err := g.box.seal("session", s, sessionLife)
	if err != nil {
		return err
	}
	g.set(w, "session", text, sessionLife)
	return nil
}

// cookie is a cookie's name. The prefix makes a browser refuse it from any other host or without TLS.
func (g *Gate) cookie(name string) string {
	if g.secure {
		return "__Host-firebreak-" + name
	}
	return "firebreak-" + name
}

func (g *Gate) set(w http.ResponseWriter, name, value string, life time.Duration) {
	// Lax, not Strict: people come from links in Slack, and a strict cookie would not come with them. Forms bear a stamp.
	http.SetCookie(w, &http.Cookie{
		Name: g.cookie(name), Value: value, Path: "/", MaxAge: int(life.Seconds()), HttpOnly: true, Secure: g.secure, SameSite: http.SameSiteLaxMode,
	})
}

func (g *Gate) drop(w http.ResponseWriter, name string) {
	http.SetCookie(w, &http.Cookie{
		Name: g.cookie(name), Path: "/", MaxAge: -1, HttpOnly: true, Secure: g.secure, SameSite: http.SameSiteLaxMode,
	})
}

// local reports whether the host of a request is this machine.
func local(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return strings.EqualFold(name, "localhost") || ip != nil && ip.IsLoopback()
}

// onward keeps a path of the page; everything else leads home.
func onward(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.ContainsAny(next, "\\\r\n\t") ||
		next != Home && !strings.HasPrefix(next, Home+"/") || len(next) > 2048 {
		return Home
	}
	return next
}
