package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/workflow"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// The outcomes of a task that names none.
const (
	done    = "done"
	notDone = "not_done"
)

func newTask(phase string, s *playbooks.Step) incident.Task {
	outcomes := s.Task.Outcomes
	if len(outcomes) == 0 {
		outcomes = []string{done, notDone}
	}
	return incident.Task{Step: s.ID, Phase: phase, Title: s.Title, Assignee: s.Task.Assignee,
		Instructions: s.Task.Instructions, Outcomes: outcomes, Blocks: s.Task.Blocks, Countersign: s.Task.Countersign, Budget: s.Budget, Gaps: s.Task.Gaps, Status: incident.TaskPending}
}

// assign opens a task. Only one that blocks holds up the steps after it; the others can be reported until the incident
// closes. Nothing ever reports a task but a person.
func (r *response) assign(ctx workflow.Context, s *playbooks.Step, pass int, omit string) {
	task := r.task(s.ID)
	if task.Status != incident.TaskPending {
		r.end(pass, s.ID)
		return
	}
	if omit == "" {
		omit = r.unmetByTask(s, pass)
	}
	if omit != "" {
		task.Status, task.Reason = incident.TaskSkipped, omit
		r.end(pass, s.ID)
		return
	}
	task.Status, task.AskedAt = incident.TaskOpen, workflow.Now(ctx)
	task.DueAt = task.AskedAt.Add(s.Task.Due)
	r.event(ctx, s.ID, "", "task for %s, due %s: %s", strings.Join(task.Wanted(), " and "), task.DueAt.UTC().Format(time.DateTime)+" UTC", task.Title)
	reported := func() bool {
		return task.Status == incident.TaskDone || task.Status == incident.TaskSkipped || r.closing != nil
	}
	workflow.Go(ctx, func(ctx workflow.Context) {
		ok, err := workflow.AwaitWithTimeout(ctx, s.Task.Due, reported)
		if err == nil && !ok {
			task.Status = incident.TaskOverdue
			r.event(ctx, s.ID, "", "task is overdue; %s and their deputies are asked again", strings.Join(task.Wanted(), ", "))
			_ = workflow.Await(ctx, reported)
		}
		r.end(pass, s.ID)
	})
	switch {
	case s.Task.Blocks:
		_ = workflow.Await(ctx, reported)
	case s.Budget > 0:
		if ok, err := workflow.AwaitWithTimeout(ctx, s.Budget, reported); err == nil && !ok {
			task.Late = true
			r.event(ctx, s.ID, "", "not reported within its budget of %s; going on without it", s.Budget)
		}
	}
}

// unmetByTask returns what is missing of what a task, a wait or a child needs.
func (r *response) unmetByTask(s *playbooks.Step, pass int) string {
	for _, need := range s.Needs {
		if a := r.approval(need); a != nil {
			if a.Status != incident.ApprovalGranted {
				return need + ": " + a.Outcome()
			}
			continue
		}
		if reason := r.unmet(need, "", pass); reason != "" {
			return reason
		}
	}
	return ""
}

// complete is what complete-task does.
func (r *response) complete(ctx workflow.Context, in Steer) string {
	task := r.task(in.Step)
	switch {
	case task == nil:
		return fmt.Sprintf("there is no task %q in this playbook", in.Step)
	case task.Status != incident.TaskOpen && task.Status != incident.TaskOverdue:
		return fmt.Sprintf("the task is %s", task.Status)
	case !slices.Contains(task.Outcomes, in.Outcome):
		return fmt.Sprintf("outcome %q is none of: %s", in.Outcome, strings.Join(task.Outcomes, ", "))
	}
	p := r.person(in.Person)
	role := r.reporting(task, p)
	if role == "" {
		return fmt.Sprintf("%s (%s) cannot report a task of %s", p.ID, p.Role, strings.Join(task.Reporters(), " and "))
	}
	r.event(ctx, in.Step, "", "%s reports: %s", p.ID, in.Outcome)
	by := p.ID
	if len(task.Countersign) > 0 {
		task.Reports = append(task.Reports, incident.TaskReport{Person: p.ID, Role: role, Outcome: in.Outcome, Comment: in.Reason, At: workflow.Now(ctx)})
		if by = r.agreed(ctx, task); by == "" {
			return ""
		}
	}
	task.Status, task.Outcome, task.By, task.Comment = incident.TaskDone, in.Outcome, by, in.Reason
	task.DoneAt = workflow.Now(ctx)
	if s := r.find(in.Step); s != nil && s.Task.FalsePositive != "" && s.Task.FalsePositive == in.Outcome {
		r.finish(ctx, ending{by: by, reason: in.Step + ": " + in.Outcome, falsePositive: true})
	}
	return ""
}

