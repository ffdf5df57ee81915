package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// keptAlerts bounds how many alerts the record keeps; the rest is only counted.
const keptAlerts = 20

// alerts joins every further alert to the open incident. Batches are what the trigger sends; a single alert is what it sent
// before there were batches.
func (r *response) alerts(ctx workflow.Context) {
	workflow.Go(ctx, func(ctx workflow.Context) {
		in := workflow.GetSignalChannel(ctx, AlertsSignal)
		for {
			var b incident.AlertBatch
			if !in.Receive(ctx, &b) {
				return
			}
			r.rec.AlertCount += max(b.Count, len(b.Alerts))
			for i := range b.Alerts {
				r.join(ctx, b.Alerts[i])
			}
		}
	})
	in := workflow.GetSignalChannel(ctx, AlertSignal)
	for {
		var a incident.Alert
		if !in.Receive(ctx, &a) {
			return
		}
		r.rec.AlertCount++
		r.join(ctx, a)
	}
}

// join takes in an alert that is not a repetition.
func (r *response) join(ctx workflow.Context, a incident.Alert) {
	if r.known(a) {
		return
	}
	raw := a.Raw
	a.Raw, a.RawBytes = nil, len(raw)
	if len(r.rec.Alerts) < keptAlerts {
		r.rec.Alerts = append(r.rec.Alerts, a)
		r.keepRaw(ctx, a, raw)
	}
	state := "firing"
	if a.Resolved {
		state = "resolved"
	}
	r.event(ctx, "", "", "alert from %s joined (%s)", a.Source, state)
	r.raise(ctx, a)
}

func (r *response) known(a incident.Alert) bool {
	for i := range r.rec.Alerts {
		if r.rec.Alerts[i].Key == a.Key && r.rec.Alerts[i].Resolved == a.Resolved {
			return true
		}
	}
	return false
}

// raise takes over what a joined alert says worse of the incident. It never lowers anything: an attacker who can send
// alerts must not be able to talk an incident down. Approvals that wait are granted if their auto_when holds by now.
func (r *response) raise(ctx workflow.Context, a incident.Alert) {
	if a.Resolved {
		return
	}
	if a.Severity != "" && (r.req.Severity == "" || a.Severity < r.req.Severity) {
		r.event(ctx, "", "", "severity raised from %s to %s by %s", firstOf(r.req.Severity, "none"), a.Severity, a.Source)
		r.req.Severity, r.rec.Severity = a.Severity, a.Severity
	}
	if a.Confidence > r.req.Confidence {
		r.event(ctx, "", "", "confidence raised from %g to %g by %s", r.req.Confidence, a.Confidence, a.Source)
		r.req.Confidence, r.rec.Confidence = a.Confidence, a.Confidence
	}
	if r.req.Facet == "" && a.Facet != "" {
		r.event(ctx, "", "", "facet set to %s by %s", a.Facet, a.Source)
		r.req.Facet, r.rec.Facet = a.Facet, a.Facet
	}
	r.enlarge(ctx, a)
}

// keepRaw keeps what the sender posted under Object Lock, beside everything else: the exact inputs, times and model version
// that raised the alarm are the most useful artefact later. It is tried until it is kept or the incident is closed.
func (r *response) keepRaw(ctx workflow.Context, a incident.Alert, raw []byte) {
	if len(raw) == 0 {
		return
	}
	a.Raw = raw
	workflow.Go(ctx, func(ctx workflow.Context) {
		if err := workflow.Await(ctx, func() bool { return r.plan != nil || r.closing != nil }); err != nil || r.plan == nil {
			return
		}
		said := ""
		r.insist(ctx, func(ctx workflow.Context) error {
			in := playbooks.KeepAlert{IncidentID: r.rec.ID, Mode: r.rec.Mode, Alert: a, Store: r.plan.Store}
			var kept playbooks.KeptAlert
			err := workflow.ExecuteActivity(r.options(ctx, playbooks.EvidenceQueue, time.Minute), playbooks.KeepAlertActivity, in).Get(ctx, &kept)
			if err == nil {
				r.rawKept(a.RawSHA256, kept.URI)
				return nil
			}
			if reason := cause(err); reason != said {
				r.event(ctx, "", "", "the alert from %s could not be kept as evidence: %s", a.Source, reason)
				said = reason
			}
			return err
		})
	})
}

// rawKept notes where a post is kept, for every alert that came with it.
func (r *response) rawKept(sha256, uri string) {
	for i := range r.rec.Alerts {
		if r.rec.Alerts[i].RawSHA256 == sha256 {
			r.rec.Alerts[i].RawURI = uri
		}
	}
}

// insist tries until it succeeds, cannot succeed, or the incident is closed, a little slower each time.
func (r *response) insist(ctx workflow.Context, try func(workflow.Context) error) {
	for pause := firstPause; r.closing == nil; pause = min(2*pause, longestPause) {
		if err := try(ctx); err == nil || final(err) {
			return
		}
		if _, err := workflow.AwaitWithTimeout(ctx, pause, func() bool { return r.closing != nil }); err != nil {
			return
		}
	}
}
