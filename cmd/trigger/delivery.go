package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"firebreak/internal/alert"
	"firebreak/internal/incident"
	"firebreak/workflows"
)

// What came of one alert.
const (
	outcomeStarted = "started"
	outcomeJoined  = "joined"
	// outcomeTriaged is an alert that no incident was started for: it is kept, and a person is paged.
	outcomeTriaged = "triaged"
	// outcomeNoOpenIncident is a resolved alert whose incident is closed or never was: there is nothing to do.
	outcomeNoOpenIncident = "no_open_incident"
	// outcomeSpooled is an alert that is on disk here, and goes to Temporal as soon as it can be reached.
	outcomeSpooled = "spooled"
	// outcomeFailed means that Temporal did not confirm: it must be sent again.
	outcomeFailed = "failed"
)

// answer is the JSON body of every answer to a post of alerts.
type answer struct {
	status int
	Error  string `json:"error,omitempty"`
	// Note says why a valid post has no alert.
	Note string `json:"note,omitempty"`
	// TruncatedAlerts repeats how many alerts the sender left out of the post.
	TruncatedAlerts int      `json:"truncated_alerts,omitempty"`
	Alerts          []result `json:"alerts,omitempty"`
}

// result says what came of one alert, in the order of the post.
type result struct {
	// Fingerprint is the sender's own id of the alert.
	Fingerprint string `json:"fingerprint"`
	Asset       string `json:"asset,omitempty"`
	Outcome     string `json:"outcome"`
	IncidentID  string `json:"incident_id,omitempty"`
	// Reason says why the alert went to triage, or why its end concerns no incident.
	Reason string `json:"reason,omitempty"`
	Error  string `json:"error,omitempty"`
}

// triagedRaws bounds how many alerts of one post that go to triage carry the whole post with them; the others name it by its
// digest.
const triagedRaws = 32

// delivery is one alert on its way to Temporal.
type delivery struct {
	signal *alert.Signal
	judgement
	alert incident.Alert
	// posted is the whole post, if it travels with this alert.
	posted []byte
	result result
}

// deliver hands every alert of the post to Temporal, whatever becomes of the others.
func (in *intake) deliver(ctx context.Context, post alert.Post, raw []byte) answer {
	all := in.plan(post, raw)
	var posted []handover
	var at []int
	for i := range all {
		if h, ok := all[i].handover(in.mode); ok {
			posted, at = append(posted, h), append(at, i)
		} else {
			// That something ended which started nothing is no reason to page anybody.
			all[i].result.Outcome = outcomeNoOpenIncident
		}
	}
	for n, came := range in.temporal.deliver(ctx, posted) {
		in.note(&all[at[n]], came)
	}
	in.report(&post, all)
	return summarise(&post, all)
}

// plan judges every alert of the post. The raw post goes once to each incident that it concerns.
func (in *intake) plan(post alert.Post, raw []byte) []delivery {
	// One post is judged by one inventory and one set of routes, even if the files change meanwhile.
	j := judge{inventory: in.inventory.current().Inventory, routes: in.routing.current().Routes, mode: in.mode, kinds: in.kinds}
	keep := j.routes.Fields()
	out := make([]delivery, len(post.Signals))
	carried := map[string]bool{}
	for i := range post.Signals {
		s := &post.Signals[i]
		d := delivery{signal: s, judgement: j.of(s), alert: s.Alert(keep...)}
		d.alert.Kind, d.alert.Asset, d.alert.Severity = d.Kind, d.Asset, d.Severity
		d.alert.Confidence, d.alert.Facet = d.Confidence, d.Facet
		d.result = result{Fingerprint: s.ID, Asset: d.Asset, IncidentID: d.id, Reason: d.Triage}
		to := d.id
		if to == "" && len(carried) < triagedRaws {
			to = workflows.TriageID(d.alert)
		}
		if to != "" && !carried[to] {
			carried[to], d.posted = true, raw
		}
		out[i] = d
	}
	return out
}

