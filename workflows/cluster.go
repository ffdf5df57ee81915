package workflows

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// mostKeys bounds the cluster of an incident: each key can be a target of several steps.
const mostKeys = 500

// enlarge takes over the keys that a joined alert names beyond those that are known. The playbook is walked for them as for
// any further target.
func (r *response) enlarge(ctx workflow.Context, a incident.Alert) {
	named, malformed := incident.ParseCluster(a.Fields[incident.ClusterField])
	if malformed > 0 {
		r.event(ctx, "", "", "%d keys of the cluster that %s names are no SHA-256 and are not looked at", malformed, a.Source)
	}
	added := r.newKeys(named)
	if len(added) == 0 {
		return
	}
	r.req.Cluster = append(slices.Clone(r.req.Cluster), added...)
	workflow.Go(ctx, func(ctx workflow.Context) {
		if err := workflow.Await(ctx, func() bool { return r.plan != nil || r.closing != nil }); err != nil || r.plan == nil {
			return
		}
		r.extend(ctx, r.req, fmt.Sprintf("%d keys joined the cluster by %s", len(added), a.Source))
	})
}

// newKeys are those that are not in the cluster yet, as far as there is room.
func (r *response) newKeys(named []string) []string {
	fresh := slices.DeleteFunc(slices.Clone(named), func(k string) bool { return slices.Contains(r.req.Cluster, k) })
	return fresh[:min(len(fresh), max(0, mostKeys-len(r.req.Cluster)))]
}

// extend plans anew and walks the playbook for the targets that this adds. The plan's digest changes with them, so every
// open approval is asked again. It returns why nothing came of it, or "".
func (r *response) extend(ctx workflow.Context, req incident.Request, why string) string {
	plan, err := r.resolve(ctx, req)
	if err != nil {
		return cause(err)
	}
	if plan == nil {
		return "the incident is closed"
	}
	if req.Asset == r.req.Asset {
		r.rec.Radius.Cluster, r.rec.Radius.Unreached = plan.Radius.Cluster, plan.Radius.Unreached
		r.judge()
	}
	pass := r.passes
	r.passes++
	added := 0
	r.plan.Playbook.Walk(func(phase string, s *playbooks.Step) {
		for _, t := range plan.Targets[s.ID] {
			if r.row(s.ID, t.ID) == nil {
				r.plan.Targets[s.ID] = append(r.plan.Targets[s.ID], t)
				r.addRow(phase, s, t.ID, pass)
				added++
			}
		}
	})
	if added == 0 {
		return "adds nothing to this incident"
	}
	r.plan.Digest = playbooks.Digest([]byte(r.plan.Digest + plan.Digest))
	r.rec.PlanDigest = r.plan.Digest
	r.voidOpenApprovals(ctx)
	r.event(ctx, "", "", "%s; %d further targets, plan is now %s", why, added, short(r.plan.Digest))
	r.rec.Progress = incident.Responding
	workflow.Go(ctx, func(ctx workflow.Context) { r.walk(ctx, pass) })
	return ""
}
