package page

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/internal/signin"
)

// The most of each that a page shows; the record has everything.
const (
	mostSteps  = 300
	mostEvents = 300
	mostOthers = 100
)

// incidentView is the page of one incident.
type incidentView struct {
	frame
	R       *incident.Record
	Run     string
	Verdict mark
	// Away is true while Temporal does not answer: what is shown is of At.
	Away bool
	At   time.Time
	// You is what waits for the person who looks; Others is what waits for somebody else.
	Waiting   []approvalView
	Decided   []approvalView
	Tasks     []taskView
	Reported  []*incident.Task
	Waits     []*incident.Wait
	Glance    []glance
	Graph     graph
	Wide      picture
	Tall      picture
	Steps     []*incident.Step
	MoreSteps int
	Phases    []string
	Clocks    []clockView
	Find      []string
	Legal     legalView
	Events    []incident.Event
	MoreEvent int
	// Cut says that further lists were cut.
	Cut bool
	// Person is who the commands are for.
	Person string
}

// glance is one fact at the top: how many of how many, in words.
type glance struct {
	Name, Value string
	Mark        mark
	Due         time.Time
}

// approvalView is a request for approval as this person sees it.
type approvalView struct {
	*incident.Approval
	// Form is true if the person may decide; Why says why not. Denial is true if only a denial would count.
	Form, DenyOnly bool
	Why            string
}

type taskView struct {
	*incident.Task
	Form bool
	Late bool
}

type clockView struct {
	*incident.Clock
	Mark  mark
	Late  bool
	Runs  bool
	About string
}

type legalView struct {
	incident.Legal
	// Owed is true if legal should have been told and was not.
	Owed, Form bool
}

func (s *Site) incident(l *look, run string, v signin.Viewer, now time.Time) *incidentView {
	r, inv := l.Record, s.People()
	m := verdictMark(r.Verdict)
	view := &incidentView{
		frame: frame{Title: m.Word + ": " + r.Asset, Viewer: v, Now: now, Refresh: refreshSeconds},
		R:     r, Run: run, Verdict: m, Away: l.Err != nil, At: l.At, Person: "PERSON",
	}
	if v.Person != nil {
		view.Person = v.Person.ID
	}
	if r.Progress == incident.Closed {
		view.Refresh = 0
	}
	view.approvals(inv, v)
	view.tasks(inv, v, now)
	view.Graph = newGraph(r, inv)
	view.Wide, view.Tall = view.Graph.wide(), view.Graph.tall()
	view.steps()
	view.clocks(now, s.Anchors)
	view.legal(inv, v)
	view.glances(now)
	view.Events = slices.Clone(r.Timeline[max(0, len(r.Timeline)-mostEvents):])
	slices.Reverse(view.Events)
	view.MoreEvent = len(r.Timeline) - len(view.Events)
	return view
}

func (view *incidentView) approvals(inv *inventory.Inventory, v signin.Viewer) {
	r := view.R
	for i := range r.Approvals {
		a := approvalView{Approval: &r.Approvals[i]}
		switch a.Status {
		case incident.ApprovalWaiting:
			if v.Person != nil {
				a.Why = mayDecide(inv, r, a.Approval, v.Person)
				a.Form = a.Why == "" && r.Progress != incident.Closed && view.Run == ""
				a.DenyOnly = a.Form && started(inv, r, v.Person)
			}
			view.Waiting = append(view.Waiting, a)
		case incident.ApprovalPending:
		default:
			view.Decided = append(view.Decided, a)
		}
	}
	view.Waiting = view.first(view.Waiting)
	if over := len(view.Decided) - mostOthers; over > 0 {
		view.Decided, view.Cut = view.Decided[over:], true
	}
}

func (view *incidentView) first(list []approvalView) []approvalView {
	if len(list) > mostOthers {
		view.Cut = true
		return list[:mostOthers]
	}
	return list
}

func (view *incidentView) tasks(inv *inventory.Inventory, v signin.Viewer, now time.Time) {
	r := view.R
	for i := range r.Tasks {
		t := &r.Tasks[i]
		switch {
		case len(view.Tasks) >= mostOthers || len(view.Reported) >= mostOthers:
			view.Cut = true
		case taskOpen(t):
			form := v.Person != nil && r.Progress != incident.Closed && view.Run == "" && mayReport(inv, t, v.Person)
			view.Tasks = append(view.Tasks, taskView{Task: t, Form: form, Late: !t.DueAt.IsZero() && now.After(t.DueAt)})
		case t.Status == incident.TaskDone || t.Status == incident.TaskSkipped:
			view.Reported = append(view.Reported, t)
		}
	}
	// What holds up the playbook comes first, then what is due first.
	slices.SortStableFunc(view.Tasks, func(a, b taskView) int {
		if a.Blocks != b.Blocks {
			if a.Blocks {
				return -1
			}
			return 1
		}
		return a.DueAt.Compare(b.DueAt)
	})
	for i := range r.Waits {
		if w := &r.Waits[i]; w.EndedAt.IsZero() && w.EndedBy == "" && len(view.Waits) < mostOthers {
			view.Waits = append(view.Waits, w)
		}
	}
}

func (view *incidentView) steps() {
	for i := range view.R.Steps {
		if len(view.Steps) == mostSteps {
			view.MoreSteps = len(view.R.Steps) - mostSteps
			return
		}
		view.Steps = append(view.Steps, &view.R.Steps[i])
	}
}

