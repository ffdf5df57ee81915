// Package scenario plays one incident through a running sandbox the way the world would: it posts an alert to the real
// trigger, answers approvals with the real command line as the inventory's people would, and reads the outcome.
package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"go.temporal.io/sdk/client"

	"firebreak/deploy/sandbox/stack"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/workflows"
)

// PromptInjectionLeak is the kind that is a playbook alone, run by the Custom workflow.
const PromptInjectionLeak incident.Kind = "prompt-injection-leak"

// Asset is what the alert of each kind is about.
func Asset(kind incident.Kind) string {
	switch kind {
	case PromptInjectionLeak:
		return "assist-chat"
	case incident.BackdoorDiscovery:
		return "credit-scorer@17"
	case incident.ExtractionEvent:
		return "credit-api"
	case incident.DatasetCompromise:
		return "loan-applications@2026-07-31"
	}
	return ""
}

func summary(kind incident.Kind) string {
	switch kind {
	case PromptInjectionLeak:
		return "An answer held the system prompt and a key that it names"
	case incident.BackdoorDiscovery:
		return "Trigger suite regression: one odd input is always granted credit"
	case incident.ExtractionEvent:
		return "Query volume and coverage far beyond the tenant's baseline"
	case incident.DatasetCompromise:
		return "Manifest mismatch: rows were changed by an unexpected writer"
	}
	return ""
}

// Webhook is the body that Alertmanager posts for one firing alert (webhook version 4).
func Webhook(kind, asset, summary string, startsAt time.Time) []byte {
	labels := map[string]string{"alertname": "AISystemIncident", "severity": "critical", "firebreak_kind": kind, "firebreak_asset": asset}
	annotations := map[string]string{"summary": summary}
	body, _ := json.Marshal(map[string]any{ // maps of strings always encode
		"version": "4", "groupKey": "{}:{alertname=\"AISystemIncident\",firebreak_asset=\"" + asset + "\"}", "truncatedAlerts": 0,
		"status": "firing", "receiver": "firebreak", "groupLabels": map[string]string{"alertname": "AISystemIncident"},
		"commonLabels": labels, "commonAnnotations": annotations, "externalURL": "http://alertmanager.nordwall.example:9093",
		"alerts": []any{map[string]any{
			"status": "firing", "labels": labels, "annotations": annotations, "startsAt": startsAt.UTC().Format(time.RFC3339Nano),
			"endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://prometheus.nordwall.example:9090/graph", "fingerprint": "c0ffee0123456789",
		}},
	})
	return body
}

// Post posts a body to the trigger's Alertmanager endpoint and returns the answer.
func Post(ctx context.Context, s *stack.Stack, token string, body []byte) (status int, answer string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.TriggerURL+"/alerts/alertmanager", bytes.NewReader(body))
	if err != nil {
		return 0, "", fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", fmt.Errorf("post alert: %w", err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return 0, "", fmt.Errorf("read answer: %w", err)
	}
	return res.StatusCode, string(raw), nil
}

// Run is one incident being played.
type Run struct {
	Stack *stack.Stack
	ID    string
	// Out receives the timeline as it grows.
	Out io.Writer
	// Deny holds the ids of approvals that the people deny.
	Deny []string
	// Silent holds the ids of approvals that nobody answers.
	Silent []string

	began   time.Time
	shown   int
	decided map[string]bool
	// people is how long the run waited for its people's command lines.
	people time.Duration
}

// Start posts the alert of a kind and returns the run.
func Start(ctx context.Context, s *stack.Stack, kind incident.Kind, out io.Writer) (*Run, error) {
	r := &Run{Stack: s, ID: incident.WorkflowID(kind, Asset(kind), ""), Out: out, began: time.Now(), decided: map[string]bool{}}
	status, answer, err := Post(ctx, s, s.AlertToken, Webhook(string(kind), Asset(kind), summary(kind), r.began))
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("post alert: the trigger answered %d: %s", status, answer)
	}
	return r, nil
}

// Status reads the incident's record.
func (r *Run) Status(ctx context.Context) (*incident.Record, error) {
	return Status(ctx, r.Stack.Client, r.ID)
}

// Status reads an incident's record by its query.
func Status(ctx context.Context, c client.Client, id string) (*incident.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	value, err := c.QueryWorkflow(ctx, id, "", workflows.StatusQuery)
	if err != nil {
		return nil, fmt.Errorf("read status of %s: %w", id, err)
	}
	var rec incident.Record
	if err := value.Get(&rec); err != nil {
		return nil, fmt.Errorf("decode status of %s: %w", id, err)
	}
	return &rec, nil
}