// reporting is the role for which the person reports the task, or "". Each role of a task that is countersigned takes another
// person; a person who reports again speaks for the same role. The commander can stand in for one role.
func (r *response) reporting(task *incident.Task, p *inventory.Person) string {
	roles := task.Reporters()
	for _, role := range roles {
		if x := task.Standing(role); x != nil && x.Person == p.ID {
			return role
		}
	}
	for _, vacant := range []bool{true, false} {
		for _, role := range roles {
			if (task.Standing(role) == nil) == vacant && r.actsAs(p, role) {
				return role
			}
		}
	}
	if wanted := task.Wanted(); len(wanted) > 0 && r.actsAs(p, commander) {
		return wanted[0]
	}
	return ""
}

// agreed names the people whose reports agree, or is empty while a report is wanted or two differ.
func (r *response) agreed(ctx workflow.Context, task *incident.Task) string {
	if wanted := task.Wanted(); len(wanted) > 0 {
		r.event(ctx, task.Step, "", "%s must report the same", strings.Join(wanted, ", "))
		return ""
	}
	var people []string
	for _, role := range task.Reporters() {
		people = append(people, task.Standing(role).Person)
	}
	if task.Disputed() {
		r.event(ctx, task.Step, "", "the reports of %s differ; the task stays open until they agree", strings.Join(people, " and "))
		return ""
	}
	return strings.Join(people, ", ")
}

// pause waits for the time of a wait step, or until a person ends it.
func (r *response) pause(ctx workflow.Context, s *playbooks.Step, pass int, omit string) {
	if omit == "" {
		omit = r.unmetByTask(s, pass)
	}
	if omit != "" || pass > 0 {
		return
	}
	r.rec.Waits = append(r.rec.Waits, incident.Wait{Step: s.ID, Title: s.Title, Until: workflow.Now(ctx).Add(s.Wait.For)})
	i := len(r.rec.Waits) - 1
	r.event(ctx, s.ID, "", "waiting until %s: %s", r.rec.Waits[i].Until.UTC().Format("2006-01-02 15:04 MST"), s.Title)
	_, _ = workflow.AwaitWithTimeout(ctx, s.Wait.For, func() bool { return r.rec.Waits[i].EndedBy != "" || r.closing != nil })
	r.rec.Waits[i].EndedAt = workflow.Now(ctx)
}

// endWait is what end-wait does.
func (r *response) endWait(ctx workflow.Context, in Steer) string {
	for i := range r.rec.Waits {
		w := &r.rec.Waits[i]
		if w.Step == in.Step && w.EndedAt.IsZero() && w.EndedBy == "" {
			w.EndedBy = r.person(in.Person).ID
			r.event(ctx, in.Step, "", "wait ended by %s: %s", w.EndedBy, in.Reason)
			return ""
		}
	}
	return fmt.Sprintf("nothing waits in %q", in.Step)
}

// runChild runs another playbook on the same asset and takes its verdict. The child is an incident of its own: it is
// listed, asks its own approvals, and is not stopped when this one closes.
func (r *response) runChild(ctx workflow.Context, s *playbooks.Step, pass int, omit string) {
	if omit == "" {
		omit = r.unmetByTask(s, pass)
	}
	if omit != "" || pass > 0 {
		return
	}
	req := r.req
	req.Kind, req.Parent, req.PlaybookDigest = s.Child.Kind, r.rec.ID, ""
	id := incident.WorkflowID(req.Kind, req.Asset, "of-"+string(r.rec.Kind))
	r.rec.Children = append(r.rec.Children, incident.Child{Step: s.ID, ID: id})
	i := len(r.rec.Children) - 1
	r.event(ctx, s.ID, "", "child incident %s", id)
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: id, TaskQueue: TaskQueue(r.rec.Mode), ParentClosePolicy: enums.PARENT_CLOSE_POLICY_ABANDON})
	var rec incident.Record
	if err := workflow.ExecuteChildWorkflow(ctx, WorkflowType(req.Kind), req).Get(ctx, &rec); err != nil {
		r.rec.Children[i].Error = cause(err)
		r.event(ctx, s.ID, "", "child incident failed: %s", cause(err))
		return
	}
	r.rec.Children[i].Verdict = rec.Verdict
	r.event(ctx, s.ID, "", "child incident ended: %s", rec.Verdict)
}