// clocks shows what runs first, by what is due first.
func (view *incidentView) clocks(now time.Time, anchors []string) {
	wanted := map[string]bool{}
	for i := range view.R.Clocks {
		c := &view.R.Clocks[i]
		k := clockView{Clock: c, Runs: clockRuns(c)}
		k.Late = k.Runs && !c.Due.IsZero() && now.After(c.Due)
		switch {
		case !k.Runs:
			k.Mark = mark{c.Status, "✓", "good"}
		case k.Late:
			k.Mark = mark{"overdue", "✗", "bad"}
		case c.Due.IsZero():
			k.Mark = mark{"no deadline yet", "?", "warn"}
		default:
			k.Mark = mark{"running", "…", "wait"}
		}
		k.About = aboutClock(c, k.Runs)
		wanted[c.Anchor] = wanted[c.Anchor] || k.Runs && (c.AnchorMissing || c.Provisional)
		view.Clocks = append(view.Clocks, k)
	}
	slices.SortStableFunc(view.Clocks, func(a, b clockView) int { return clockRank(a).Compare(clockRank(b)) })
	if len(view.Clocks) > mostOthers {
		view.Clocks, view.Cut = view.Clocks[:mostOthers], true
	}
	for _, a := range anchors {
		if wanted[a] {
			view.Find = append(view.Find, a)
		}
	}
}

func aboutClock(c *incident.Clock, runs bool) string {
	var parts []string
	if runs && c.AnchorMissing {
		parts = append(parts, "its anchor "+words(c.Anchor)+" is missing, so that no deadline is computed")
	}
	if runs && c.Provisional {
		parts = append(parts, "provisional: the worst case, until somebody sets "+words(c.Anchor))
	}
	if runs && c.NeedsCounsel {
		parts = append(parts, "needs counsel")
	}
	if c.Reference != "" {
		parts = append(parts, "reference "+c.Reference)
	}
	if c.Note != "" {
		parts = append(parts, c.Note)
	}
	return strings.Join(parts, "; ")
}

// clockRank orders clocks: by deadline, then those without one, then those that have ended.
func clockRank(c clockView) time.Time {
	switch {
	case !c.Runs:
		return time.Unix(1<<40, 0)
	case c.Due.IsZero():
		return time.Unix(1<<39, 0)
	}
	return c.Due
}

func clockRuns(c *incident.Clock) bool { return c.Status != "filed" && c.Status != "dismissed" }

// nextClock is the running clock that is due first, or nil.
func nextClock(r *incident.Record) *incident.Clock {
	var next *incident.Clock
	for i := range r.Clocks {
		if c := &r.Clocks[i]; clockRuns(c) && !c.Due.IsZero() && (next == nil || c.Due.Before(next.Due)) {
			next = c
		}
	}
	return next
}

func (view *incidentView) legal(inv *inventory.Inventory, v signin.Viewer) {
	r := view.R
	view.Legal = legalView{Legal: r.Legal, Owed: r.Radius.PersonalData && r.Legal.TS == ""}
	view.Legal.Form = r.Legal.TS != "" && r.Legal.AcknowledgedBy == "" && r.Progress != incident.Closed && view.Run == "" &&
		v.Person != nil && mayAcknowledge(inv, v.Person)
}

// glances say at the top what is proved, what is missing and what waits.
func (view *incidentView) glances(now time.Time) {
	r := view.R
	of := func(name string, role incident.Role) {
		proved, all := 0, 0
		for i := range r.Steps {
			s := &r.Steps[i]
			if s.Role != role || s.Target == "" || s.Omitted {
				continue
			}
			all++
			if s.Status == incident.Done && s.Verified {
				proved++
			}
		}
		if all == 0 {
			return
		}
		m := mark{Sign: "✓", Class: "good"}
		if proved < all {
			m = mark{Sign: "✗", Class: "bad"}
			if role == incident.RoleRecovery || role == incident.RoleEvidence {
				m = mark{Sign: "○", Class: "wait"}
			}
		}
		view.Glance = append(view.Glance, glance{Name: name, Value: fmt.Sprintf("%d of %d proved", proved, all), Mark: m})
	}
	of("Contained", incident.RoleContainment)
	of("Evidence", incident.RoleEvidence)
	of("Recovery", incident.RoleRecovery)
	of("Legal told", incident.RoleNotification)
	if n := len(view.Waiting); n > 0 {
		view.Glance = append(view.Glance, glance{Name: "Approvals", Value: fmt.Sprintf("%d waiting", n), Mark: mark{Sign: "!", Class: "warn"}})
	}
	if n := len(view.Tasks); n > 0 {
		view.Glance = append(view.Glance, glance{Name: "Tasks", Value: fmt.Sprintf("%d open", n), Mark: mark{Sign: "!", Class: "warn"}})
	}
	if c := nextClock(r); c != nil && r.Progress != incident.Closed {
		g := glance{Name: "Next legal deadline", Due: c.Due, Value: c.Title, Mark: mark{Sign: "…", Class: "wait"}}
		if now.After(c.Due) {
			g.Mark = mark{Sign: "✗", Class: "bad"}
		}
		view.Glance = append(view.Glance, g)
	}
}
