package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"firebreak/internal/incident"
	"firebreak/workflows"
)

// player plays one incident and the people in it.
type player struct {
	*recorder
	kind incident.Kind
	name string
	req  incident.Request
	// usual is the record of the incident in which nothing goes wrong; nil while that is being played.
	usual *incident.Record
	// family are the ids of the incident and of the children that its playbook started.
	family []string

	// deny makes the people deny what they are asked; late makes them report only tasks that are overdue.
	deny, late bool
	// hold names the requests on which nobody decides; nil means none.
	hold func(*incident.Approval) bool
	// prefer says what people report of a task instead of its first outcome.
	prefer map[string]string
	// asked holds the decisions that were given already, the refused ones too.
	asked map[string]bool
}

func (p *player) id() string { return p.family[0] }

// start opens the incident as the trigger does: by the signal of its first alert.
func (p *player) start(ctx context.Context) error {
	p.family = []string{incident.WorkflowID(p.kind, p.req.Asset, p.name)}
	p.asked = map[string]bool{}
	_, err := p.client.SignalWithStartWorkflow(ctx, p.id(), workflows.AlertSignal, p.alert("first", false),
		client.StartWorkflowOptions{TaskQueue: workflows.TaskQueue(p.req.Mode)}, workflows.WorkflowType(p.kind), p.req)
	if err != nil {
		return fmt.Errorf("start incident: %w", err)
	}
	return nil
}

func (p *player) alert(key string, resolved bool) incident.Alert {
	return incident.Alert{Key: key, Source: "alertmanager", Kind: p.kind, Asset: p.req.Asset, Severity: p.req.Severity, Summary: p.req.Summary,
		Resolved: resolved, StartsAt: p.req.DetectedAt, ReceivedAt: p.req.DetectedAt, RawSHA256: strings.Repeat("0", 64)}
}

func (p *player) signal(ctx context.Context, key string, resolved bool) error {
	if err := p.client.SignalWorkflow(ctx, p.id(), "", workflows.AlertSignal, p.alert(key, resolved)); err != nil {
		return fmt.Errorf("send alert: %w", err)
	}
	return nil
}

// poll is the pause between two looks at the record; looking leaves nothing in history.
const poll = 20 * time.Millisecond

// until plays the people's part until done says so. A query fails while no worker runs; that is waited out.
func (p *player) until(ctx context.Context, what string, done func(*incident.Record) bool) (*incident.Record, error) {
	var last error
	for {
		rec, err := p.status(ctx, p.id())
		if err == nil && done(rec) {
			return rec, nil
		}
		if err == nil {
			err = p.act(ctx)
		}
		last = err
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait until %s: %w (last: %v)", what, ctx.Err(), last)
		case <-time.After(poll):
		}
	}
}

func settled(rec *incident.Record) bool { return rec.Progress == incident.Settled }

func (p *player) settle(ctx context.Context) (*incident.Record, error) {
	return p.until(ctx, "it has settled", settled)
}

func (p *player) status(ctx context.Context, id string) (*incident.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	value, err := p.client.QueryWorkflow(ctx, id, "", workflows.StatusQuery)
	if err != nil {
		return nil, fmt.Errorf("read status of %s: %w", id, err)
	}
	var rec incident.Record
	if err := value.Get(&rec); err != nil {
		return nil, fmt.Errorf("decode status of %s: %w", id, err)
	}
	return &rec, nil
}

// act does what the people of the incident and of its children would do now.
func (p *player) act(ctx context.Context) error {
	for _, id := range p.family {
		rec, err := p.status(ctx, id)
		if err != nil {
			return err
		}
		for _, c := range rec.Children {
			if c.Error == "" && !slices.Contains(p.family, c.ID) {
				p.family = append(p.family, c.ID)
			}
		}
		if rec.Progress == incident.Closed {
			continue
		}
		if err := errors.Join(p.decide(ctx, rec), p.report(ctx, rec), p.endWaits(ctx, rec)); err != nil {
			return err
		}
	}
	return nil
}

