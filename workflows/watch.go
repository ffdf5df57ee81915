package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// slowestWatch is how far the time between two rounds grows: a day after containment, proving it every few minutes would
// only fill the history.
const slowestWatch = time.Hour

// watch proves containment again until the incident is closed. What no longer holds is contained again at once, and the
// verdict says not_contained meanwhile.
func (r *response) watch(ctx workflow.Context) {
	every := r.plan.Playbook.Watch.Every
	if every == 0 || r.req.Parent != "" {
		return
	}
	for {
		ok, err := workflow.AwaitWithTimeout(ctx, every, func() bool { return r.closing != nil })
		if ok || err != nil {
			return
		}
		if r.rec.Progress != incident.Settled {
			continue
		}
		r.background++
		regressed := r.proveAgain(ctx)
		r.background--
		every = min(every+every/2, max(slowestWatch, r.plan.Playbook.Watch.Every))
		if regressed {
			every = r.plan.Playbook.Watch.Every
		}
	}
}

// proveAgain verifies every act whose effect is meant to hold and reports whether one does not.
func (r *response) proveAgain(ctx workflow.Context) bool {
	r.rec.Watched.Rounds++
	r.rec.Watched.LastAt = workflow.Now(ctx)
	regressed := false
	for _, a := range slices.Clone(r.acts) {
		if r.closing != nil || !a.holds() {
			continue
		}
		var p incident.Proof
		if err := a.stage(ctx, playbooks.Verify, &p); err != nil {
			r.event(ctx, a.row().ID, a.row().Target, "could not be proved again: %s", cause(err))
			continue
		}
		a.row().Receipt.Proof = &p
		if p.Proved {
			continue
		}
		regressed = true
		a.regress(ctx, p)
	}
	return regressed
}

// holds reports whether the act is proved and nothing later on the same target has ended its effect.
func (a *act) holds() bool {
	if a.row().Status != incident.Done || !a.row().Verified {
		return false
	}
	if a.action.Role == incident.RoleEvidence || a.action.Role == incident.RoleNotification {
		return false
	}
	later := a.acts[slices.Index(a.acts, a)+1:]
	return !slices.ContainsFunc(later, func(b *act) bool {
		return b.target.ID == a.target.ID && slices.Contains(b.action.Supersedes, a.action.Name) && b.row().Status == incident.Done
	})
}

// superseded is what the latest act whose effect this one ends captured and did: what it restores.
func (a *act) superseded() *incident.Receipt {
	for _, b := range slices.Backward(a.acts) {
		if slices.Contains(a.action.Supersedes, b.action.Name) && b.target.ID == a.target.ID && b.row().Status != incident.Undone {
			return &incident.Receipt{Operation: b.row().Receipt.Operation, Capture: b.row().Receipt.Capture, Effect: b.row().Receipt.Effect}
		}
	}
	return nil
}

// regress contains again: a containment acts again, a recovery is undone.
func (a *act) regress(ctx workflow.Context, p incident.Proof) {
	a.rec.Watched.Regressions++
	a.row().Verified, a.row().Reason = false, "regressed: "+p.Method
	a.event(ctx, a.row().ID, a.row().Target, "REGRESSION, containing again: %s", p.Method)
	if a.action.Role == incident.RoleRecovery {
		if !a.revert(ctx) {
			a.row().Status = incident.Failed
			a.inBackground(ctx, firstPause, a.revert)
		}
		return
	}
	a.row().Status = incident.Retrying
	if !a.retry(ctx) {
		a.inBackground(ctx, firstPause, a.retry)
	}
}
