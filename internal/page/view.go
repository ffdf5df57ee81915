package page

import (
	"cmp"
	"slices"
	"time"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/internal/picture"
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
	Wide      picture.Picture
	Tall      picture.Picture
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
	view.Wide, view.Tall = view.Graph.Wide(), view.Graph.Tall()
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
	// What this person can decide comes first.
	slices.SortStableFunc(view.Waiting, func(a, b approvalView) int { return order(a.Form, b.Form) })
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
	slices.SortStableFunc(view.Tasks, func(a, b taskView) int { return cmp.Or(order(a.Blocks, b.Blocks), a.DueAt.Compare(b.DueAt)) })
	for i := range r.Waits {
		if w := &r.Waits[i]; w.EndedAt.IsZero() && w.EndedBy == "" && len(view.Waits) < mostOthers {
			view.Waits = append(view.Waits, w)
		}
	}
}

// order puts what is true first.
func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
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
