package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"firebreak/deploy/sandbox/ingest"
	"firebreak/internal/alert"
	"firebreak/internal/incident"
	"firebreak/workflows"
)

// unique delivers alerts that each start an incident.
type unique struct {
	rig         *ingest.Rig
	set         settings
	client      *http.Client
	posted, ran int
}

// each runs a call for every alert of a round and returns the rate.
func (u *unique) each(ctx context.Context, from int, call func(context.Context, string) error) (float64, error) {
	var g errgroup.Group
	g.SetLimit(u.set.callers)
	began := time.Now()
	for n := range u.set.alerts {
		g.Go(func() error { return call(ctx, ingest.Asset(from+n)) })
	}
	err := g.Wait()
	return float64(u.set.alerts) / time.Since(began).Seconds(), err
}

func (u *unique) trigger(ctx context.Context) (float64, error) {
	from := u.posted
	u.posted += u.set.alerts
	return u.each(ctx, from, func(ctx context.Context, asset string) error {
		a, err := ingest.Post(ctx, u.client, u.rig.URL, ingest.Body(ingest.Alert{Asset: asset, Key: "ab"}))
		if err == nil && (a.Status != http.StatusOK || a.Alerts[0].Outcome != "started") {
			err = fmt.Errorf("alert for %s was answered %d: %v %s", asset, a.Status, a.Alerts, a.Error)
		}
		return err
	})
}

// bare makes the same call to Temporal as the trigger, with the same alert, under ids of its own.
func (u *unique) bare(ctx context.Context) (float64, error) {
	from := u.ran
	u.ran += u.set.alerts
	return u.each(ctx, from, func(ctx context.Context, asset string) error {
		raw := ingest.Body(ingest.Alert{Asset: asset, Key: "ab"})
		post, err := alert.DecodeAlertmanager(raw, time.Now().UTC())
		if err != nil {
			return err
		}
		a := post.Signals[0].Alert()
		a.Kind, a.Asset, a.Raw = incident.Kind(post.Signals[0].Fields["firebreak_kind"]), asset, alert.Compress(raw)
		r := incident.Request{Kind: a.Kind, Asset: asset, Mode: incident.Live, Requester: a.Source, Summary: a.Summary, DetectedAt: a.StartsAt, Severity: a.Severity}
		_, err = u.rig.Client.SignalWithStartWorkflow(ctx, "bare/"+asset, workflows.AlertsSignal, incident.AlertBatch{Alerts: []incident.Alert{a}, Count: 1},
			client.StartWorkflowOptions{
				TaskQueue:                workflows.TaskQueue(r.Mode),
				WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
				WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
			}, workflows.WorkflowType(r.Kind), r)
		return err
	})
}
