package signin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"
)

// maxForm bounds what the sign-in form may post.
const maxForm = 4 << 10

// tokenWay lets in whoever shows the token, on this machine alone.
type tokenWay struct {
	digest [sha256.Size]byte
}

// NewToken makes a gate for the machine itself: the token whose SHA-256 is given is exchanged for a cookie. It names no person,
// so its holder can look and not decide.
func NewToken(c Config, digest [sha256.Size]byte) (*Gate, error) {
	b, err := newBox(c.Key, now(c))
	if err != nil {
		return nil, err
	}
	return &Gate{Config: c, box: b, token: &tokenWay{digest: digest}}, nil
}

func now(c Config) func() time.Time {
	if c.Now == nil {
		return time.Now
	}
	return c.Now
}

func (g *Gate) askToken(w http.ResponseWriter, r *http.Request) {
	if !g.isLocal(w, r) {
		return
	}
	g.Pages.AskToken(w, r, http.StatusOK, onward(r.URL.Query().Get("next")), false)
}

func (g *Gate) takeToken(w http.ResponseWriter, r *http.Request) {
	if !g.isLocal(w, r) {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	next := onward(r.PostFormValue("next"))
	sum := sha256.Sum256([]byte(strings.TrimSpace(r.PostFormValue("token"))))
	if subtle.ConstantTimeCompare(sum[:], g.token.digest[:]) != 1 {
		g.Log.Warn("a wrong page token was refused", "remote", r.RemoteAddr)
		g.Pages.AskToken(w, r, http.StatusForbidden, next, true)
		return
	}
	if err := g.admit(w, session{Name: "the page token", Token: true}); err != nil {
		g.Log.Error("sign in with the page token", "error", err)
		g.Pages.Say(w, r, http.StatusInternalServerError, "Not signed in", "The session could not be made.")
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// isLocal refuses names that only resolve to this machine: a site of somebody else could be one of them.
func (g *Gate) isLocal(w http.ResponseWriter, r *http.Request) bool {
	if local(r.Host) {
		return true
	}
	g.Pages.Say(w, r, http.StatusMisdirectedRequest, "Not here", "With a page token this page answers on localhost alone.")
	return false
}
