package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// The time limits of triage. A person must know soon; evidence can come after.
const (
	// keepFirst is how long the page waits for the evidence, so that it can say where it is.
	keepFirst = 30 * time.Second
	// keepLater is how long the evidence is tried for once a person knows. The alert is in history all the while.
	keepLater = 24 * time.Hour
	// pageRound is how long one page is tried before the inventory is read again: what is wrong may be whom it names.
	pageRound = 30 * time.Minute
)

// Facts of what Triage returns.
const (
	factSource = "source"
	factKey    = "key"
	factReason = "reason"
	factRaw    = "raw_uri"
)

// Triage keeps an alert that no incident was started for as evidence, pages a person and ends. The page is tried for as long as
// it takes, and what cannot be kept does not hold it up. It returns how the person was told.
func Triage(ctx workflow.Context, req TriageRequest) (*incident.Effect, error) {
	t := &triage{req: req, id: workflow.GetInfo(ctx).WorkflowExecution.ID}
	who, err := t.oncall(ctx)
	if err != nil {
		return nil, err
	}
	kept, keepErr := t.keep(ctx, who, keepFirst)
	paged, err := t.page(ctx, who, kept.URI)
	if err != nil {
		return nil, err
	}
	if keepErr != nil && !final(keepErr) {
		kept, keepErr = t.keep(ctx, who, keepLater)
	}
	return t.result(paged, kept, keepErr), nil
}

// triage is one run of the workflow.
type triage struct {
	req TriageRequest
	id  string
}

// oncall reads whom to page, until the inventory names somebody.
func (t *triage) oncall(ctx workflow.Context) (playbooks.Oncall, error) {
	var who playbooks.Oncall
	err := workflow.ExecuteActivity(t.options(ctx, playbooks.ContainQueue, 0), playbooks.OncallActivity, t.req.Mode).Get(ctx, &who)
	return who, err
}

func (t *triage) keep(ctx workflow.Context, who playbooks.Oncall, within time.Duration) (playbooks.KeptAlert, error) {
	in := playbooks.KeepAlert{IncidentID: t.id, Mode: t.req.Mode, Alert: t.req.Alert, Store: who.Store}
	var kept playbooks.KeptAlert
	err := workflow.ExecuteActivity(t.options(ctx, playbooks.EvidenceQueue, within), playbooks.KeepAlertActivity, in).Get(ctx, &kept)
	if err != nil {
		workflow.GetLogger(ctx).Warn("the alert could not be kept as evidence", "incident_id", t.id, "error", cause(err))
	}
	return kept, err
}

// page tells a person. Whatever fails, also for good, may be mended in the inventory, which is therefore read again.
func (t *triage) page(ctx workflow.Context, who playbooks.Oncall, rawURI string) (*incident.Effect, error) {
	for pause := time.Minute; ; pause = min(2*pause, pageRound) {
		in := playbooks.Page{ID: t.id, Mode: t.req.Mode, Alert: t.req.Alert, Reason: t.req.Reason, RawURI: rawURI, Oncall: who.Oncall}
		in.Alert.Raw = nil
		var told incident.Effect
		err := workflow.ExecuteActivity(t.options(ctx, playbooks.NotifyQueue, pageRound), playbooks.PageActivity, in).Get(ctx, &told)
		if err == nil {
			return &told, nil
		}
		workflow.GetLogger(ctx).Error("nobody could be paged yet", "incident_id", t.id, "error", cause(err))
		if err := workflow.Sleep(ctx, pause); err != nil {
			return nil, err
		}
		if who, err = t.oncall(ctx); err != nil {
			return nil, err
		}
	}
}

func (t *triage) result(paged *incident.Effect, kept playbooks.KeptAlert, keepErr error) *incident.Effect {
	if paged.Facts == nil {
		paged.Facts = map[string]string{}
	}
	paged.Facts[factSource], paged.Facts[factKey], paged.Facts[factReason] = t.req.Alert.Source, t.req.Alert.Key, t.req.Reason
	if kept.URI != "" {
		paged.Facts[factRaw], paged.Facts[incident.FactSHA256] = kept.URI, kept.SHA256
	}
	if keepErr != nil {
		paged.Summary += fmt.Sprintf("; the alert could not be kept as evidence: %s", cause(keepErr))
	}
	return paged
}

// options sets every time limit of an activity, as those of an incident do. Attempts are not counted but timed: within is how
// long it is tried, and zero is for as long as it takes.
func (t *triage) options(ctx workflow.Context, queue playbooks.Queue, within time.Duration) workflow.Context {
	if t.req.Mode == incident.Drill {
		queue = playbooks.DrillQueue
	}
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              string(queue),
		StartToCloseTimeout:    time.Minute,
		ScheduleToCloseTimeout: within,
		HeartbeatTimeout:       heartbeat,
		WaitForCancellation:    true,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: longestPause},
	})
}
