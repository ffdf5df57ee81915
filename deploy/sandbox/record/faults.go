package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"go.temporal.io/sdk/temporal"

	"firebreak/deploy/sandbox/standin"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// errDown is what a platform that cannot be reached answers.
var errDown = errors.New("connection refused")

func refused(code string) error {
	return temporal.NewNonRetryableApplicationError("refused by the platform", code, nil)
}

// fault is what goes wrong with the calls that match: it is asked with the number of the call, from 1.
func fault(match func(standin.Call) bool, what func(ctx context.Context, n int) error) standin.Hooks {
	var mu sync.Mutex
	n := 0
	return standin.Hooks{Before: func(ctx context.Context, c standin.Call) error {
		if !match(c) {
			return nil
		}
		mu.Lock()
		n++
		mine := n
		mu.Unlock()
		return what(ctx, mine)
	}}
}

// stageOf matches one stage of a step on a target, and activityOf every call of an activity.
func stageOf(s *incident.Step, stage playbooks.Stage) func(standin.Call) bool {
	return func(c standin.Call) bool { return c.Step == s.ID && c.Target == s.Target && c.Stage == stage }
}

func activityOf(name string) func(standin.Call) bool {
	return func(c standin.Call) bool { return c.Activity == name }
}

// row is the record's row of a step on a target.
func row(rec *incident.Record, s *incident.Step) *incident.Step {
	for i := range rec.Steps {
		if rec.Steps[i].ID == s.ID && rec.Steps[i].Target == s.Target {
			return &rec.Steps[i]
		}
	}
	return &incident.Step{}
}

// done returns the first step of the role that was done in the incident in which nothing goes wrong, or nil. Of the
// containment steps it is one whose effect no later step ends.
func (p *player) done(role incident.Role) *incident.Step {
	ended := map[string]bool{}
	for i := range p.usual.Steps {
		if a, ok := playbooks.FindAction(p.usual.Steps[i].Action); ok {
			for _, name := range a.Supersedes {
				ended[name+" "+p.usual.Steps[i].Target] = true
			}
		}
	}
	for i := range p.usual.Steps {
		if s := &p.usual.Steps[i]; s.Role == role && s.Status == incident.Done && !ended[s.Action+" "+s.Target] {
			return s
		}
	}
	return nil
}

func does(role incident.Role) func(*player) bool {
	return func(p *player) bool { return p.done(role) != nil }
}

// asks reports whether the playbook asked people in the incident in which nothing goes wrong.
func asks(p *player) bool {
	for i := range p.usual.Approvals {
		if a := &p.usual.Approvals[i]; a.Status == incident.ApprovalGranted && len(a.Decisions) > 0 {
			return true
		}
	}
	return false
}

func waiting(rec *incident.Record) bool {
	for i := range rec.Approvals {
		if rec.Approvals[i].Status == incident.ApprovalWaiting {
			return true
		}
	}
	return false
}

// every holds all requests.
func every(*incident.Approval) bool { return true }

// unlocking reports whether a request waits for the sake of a step on a target.
func unlocking(s *incident.Step) func(*incident.Approval) bool {
	return func(a *incident.Approval) bool {
		return a.Status == incident.ApprovalWaiting && slices.ContainsFunc(a.Unlocks, func(pair string) bool {
			return strings.HasPrefix(pair, s.ID+": "+s.Action+" on "+s.Target)
		})
	}
}
