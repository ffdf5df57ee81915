package page

import (
	"bytes"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"firebreak/internal/incident"
	"firebreak/internal/signin"
)

// runShape is what Temporal's run ids look like.
var runShape = regexp.MustCompile(`^[0-9a-fA-F-]{1,64}$`)

// maxID keeps ids below Temporal's limit of 1,000 bytes.
const maxID = 900

// asked is the incident that a request names; ok is false if it can be none.
func asked(r *http.Request) (id, run string, ok bool) {
	id, run = "incident/"+r.PathValue("id"), r.URL.Query().Get("run")
	return id, run, len(id) <= maxID && strings.Count(id, "/") >= 2 && (run == "" || runShape.MatchString(run))
}

func (s *Site) missing(w http.ResponseWriter, r *http.Request) {
	s.views.Say(w, r, http.StatusNotFound, "No such incident", "There is no incident at this address. It may be older than Temporal keeps.")
}

func (s *Site) show(w http.ResponseWriter, r *http.Request, v signin.Viewer) {
	id, run, ok := asked(r)
	if !ok {
		s.missing(w, r)
		return
	}
	if plain, isJSON := strings.CutSuffix(id, ".json"); isJSON {
		// An asset may have that end too; then there is no incident without it.
		if l := s.cache.record(r.Context(), plain, run); !errors.Is(l.Err, ErrNone) {
			s.writeRecord(w, r, v, l)
			return
		}
	}
	l := s.cache.record(r.Context(), id, run)
	switch {
	case errors.Is(l.Err, ErrNone):
		s.missing(w, r)
		return
	case l.Record == nil:
		s.Log.Warn("look at an incident for the page", "incident_id", id, "error", l.Err)
		s.views.Say(w, r, http.StatusServiceUnavailable, "No answer", "The incident did not answer, and nothing is known of it yet. It goes on by itself; try again in a moment.")
		return
	}
	now := s.Now()
	var said answer
	// A page that only asks whether anything has changed leaves the answer to the one that is loaded.
	flashed := r.Header.Get("If-None-Match") == "" && s.Gate.Flashed(w, r, &said)
	tag := tag(l.Digest, v, now, l.Err != nil)
	if !flashed && unchanged(w, r, tag) {
		return
	}
	view := s.incident(l, run, v, now)
	view.frame.Tag = tag
	if flashed {
		view.Answer = &said
	}
	s.views.write(w, http.StatusOK, "incident.html", view)
}

// writeRecord answers with the record as the incident gave it, but for the raw posts of senders.
func (s *Site) writeRecord(w http.ResponseWriter, r *http.Request, v signin.Viewer, l *look) {
	if l.Record == nil {
		http.Error(w, `{"error":"the incident did not answer"}`, http.StatusServiceUnavailable)
		return
	}
	if unchanged(w, r, tag(l.Digest+"json", v, time.Time{}, false)) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// An error here means that the reader has gone.
	_, _ = w.Write(append(bytes.Clone(l.JSON), '\n'))
}

// answer is what came of a form.
type answer struct {
	OK   bool   `json:"ok"`
	Text string `json:"text"`
}

// take hands in what a person decided. Whatever comes of it is shown on the page that follows.
func (s *Site) take(w http.ResponseWriter, r *http.Request, v signin.Viewer) {
	id, run, ok := asked(r)
	r.Body = http.MaxBytesReader(w, r.Body, maxPost)
	switch err := r.ParseForm(); {
	case err != nil:
		s.views.Say(w, r, http.StatusBadRequest, "Not recorded", "The form could not be read; a reason has at most 2,000 characters.")
		return
	case !ok || run != "":
		s.missing(w, r)
		return
	case !v.Admits(r.PostForm.Get("form")):
		s.views.Say(w, r, http.StatusForbidden, "Not recorded", "This form is not of your session. Go back, load the page again and decide there.")
		return
	case v.Person == nil:
		s.views.Say(w, r, http.StatusForbidden, "Not recorded", "The page token names no person, so nothing can be decided with it. Use the command line.")
		return
	}
	outcome, err := s.hand(r, id, v)
	said := answer{OK: err == nil && outcome.Accepted, Text: outcome.Message}
	switch {
	case errors.Is(err, errForm):
		s.views.Say(w, r, http.StatusBadRequest, "Not recorded", err.Error())
		return
	case errors.Is(err, ErrNone):
		said.Text = "Not recorded: the incident is not open any more."
	case err != nil:
		s.Log.Warn("hand in a form of the page", "incident_id", id, "person", v.Person.ID, "error", err)
		said.Text = "No answer came, so it may or may not be recorded. Look below before you try again."
	case !outcome.Accepted:
		said.Text = "Refused, and recorded as refused: " + outcome.Message
	}
	s.Log.Info("a form of the page", "incident_id", id, "person", v.Person.ID, "do", r.PostForm.Get("do"), "accepted", said.OK)
	said.Text = clip(500, said.Text)
	s.cache.forget(id)
	s.Gate.Flash(w, said)
	http.Redirect(w, r, address(id, ""), http.StatusSeeOther)
}

// errForm is a form that this site did not make.
var errForm = errors.New("the form is not one of this page")

func (s *Site) hand(r *http.Request, id string, v signin.Viewer) (Outcome, error) {
	form := r.PostForm
	reason := strings.ToValidUTF8(strings.TrimSpace(form.Get("reason")), "\uFFFD")
	if len([]rune(reason)) > maxReason {
		return Outcome{}, errForm
	}
	step := form.Get("step")
	switch do := form.Get("do"); do {
	case "approve", "deny":
		if step == "" || form.Get("plan") == "" {
			return Outcome{}, errForm
		}
		return s.Desk.Decide(r.Context(), id, Decision{Step: step, Person: v.Person.ID, PlanDigest: form.Get("plan"), Reason: reason, Approve: do == "approve"})
	case "report":
		if step == "" || form.Get("outcome") == "" {
			return Outcome{}, errForm
		}
		return s.Desk.Report(r.Context(), id, Report{Step: step, Person: v.Person.ID, Outcome: form.Get("outcome"), Comment: reason})
	case "acknowledge":
		return s.Desk.Acknowledge(r.Context(), id, v.Person.ID)
	}
	return Outcome{}, errForm
}

// maxReason is how long a reason may be, in characters.
const maxReason = 2000

// taskOpen reports whether somebody still has to report a task.
func taskOpen(t *incident.Task) bool {
	return t.Status == incident.TaskOpen || t.Status == incident.TaskOverdue
}
