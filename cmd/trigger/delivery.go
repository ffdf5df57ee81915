package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"firebreak/internal/alert"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// What came of one alert.
const (
	outcomeStarted = "started"
	outcomeJoined  = "joined"
	// outcomeNoOpenIncident is a resolved alert whose incident is closed or never was: there is nothing to do.
	outcomeNoOpenIncident = "no_open_incident"
	// outcomeTriage is an alert for which a person is paged, and no incident started.
	outcomeTriage = "triage"
	// outcomeSpooled is an alert that is on disk here, and goes to Temporal as soon as it can be reached.
	outcomeSpooled = "spooled"
	// outcomeRefused is final: sending the same again gives the same.
	outcomeRefused = "refused"
	// outcomeFailed means that Temporal did not confirm: it must be sent again.
	outcomeFailed = "failed"
)

// answer is the JSON body of every answer to a post of alerts.
type answer struct {
	status int
	Error  string `json:"error,omitempty"`
	// TruncatedAlerts repeats how many alerts the sender left out of the post.
	TruncatedAlerts int      `json:"truncated_alerts,omitempty"`
	Alerts          []result `json:"alerts,omitempty"`
}

// result says what came of one alert, in the order of the post.
type result struct {
	Fingerprint string `json:"fingerprint"`
	Asset       string `json:"asset"`
	Outcome     string `json:"outcome"`
	IncidentID  string `json:"incident_id,omitempty"`
	Error       string `json:"error,omitempty"`
}

// deliver hands every usable alert of the group to Temporal, whatever is wrong with the others. Alerts of one incident
// go in their order, incidents side by side.
func (in *intake) deliver(ctx context.Context, g *alert.Group) answer {
	results := make([]result, len(g.Members))
	// One post is judged by one inventory, even if the file changes meanwhile.
	inv := in.inventory.current().Inventory
	var posted []handover
	var at []int
	for i := range g.Members {
		if results[i] = in.screen(inv, &g.Members[i]); results[i].Outcome == "" {
			posted, at = append(posted, in.handover(&g.Members[i])), append(at, i)
		}
	}
	for n, r := range in.temporal.deliver(ctx, posted) {
		in.note(&posted[n], r, &results[at[n]])
	}
	in.report(g, results)
	return summarise(g, results)
}

// screen refuses an alert that cannot become an incident here; its outcome is empty if it can.
func (in *intake) screen(inv *inventory.Inventory, m *alert.Member) result {
	r := result{Fingerprint: m.Fingerprint, Asset: m.Alert.Asset}
	var reason error
	if m.Fault != nil {
		reason = m.Fault
	} else if err := inv.CheckAsset(m.Alert.Asset); err != nil {
		reason = err
	} else if env := inv.Env(m.Alert.Asset); !in.mode.Allows(env) {
		reason = fmt.Errorf("asset %q is in environment %q, which a %s incident may not touch; this trigger runs with --mode %s",
			m.Alert.Asset, env, in.mode, in.mode)
	}
	if reason != nil {
		r.Outcome, r.Error = outcomeRefused, reason.Error()
		return r
	}
	r.IncidentID = incident.WorkflowID(m.Alert.Kind, m.Alert.Asset, "")
	return r
}

// handover is what is delivered of a member.
func (in *intake) handover(m *alert.Member) handover {
	h := handover{Alert: m.Alert}
	if !m.Alert.Resolved {
		r := request(m, in.mode)
		h.Request = &r
	}
	return h
}

// note fills in what came of an alert.
func (in *intake) note(h *handover, came receipt, r *result) {
	if came.err != nil {
		in.log.Warn("alert not delivered", "incident_id", r.IncidentID, "fingerprint", r.Fingerprint, "raw_sha256", h.alert().RawSHA256, "error", came.err)
		r.Outcome, r.Error = outcomeFailed, "Temporal did not confirm it"
		return
	}
	r.Outcome = came.outcome
	switch {
	case came.incidentID != "":
		r.IncidentID = came.incidentID
	case came.outcome == outcomeSpooled:
		// Which incident it will be is for Temporal to say.
		r.IncidentID = ""
	}
}

// request is what an alert starts if no incident is open for it.
func request(m *alert.Member, mode incident.Mode) incident.Request {
	return incident.Request{
		Kind: m.Alert.Kind, Asset: m.Alert.Asset, Mode: mode, Requester: m.Alert.Source, Summary: m.Alert.Summary, DetectedAt: detected(m.Alert),
		Severity: m.Situation.Severity, Confidence: m.Situation.Confidence, Facet: m.Situation.Facet,
	}
}

// detected is when the sender saw it first; a sender's clock that runs ahead is not believed.
func detected(a incident.Alert) time.Time {
	if a.StartsAt.IsZero() || a.StartsAt.After(a.ReceivedAt) {
		return a.ReceivedAt
	}
	return a.StartsAt
}

// report logs what the group came to; failures are logged where they happen.
func (in *intake) report(g *alert.Group, results []result) {
	if g.TruncatedAlerts > 0 {
		in.log.Warn("the sender left alerts out of the group: raise max_alerts of its receiver",
			"truncated_alerts", g.TruncatedAlerts, "receiver", g.Receiver, "raw_sha256", g.RawSHA256)
	}
	for i, r := range results {
		if ignored := g.Members[i].Situation.Ignored; len(ignored) > 0 {
			in.log.Warn("labels of an alert have no usable value and count as not given", "fingerprint", r.Fingerprint, "labels", ignored, "raw_sha256", g.RawSHA256)
		}
		in.metrics.taken(g.Members[i].Alert.Source, r.Outcome)
		switch r.Outcome {
		case outcomeRefused:
			in.log.Warn("alert refused", "fingerprint", r.Fingerprint, "target", r.Asset, "error", r.Error, "raw_sha256", g.RawSHA256)
		case outcomeStarted, outcomeNoOpenIncident, outcomeTriage, outcomeSpooled:
			// In a storm nearly all join: there is a line for each batch.
			in.log.Info("alert taken in", "incident_id", r.IncidentID, "outcome", r.Outcome, "fingerprint", r.Fingerprint, "raw_sha256", g.RawSHA256)
		}
	}
}

// summarise decides the status: something to send again outweighs something to correct.
func summarise(g *alert.Group, results []result) answer {
	out := answer{status: http.StatusOK, TruncatedAlerts: g.TruncatedAlerts, Alerts: results}
	count := map[string]int{}
	for _, r := range results {
		count[r.Outcome]++
	}
	taken := len(results) - count[outcomeFailed] - count[outcomeRefused]
	switch {
	case count[outcomeFailed] > 0:
		out.status = http.StatusServiceUnavailable
		out.Error = fmt.Sprintf("Temporal did not confirm %d of %d alerts: send the group again; what was taken in joins and is not doubled",
			count[outcomeFailed], len(results))
	case count[outcomeRefused] > 0:
		out.status = http.StatusUnprocessableEntity
		out.Error = fmt.Sprintf("%d of %d alerts refused, %d taken in", count[outcomeRefused], len(results), taken)
	case count[outcomeSpooled] > 0:
		out.status = http.StatusAccepted
	}
	return out
}

// writeJSON writes an answer; a sender that has gone away is not an error.
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