// handover is what is delivered of it, if anything is.
func (d *delivery) handover(mode incident.Mode) (handover, bool) {
	switch {
	case d.id == "" && d.alert.Resolved:
		return handover{}, false
	case d.id == "":
		return handover{Triage: &workflows.TriageRequest{Alert: d.alert, Reason: d.Triage, Mode: mode}, Posted: d.posted}, true
	case d.alert.Resolved:
		return handover{Alert: d.alert, Posted: d.posted}, true
	}
	r := d.request()
	return handover{Alert: d.alert, Posted: d.posted, Request: &r}, true
}

// note fills in what came of an alert.
func (in *intake) note(d *delivery, came receipt) {
	if came.err != nil {
		in.log.Warn("alert not delivered", "incident_id", d.id, "fingerprint", d.result.Fingerprint, "raw_sha256", d.alert.RawSHA256, "error", came.err)
		d.result.Outcome, d.result.Error = outcomeFailed, "Temporal did not confirm it"
		return
	}
	d.result.Outcome = came.outcome
	switch {
	case came.incidentID != "":
		d.result.IncidentID = came.incidentID
	case came.outcome == outcomeSpooled:
		// Which incident it will be is for Temporal to say.
		d.result.IncidentID = ""
	}
}

// request is what an alert starts if no incident is open for it.
func (d *delivery) request() incident.Request {
	cluster, _ := incident.ParseCluster(d.alert.Fields[incident.ClusterField])
	return incident.Request{
		Cluster: cluster, Kind: d.Kind, Asset: d.Asset, Mode: d.mode, Requester: d.alert.Source, Summary: d.alert.Summary, DetectedAt: detected(d.alert),
		Severity: d.Severity, Confidence: d.Confidence, Facet: d.Facet,
	}
}

// detected is when the sender saw it first; a sender's clock that runs ahead is not believed.
func detected(a incident.Alert) time.Time {
	if a.StartsAt.IsZero() || a.StartsAt.After(a.ReceivedAt) {
		return a.ReceivedAt
	}
	return a.StartsAt
}

// report logs what the post came to; failures are logged where they happen.
func (in *intake) report(post *alert.Post, all []delivery) {
	if post.Truncated > 0 {
		in.log.Warn("the sender left alerts out of the group: raise max_alerts of its receiver",
			"truncated_alerts", post.Truncated, "receiver", post.Receiver, "raw_sha256", post.RawSHA256)
	}
	for i := range all {
		d := &all[i]
		if len(d.Ignored) > 0 {
			in.log.Warn("fields of an alert have no usable value and count as not given", "fingerprint", d.result.Fingerprint, "fields", d.Ignored, "raw_sha256", post.RawSHA256)
		}
		in.metrics.taken(d.alert.Source, d.result.Outcome)
		switch d.result.Outcome {
		case outcomeTriaged:
			in.log.Warn("alert goes to triage", "source", d.alert.Source, "fingerprint", d.result.Fingerprint, "target", d.result.Asset, "reason", d.Triage, "raw_sha256", post.RawSHA256)
		case outcomeStarted, outcomeNoOpenIncident, outcomeSpooled:
			// In a storm nearly all join: there is a line for each batch.
			in.log.Info("alert taken in", "source", d.alert.Source, "incident_id", d.result.IncidentID, "outcome", d.result.Outcome, "fingerprint", d.result.Fingerprint, "raw_sha256", post.RawSHA256)
		}
	}
}

// summarise decides the status: one alert that is not durable is a reason to send all of them again.
func summarise(post *alert.Post, all []delivery) answer {
	out := answer{status: http.StatusOK, TruncatedAlerts: post.Truncated}
	failed := 0
	for i := range all {
		out.Alerts = append(out.Alerts, all[i].result)
		switch all[i].result.Outcome {
		case outcomeFailed:
			failed++
		case outcomeSpooled:
			out.status = http.StatusAccepted
		}
	}
	if failed > 0 {
		out.status = http.StatusServiceUnavailable
		out.Error = fmt.Sprintf("Temporal did not confirm %d of %d alerts: send the group again; what was taken in joins and is not doubled",
			failed, len(all))
	}
	return out
}

// writeJSON writes an answer; a sender that has gone away is not an error.
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", jsonMedia)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
