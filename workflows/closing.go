package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// requestClose is the handler of the close-incident update.
func (r *response) requestClose(ctx workflow.Context, c CloseIncident) (DecisionOutcome, error) {
	if reason := r.mayClose(c); reason != "" {
		r.event(ctx, "", "", "refused to close for %s: %s", c.Person, reason)
		return DecisionOutcome{Message: reason}, nil
	}
	if c.HandOverClocks && r.plan != nil {
		r.event(ctx, "", "", "%d legal clocks are handed over to legal; firebreak reminds no more", r.openClocks())
	}
	r.finish(ctx, ending{by: c.Person, reason: c.Reason, falsePositive: c.FalsePositive, undo: c.FalsePositive})
	return DecisionOutcome{Accepted: true, Message: "closed"}, nil
}

// finish ends the incident once. Everything that waits is let go.
func (r *response) finish(ctx workflow.Context, e ending) {
	if r.closing != nil {
		return
	}
	e.undo = e.undo || e.falsePositive
	r.closing = &e
	what := "closed"
	switch {
	case e.aborted:
		what = "aborted"
		r.rec.Aborted = e.reason
	case e.falsePositive:
		what = "closed as a false positive"
	}
	if e.undo {
		what += "; undoing"
	}
	r.event(ctx, "", "", "%s by %s: %s", what, e.by, e.reason)
}

func (r *response) mayClose(c CloseIncident) string {
	switch {
	case r.closing != nil:
		return "the incident is closed already"
	case c.Reason == "":
		return "closing needs a reason"
	case r.plan == nil && (c.Via == ViaSlack || c.Via == ViaPage):
		return "the plan is not resolved yet, so nobody's role is known: wait for it, or close the incident on the command line"
	case r.plan == nil:
		// Nothing was done: closing only gives up waiting. Whoever can write to Temporal could do that anyhow.
		return ""
	}
	p := r.person(c.Person)
	if p == nil {
		return fmt.Sprintf("%s is not in the inventory", c.Person)
	}
	if !r.actsAs(p, commander) {
		return fmt.Sprintf("%s (%s) may not close an incident; an %s may", p.ID, p.Role, commander)
	}
	if n := r.openClocks(); n > 0 && !c.FalsePositive && !c.HandOverClocks {
		return fmt.Sprintf("%d legal clocks still run; legal must file or dismiss them, or the closing must say that they are handed over", n)
	}
	return ""
}

// close ends the incident. The undo of a false positive runs in a disconnected context: a cancelled workflow must not
// leave half of it undone.
func (r *response) close(ctx workflow.Context) {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	if r.closing != nil && r.closing.undo {
		r.undo(ctx)
	}
	if r.closing != nil && r.closing.falsePositive {
		r.rec.Verdict = incident.FalsePositive
	}
	r.rec.Progress = incident.Closed
	r.rec.ClosedAt = workflow.Now(ctx)
	r.judge()
	if r.plan != nil {
		r.seal(ctx)
	}
}

// undo restores what was captured, newest act first. Evidence stays and what was revoked stays revoked (V16): their
// actions' undo says so instead of taking anything back. Each undo is tried until it succeeds.
func (r *response) undo(ctx workflow.Context) {
	for i := len(r.acts) - 1; i >= 0; i-- {
		a := r.acts[i]
		if a.earlier || a.row().Status == incident.Undone {
			continue
		}
		for pause := firstPause; !a.revert(ctx); pause = min(2*pause, longestPause) {
			_ = workflow.Sleep(ctx, pause)
		}
	}
}

// sealAgain seals the evidence anew, as long as its manifest is not signed: what signs was away when the verdict was due, and
// an incident that is otherwise mended must not stay with that gap until somebody closes it.
func (r *response) sealAgain(ctx workflow.Context) {
	if workflow.GetVersion(ctx, sealAgainChange, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return // begun before there was this
	}
	for pause := firstSealPause; ; pause = min(2*pause, slowestWatch) {
		due := func() bool { return r.rec.Progress == incident.Settled && r.rec.Evidence.Signer == "" }
		if err := workflow.Await(ctx, func() bool { return r.closing != nil || due() }); err != nil || r.closing != nil {
			return
		}
		if closing, err := workflow.AwaitWithTimeout(ctx, pause, func() bool { return r.closing != nil }); closing || err != nil {
			return
		}
		if !due() {
			continue
		}
		r.background++
		r.seal(ctx)
		r.background--
	}
}

const (
	// firstSealPause is how long what signs has to come back before the first new try.
	firstSealPause  = 15 * time.Second
	sealAgainChange = "seal-again"
)

// seal writes the incident's evidence manifest. If that fails the verdict shows the gap, and closing tries again.
func (r *response) seal(ctx workflow.Context) {
	// What the manifest before could not hold says nothing of this one.
	before := r.rec.Evidence.Gaps
	r.rec.Evidence.Gaps = nil
	r.judge()
	in := playbooks.SealInput{Record: *r.rec, Store: r.plan.Store}
	var out incident.Evidence
	err := workflow.ExecuteActivity(r.options(ctx, playbooks.EvidenceQueue, 5*time.Minute), playbooks.SealActivity, in).Get(ctx, &out)
	if err != nil {
		r.rec.Evidence.Gaps = before
		r.judge()
		r.event(ctx, "", "", "the evidence manifest could not be sealed: %s", cause(err))
		return
	}
	r.rec.Evidence.Manifest, r.rec.Evidence.SHA256 = out.Manifest, out.SHA256
	r.rec.Evidence.Signer, r.rec.Evidence.Gaps = out.Signer, out.Gaps
	r.judge()
	r.event(ctx, "", "", "evidence manifest sealed: %s", out.Manifest)
}