// decide answers the requests that wait, one person for every role until the quorum is full.
func (p *player) decide(ctx context.Context, rec *incident.Record) error {
	for i := range rec.Approvals {
		a := &rec.Approvals[i]
		if a.Status != incident.ApprovalWaiting || p.hold != nil && p.hold(a) {
			continue
		}
		for _, role := range a.Roles {
			person := p.holder(role)
			key := strings.Join([]string{rec.ID, a.Step, person, a.PlanDigest, a.AskedAt.String()}, " ")
			if p.asked[key] {
				continue
			}
			p.asked[key] = true
			out, err := p.update(ctx, rec.ID, workflows.DecideApprovalUpdate, workflows.DecideApproval{
				Step: a.Step, Person: person, Approve: !p.deny, PlanDigest: rec.PlanDigest, Comment: "recorded", Via: "cli"})
			if err != nil {
				return err
			}
			if out.Message == "granted" || p.deny && out.Accepted {
				break
			}
		}
	}
	return nil
}

// report completes the tasks that are open.
func (p *player) report(ctx context.Context, rec *incident.Record) error {
	for i := range rec.Tasks {
		t := &rec.Tasks[i]
		if t.Status != incident.TaskOverdue && (t.Status != incident.TaskOpen || p.late) {
			continue
		}
		outcome := t.Outcomes[0]
		if wanted := p.prefer[t.Step]; wanted != "" {
			outcome = wanted
		}
		for _, role := range t.Wanted() {
			if _, err := p.update(ctx, rec.ID, workflows.CompleteTaskUpdate, workflows.Steer{
				Person: p.holder(role), Step: t.Step, Outcome: outcome, Reason: "recorded", Via: "cli"}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *player) endWaits(ctx context.Context, rec *incident.Record) error {
	for _, w := range rec.Waits {
		if w.EndedBy != "" || !w.EndedAt.IsZero() {
			continue
		}
		if _, err := p.update(ctx, rec.ID, workflows.EndWaitUpdate, p.commander(w.Step, "")); err != nil {
			return err
		}
	}
	return nil
}

// commander is what the incident commander asks about a step and a target.
func (p *player) commander(step, target string) workflows.Steer {
	return workflows.Steer{Person: p.holder("IC"), Reason: "recorded", Via: "cli", Step: step, Target: target}
}

func (p *player) holder(role string) string {
	for _, person := range p.inv.People {
		if person.Role == role {
			return person.ID
		}
	}
	return role
}

// steer asks something of the incident and insists that it is done.
func (p *player) steer(ctx context.Context, name string, arg any) error {
	out, err := p.update(ctx, p.id(), name, arg)
	if err == nil && !out.Accepted {
		err = fmt.Errorf("%s was refused: %s", name, out.Message)
	}
	return err
}

// update sends an update and returns its outcome. An incident that ended meanwhile takes none.
func (p *player) update(ctx context.Context, id, name string, arg any) (workflows.DecisionOutcome, error) {
	var out workflows.DecisionOutcome
	h, err := p.client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id, UpdateName: name, Args: []any{arg}, WaitForStage: client.WorkflowUpdateStageCompleted})
	if err == nil {
		err = h.Get(ctx, &out)
	}
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return workflows.DecisionOutcome{Message: "the incident has ended"}, nil
	}
	if err != nil {
		return out, fmt.Errorf("%s of %s: %w", name, id, err)
	}
	return out, nil
}

// close ends the incident as its commander does and returns its final record.
func (p *player) close(ctx context.Context, falsePositive bool) (*incident.Record, error) {
	err := p.steer(ctx, workflows.CloseIncidentUpdate, workflows.CloseIncident{
		Person: p.holder("IC"), FalsePositive: falsePositive, HandOverClocks: !falsePositive, Reason: "recorded", Via: "cli"})
	if err != nil {
		return nil, err
	}
	return p.result(ctx)
}

// result waits until the incident and its children have ended and returns the incident's record.
func (p *player) result(ctx context.Context) (*incident.Record, error) {
	var rec incident.Record
	for i, id := range p.family {
		var result any
		if i == 0 {
			result = &rec
		}
		if err := p.client.GetWorkflow(ctx, id, "").Get(ctx, result); err != nil {
			return nil, fmt.Errorf("wait for the end of %s: %w", id, err)
		}
	}
	return &rec, nil
}
