package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"firebreak/internal/legal"
	"firebreak/playbooks"
)

// acknowledgeWithin is how long legal has to acknowledge the brief before it is asked again.
const acknowledgeWithin = 30 * time.Minute

// clocks reminds legal as the time of each duty passes. The clocks were opened with the plan and carry their rules, so a
// changed table of regimes never changes a clock that runs. Nothing is ever filed from here.
func (r *response) clocks(ctx workflow.Context) {
	for r.closing == nil {
		now := workflow.Now(ctx)
		i, percent, at, ok := legal.NextEscalation(r.plan.Brief.Clocks, now)
		version := r.clockChanges
		changed := func() bool { return r.closing != nil || r.clockChanges != version }
		if !ok {
			if err := workflow.Await(ctx, changed); err != nil {
				return
			}
			continue
		}
		if at.After(now) {
			early, err := workflow.AwaitWithTimeout(ctx, at.Sub(now), changed)
			if err != nil {
				return
			}
			if early {
				continue
			}
		}
		now = workflow.Now(ctx)
		r.plan.Brief.Clocks = legal.Escalate(r.plan.Brief.Clocks, i, percent, now)
		c := r.plan.Brief.Clocks[i]
		r.event(ctx, "", "", "legal clock %s: %d %% of the time is gone", c.Regime, percent)
		r.remind(ctx, r.plan.NewReminder(c, percent, now, r.rec.Legal))
		r.showClocks()
	}
}

// acknowledgement asks legal again if nobody has acknowledged the brief in time.
func (r *response) acknowledgement(ctx workflow.Context) {
	if err := workflow.Await(ctx, func() bool { return r.rec.Legal.TS != "" || r.closing != nil }); err != nil || r.closing != nil {
		return
	}
	ok, err := workflow.AwaitWithTimeout(ctx, acknowledgeWithin, func() bool { return r.rec.Legal.AcknowledgedBy != "" || r.closing != nil })
	if ok || err != nil {
		return
	}
	r.event(ctx, "", "", "nobody of legal has acknowledged the brief in %s", acknowledgeWithin)
	r.remind(ctx, playbooks.Reminder{
		ID: r.rec.ID + "/acknowledge", IncidentID: r.rec.ID, Mode: r.rec.Mode, Channel: r.rec.Legal.Channel, ThreadTS: r.rec.Legal.TS,
		Since: r.rec.DetectedAt, Email: r.plan.LegalEmail(), Exposed: r.plan.Radius.Communications, Lines: []string{fmt.Sprintf("Nobody has acknowledged this brief in %s. Acknowledge it by name: trigger acknowledge %s --as YOU", acknowledgeWithin, r.rec.ID)},
	})
}

// remind posts a reminder in the background until it is posted or the incident is closed.
func (r *response) remind(ctx workflow.Context, m playbooks.Reminder) {
	if m.Channel == "" {
		r.event(ctx, "", "", "legal could not be reminded: the inventory names no channel for it")
		return
	}
	workflow.Go(ctx, func(ctx workflow.Context) {
		r.insist(ctx, func(ctx workflow.Context) error {
			return workflow.ExecuteActivity(r.options(ctx, playbooks.NotifyQueue, time.Minute), playbooks.RemindActivity, m).Get(ctx, nil)
		})
	})
}

// legalRole is the role in which a person decides on clocks.
func (r *response) legalRole(in Steer) (person, role string) {
	p := r.person(in.Person)
	if r.actsAs(p, legal.RoleLegal) {
		return p.ID, legal.RoleLegal
	}
	return p.ID, legal.RolePrivacy
}

func (r *response) setAnchor(ctx workflow.Context, in Steer) string {
	by, role := r.legalRole(in)
	var regimes []string
	if in.Clock != "" {
		regimes = []string{in.Clock}
	}
	anchors, err := legal.SetAnchor(r.plan.Brief.Anchors, legal.AnchorSet{
		Anchor: legal.Anchor(in.Anchor), At: in.At, Regimes: regimes, By: by, Role: role, Reason: in.Reason, RecordedAt: workflow.Now(ctx)})
	if err != nil {
		return err.Error()
	}
	r.plan.Brief.Anchors = anchors
	r.clocksChanged(legal.Recompute(r.plan.Brief.Clocks, anchors))
	r.event(ctx, "", "", "%s set to %s by %s", in.Anchor, in.At.UTC().Format(time.RFC3339), by)
	return ""
}

func (r *response) dismissClock(ctx workflow.Context, in Steer) string {
	by, role := r.legalRole(in)
	clocks, err := legal.Dismiss(r.plan.Brief.Clocks, in.Clock, legal.Decision{By: by, Role: role, Reason: in.Reason, At: workflow.Now(ctx)})
	if err != nil {
		return err.Error()
	}
	r.clocksChanged(legal.Recompute(clocks, r.plan.Brief.Anchors))
	r.event(ctx, "", "", "legal clock %s dismissed by %s", in.Clock, by)
	return ""
}

func (r *response) fileClock(ctx workflow.Context, in Steer) string {
	by, role := r.legalRole(in)
	at := in.At
	if at.IsZero() {
		at = workflow.Now(ctx)
	}
	clocks, err := legal.File(r.plan.Brief.Clocks, in.Clock, legal.Filing{Ref: in.Reference, By: by, Role: role, At: at, RecordedAt: workflow.Now(ctx)})
	if err != nil {
		return err.Error()
	}
	r.clocksChanged(legal.Recompute(clocks, r.plan.Brief.Anchors))
	r.event(ctx, "", "", "legal clock %s: %s filed it as %s", in.Clock, by, in.Reference)
	return ""
}

func (r *response) acknowledge(ctx workflow.Context, in Steer) string {
	if r.rec.Legal.TS == "" {
		return "legal is not told yet"
	}
	by, role := r.legalRole(in)
	b := &r.plan.Brief
	b.Acknowledged = append(b.Acknowledged, playbooks.Acknowledgement{Version: b.Version, Person: by, Role: role, At: workflow.Now(ctx)})
	if r.rec.Legal.AcknowledgedBy == "" {
		r.rec.Legal.AcknowledgedBy, r.rec.Legal.AcknowledgedAt = by, workflow.Now(ctx)
	}
	r.event(ctx, "", "", "brief acknowledged by %s (%s)", by, role)
	return ""
}

func (r *response) clocksChanged(clocks []legal.Clock) {
	r.plan.Brief.Clocks = clocks
	r.clockChanges++
	r.showClocks()
}

// showClocks copies the clocks into the record, without counsel's reasons: legal analysis does not belong in the incident's
// record.
func (r *response) showClocks() { r.rec.Clocks = playbooks.RecordedClocks(r.plan.Brief.Clocks) }

// openClocks counts the duties that are neither filed nor dismissed.
func (r *response) openClocks() int {
	n := 0
	for i := range r.plan.Brief.Clocks {
		if r.plan.Brief.Clocks[i].Open() {
			n++
		}
	}
	return n
}
