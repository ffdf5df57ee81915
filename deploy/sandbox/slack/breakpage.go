package slack

import (
	"net/http"
	"slices"
	"strconv"
)

// shownEntries is how many of the last calls and deliveries the panel lists.
const shownEntries = 15

type breakView struct {
	Breaks     []string
	On         []string
	Wrong      string
	Calls      []Call
	Deliveries []Delivery
	Sockets    int
	Mode       string
	Down       bool
	Planned    int
}

// serveBreak is the panel with which a human breaks Slack.
func (s *Server) serveBreak(w http.ResponseWriter, r *http.Request) {
	s.showBreak(w, r, http.StatusOK, "")
}

func (s *Server) showBreak(w http.ResponseWriter, r *http.Request, status int, wrong string) {
	view := s.view(r, "Break Slack")
	b := &breakView{
		Breaks: []string{"rate_limit", "fail", "fail_http", "timeout_after_doing", "duplicate", "delay", "lose", "forge", "disconnect"},
		On:     append(sortedKeys(s.methods), responseMethod, "slash_commands", "block_actions", "block_suggestion", "view_submission", "view_closed", "app_home_opened", "app_mention", "message"),
		Wrong:  wrong, Calls: newest(s.Calls()), Deliveries: newest(s.Deliveries()), Sockets: s.Connections(), Mode: "HTTP",
		Down: s.faults.isDown(), Planned: s.faults.planned(),
	}
	if s.settings().SocketMode {
		b.Mode = "Socket Mode"
	}
	view.Break = b
	s.render(w, status, "break.html", view)
}

// newest are the last entries, newest first.
func newest[T any](all []T) []T {
	all = slices.Clone(all[max(0, len(all)-shownEntries):])
	slices.Reverse(all)
	return all
}

func (f *faults) planned() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.queue) + len(f.deliveries)
}

func (s *Server) doBreak(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		s.showBreak(w, r, http.StatusBadRequest, err.Error())
		return
	}
	c := Control{Break: r.PostForm.Get("break"), On: r.PostForm.Get("on"), Error: r.PostForm.Get("error")}
	for name, to := range map[string]*int{"count": &c.Count, "milliseconds": &c.Milliseconds, "status": &c.Status, "copies": &c.Copies} {
		text := r.PostForm.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			s.showBreak(w, r, http.StatusBadRequest, name+" must be a whole number")
			return
		}
		*to = n
	}
	if err := s.Apply(c); err != nil {
		s.showBreak(w, r, http.StatusBadRequest, err.Error())
		return
	}
	http.Redirect(w, r, "/break", http.StatusSeeOther)
}
