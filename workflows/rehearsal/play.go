package rehearsal

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/converter"

	"firebreak/internal/incident"
	"firebreak/workflows"
)

// play runs the incident to its end.
func (w *world) play() (err error) {
	// The test environment panics when a workflow is stuck or does something that it cannot follow.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the test environment gave up: %v", p)
		}
	}()
	w.schedule()
	// The listener is called in the middle of the workflow's code; prompt looks once that has come to rest.
	w.env.SetOnTimerScheduledListener(func(string, time.Duration) {
		if !w.prompting {
			w.prompting = true
			w.env.RegisterDelayedCallback(w.prompt, 0)
		}
	})
	w.env.RegisterDelayedCallback(w.look, lookEvery)
	w.env.ExecuteWorkflow(workflows.WorkflowType(w.kind), w.c.request(w.kind))
	if !w.env.IsWorkflowCompleted() {
		return errors.New("the workflow did not end")
	}
	w.failure = w.env.GetWorkflowError()
	if w.failure == nil {
		w.final = &incident.Record{}
		if err := w.env.GetWorkflowResult(w.final); err != nil {
			return fmt.Errorf("read the final record: %w", err)
		}
	}
	if w.settled == nil {
		w.hold(w.final)
	}
	return nil
}

// hold keeps what the expectations are held against and lets everything work from then on.
func (w *world) hold(rec *incident.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settled, w.over = rec, true
	w.seen = append([]Call(nil), w.calls...)
}

// status is the record of the incident, or of its child of the kind; nil if there is none.
func (w *world) status(of incident.Kind) *incident.Record {
	rec := w.query("")
	if of == "" || rec == nil {
		return rec
	}
	if id := w.childID(rec, of); id != "" {
		return w.query(id)
	}
	return nil
}

// query asks the incident, or its child with the id.
func (w *world) query(id string) *incident.Record {
	var v converter.EncodedValue
	var err error
	if id == "" {
		v, err = w.env.QueryWorkflow(workflows.StatusQuery)
	} else {
		v, err = w.queryChild(id)
	}
	if err != nil {
		return nil
	}
	rec := &incident.Record{}
	if err := v.Get(rec); err != nil {
		return nil
	}
	return rec
}

// queryChild asks a child. The test environment knows a child before it has begun, and then panics instead of answering.
func (w *world) queryChild(id string) (v converter.EncodedValue, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("query child %s, which has not begun: %v", id, p)
		}
	}()
	return w.env.QueryWorkflowByID(id, workflows.StatusQuery)
}

// childID is the id of the child playbook's incident, or of a child's child; empty if it was not started.
func (w *world) childID(rec *incident.Record, of incident.Kind) string {
	for _, c := range rec.Children {
		child := w.query(c.ID)
		if child == nil {
			continue
		}
		if child.Kind == of {
			return c.ID
		}
		if id := w.childID(child, of); id != "" {
			return id
		}
	}
	return ""
}