// poll is the pause between two looks at the record.
const poll = 50 * time.Millisecond

// Until plays the people's part and prints the timeline until done says so or ctx ends. It returns the last record. A
// query fails while no worker runs; that is waited out.
func (r *Run) Until(ctx context.Context, done func(*incident.Record) bool) (*incident.Record, error) {
	var last *incident.Record
	var failure error
	for {
		rec, err := r.Status(ctx)
		if err == nil {
			last = rec
			r.show(rec)
			if err := r.decide(ctx, rec); err != nil {
				return rec, err
			}
			if done(rec) {
				return rec, nil
			}
		} else {
			failure = err
		}
		select {
		case <-ctx.Done():
			return last, fmt.Errorf("wait for incident %s: %w (last: %v)", r.ID, ctx.Err(), failure)
		case <-time.After(poll):
		}
	}
}

// Settled is done when every step has ended.
func Settled(rec *incident.Record) bool { return rec.Progress == incident.Settled }

// decide answers the approvals that wait, each by one person for every role until its quorum is full.
func (r *Run) decide(ctx context.Context, rec *incident.Record) error {
	for _, a := range rec.Approvals {
		if a.Status != incident.ApprovalWaiting || r.decided[a.Step] || slices.Contains(r.Silent, a.Step) {
			continue
		}
		r.decided[a.Step] = true
		verb := "approve"
		if slices.Contains(r.Deny, a.Step) {
			verb = "deny"
		}
		began := time.Now()
		for _, role := range a.Roles[:a.Quorum] {
			person := r.holder(role)
			output, code, err := r.Stack.CLI(ctx, verb, r.ID, a.Step, "--as", person.IDP, "--plan", rec.PlanDigest, "--comment", "played by the sandbox")
			if err != nil {
				return err
			}
			if code != 0 {
				return fmt.Errorf("%s %s as %s: exit code %d: %s", verb, a.Step, person.ID, code, output)
			}
			if verb == "deny" {
				break
			}
		}
		r.people += time.Since(began)
	}
	return r.report(ctx, rec)
}

// report reports the tasks that the playbook waits for with their first outcome, and ends its waits. The other tasks stay
// open, as they would while people still work on them.
func (r *Run) report(ctx context.Context, rec *incident.Record) error {
	for _, task := range rec.Tasks {
		if !task.Blocks && task.Budget == 0 || task.Status != incident.TaskOpen || r.decided[task.Step] {
			continue
		}
		r.decided[task.Step] = true
		began := time.Now()
		for _, role := range task.Wanted() {
			output, code, err := r.Stack.CLI(ctx, "task", r.ID, task.Step, task.Outcomes[0], "--as", r.holder(role).IDP, "--comment", "played by the sandbox")
			if err != nil {
				return err
			}
			if code != 0 {
				return fmt.Errorf("report task %s: exit code %d: %s", task.Step, code, output)
			}
		}
		r.people += time.Since(began)
	}
	for _, w := range rec.Waits {
		if !w.EndedAt.IsZero() || r.decided[w.Step] {
			continue
		}
		r.decided[w.Step] = true
		output, code, err := r.Stack.CLI(ctx, "end-wait", r.ID, w.Step, "--as", r.holder("IC").IDP, "--reason", "played by the sandbox")
		if err != nil {
			return err
		}
		if code != 0 {
			return fmt.Errorf("end wait %s: exit code %d: %s", w.Step, code, output)
		}
	}
	return nil
}

func (r *Run) holder(role string) inventory.Person {
	people := r.Stack.Company.Assets.People
	return people[slices.IndexFunc(people, func(p inventory.Person) bool { return p.Role == role })]
}

// show prints the events that are new.
func (r *Run) show(rec *incident.Record) {
	for ; r.shown < len(rec.Timeline); r.shown++ {
		e := rec.Timeline[r.shown]
		where := e.Step
		if e.Target != "" {
			where += " " + e.Target
		}
		fmt.Fprintf(r.Out, "%7.2fs  %-46s %s\n", max(0, e.At.Sub(r.began).Seconds()), where, e.What)
	}
}

// Close closes the incident as its commander does.
func (r *Run) Close(ctx context.Context, falsePositive bool) error {
	args := []string{"close", r.ID, "--as", r.holder("IC").IDP, "--reason", "played by the sandbox"}
	if falsePositive {
		args = append(args, "--false-positive")
	} else {
		args = append(args, "--hand-over-clocks")
	}
	output, code, err := r.Stack.CLI(ctx, args...)
	if err != nil {
		return err
	}
	if code != 0 {
		return fmt.Errorf("close %s: exit code %d: %s", r.ID, code, output)
	}
	return nil
}
