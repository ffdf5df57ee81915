package page

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"firebreak/internal/incident"
	"firebreak/internal/signin"
)

// row is one run in the list. What the incident itself says is empty if it could not be asked.
type row struct {
	Listed
	Kind      incident.Kind
	Asset     string
	Severity  string
	Summary   string
	Mode      incident.Mode
	Progress  incident.Progress
	Verdict   incident.Verdict
	Paused    bool
	Gaps      int
	Approvals int
	Tasks     int
	NextClock time.Time
	ClosedAt  time.Time
	HasRecord bool
}

func (r *row) fill(rec *incident.Record) {
	r.HasRecord = true
	r.Kind, r.Asset, r.Severity, r.Summary = rec.Kind, rec.Asset, rec.Severity, rec.Summary
	r.Mode, r.Progress, r.Verdict, r.Paused, r.Gaps, r.ClosedAt = rec.Mode, rec.Progress, rec.Verdict, rec.Paused, len(rec.Gaps), rec.ClosedAt
	for i := range rec.Approvals {
		if rec.Approvals[i].Status == incident.ApprovalWaiting {
			r.Approvals++
		}
	}
	for i := range rec.Tasks {
		if taskOpen(&rec.Tasks[i]) {
			r.Tasks++
		}
	}
	if c := nextClock(rec); c != nil {
		r.NextClock = c.Due
	}
}

// rank puts what is open before what is over, and what is not contained first.
func (r *row) rank() int {
	switch {
	case !r.open():
		return 3
	case !r.HasRecord || r.Verdict == incident.NotContained:
		return 0
	case r.Approvals > 0:
		return 1
	}
	return 2
}

// Open and Name are for the template: whether it goes on, and what it is called.
func (r *row) Open() bool { return r.open() }

// Name is the asset, or the whole id of an incident that gave no answer.
func (r *row) Name() string {
	if r.Asset == "" {
		return r.ID
	}
	return r.Asset
}

// Address is where its page is. The newest run is found without naming it.
func (r *row) Address() string {
	if r.open() {
		return address(r.ID, "")
	}
	return address(r.ID, r.Run)
}

// listView is the page with all incidents.
type listView struct {
	frame
	Open, Past []*row
	// Away says why the list could not be read just now; At is then when it was read last.
	Away bool
	At   time.Time
}

func (s *Site) list(w http.ResponseWriter, r *http.Request, v signin.Viewer) {
	l := s.cache.rows(r.Context())
	now := s.Now()
	view := listView{Away: l.Err != nil, At: l.At}
	for i := range l.Rows {
		if l.Rows[i].open() {
			view.Open = append(view.Open, &l.Rows[i])
		} else {
			view.Past = append(view.Past, &l.Rows[i])
		}
	}
	raw, err := json.Marshal(l.Rows)
	if err != nil {
		s.Log.Error("encode the list of incidents", "error", err)
	}
	if l.Err != nil {
		s.Log.Warn("list incidents for the page", "error", l.Err)
	}
	view.frame = frame{Title: "Incidents", Viewer: v, Now: now, Refresh: refreshSeconds, Tag: tag(string(raw), v, now, l.Err != nil)}
	if unchanged(w, r, view.Tag) {
		return
	}
	s.views.write(w, http.StatusOK, "list.html", view)
}

// tag changes with what is shown, with who looks, and with the minute: what is left of a time is shown to the minute even
// without a script. While Temporal is away the age of what is shown counts in tens of seconds.
func tag(state string, v signin.Viewer, now time.Time, away bool) string {
	unit := time.Minute
	if away {
		unit = 10 * time.Second
	}
	sum := sha256.Sum256([]byte(state + "\x00" + v.Form + "\x00" + now.Truncate(unit).Format(time.RFC3339)))
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}
