package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// scene is one way in which an incident can go.
type scene struct {
	name string
	// fits reports whether the playbook can go this way at all; nil means that every playbook can.
	fits func(*player) bool
	play func(context.Context, *player) (*incident.Record, error)
}

// cases are all scenes. The first is the one in which nothing goes wrong.
func cases() []scene {
	contains := does(incident.RoleContainment)
	return []scene{
		{"contained", nil, contained},
		{"urgent", nil, urgent},
		{"drill", func(p *player) bool { return p.plans(p.drill()) }, drill},
		{"denied", asks, denied},
		{"nobody-decides", asks, nobodyDecides},
		{"false-positive", contains, falsePositive},
		{"cancelled-in-undo", contains, cancelledInUndo},
		{"aborted-with-undo", contains, aborted},
		{"aborted-by-playbook", contains, abortedByPlaybook},
		{"retried-in-background", contains, retriedInBackground},
		{"not-proved", does(incident.RoleRecovery), recoveryNotProved},
		{"unsealed", nil, unsealed},
		{"regression", contains, regression},
		{"target-added", func(p *player) bool { return p.plans(p.further()) }, targetAdded},
		{"steered", contains, steered},
		{"worker-restarted", contains, workerRestarted},
		{"clocks", func(p *player) bool { return len(p.usual.Clocks) > 1 }, clocks},
		{"child", func(p *player) bool { return p.childWanted() != nil }, child},
		{"refused", nil, refusedPlan},
		{"closed-without-plan", nil, closedWithoutPlan},
	}
}

func (p *player) drill() incident.Request {
	req := p.req
	req.Asset, req.Mode = assets(p.kind).staging, incident.Drill
	return req
}

func (p *player) further() incident.Request {
	req := p.req
	req.Asset = assets(p.kind).further
	return req
}

func (p *player) plans(req incident.Request) bool {
	_, err := p.platform.Plan(req)
	return err == nil
}

// verdict fails if the incident came to another verdict than the scene is about.
func verdict(rec *incident.Record, want ...incident.Verdict) error {
	for _, v := range want {
		if rec.Verdict == v {
			return nil
		}
	}
	return fmt.Errorf("the verdict is %s, want one of %v: %v", rec.Verdict, want, rec.Gaps)
}

// contained: everybody does what they are asked; further alerts join, one of them twice.
func contained(ctx context.Context, p *player) (*incident.Record, error) {
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	for _, a := range []struct {
		key      string
		resolved bool
	}{{"second", false}, {"second", false}, {"first", true}} {
		if err := p.signal(ctx, a.key, a.resolved); err != nil {
			return nil, err
		}
	}
	rec, err := p.settle(ctx)
	if err != nil {
		return nil, err
	}
	if err := verdict(rec, incident.Contained, incident.ContainedWithGaps); err != nil {
		return nil, err
	}
	return p.close(ctx, false)
}

// urgent: the alert is certain and severe, so that the playbook approves what it may.
func urgent(ctx context.Context, p *player) (*incident.Record, error) {
	p.req.Severity, p.req.Confidence = "SEV1", 0.97
	return playToEnd(ctx, p)
}

func drill(ctx context.Context, p *player) (*incident.Record, error) {
	p.req = p.drill()
	return playToEnd(ctx, p)
}

// playToEnd plays until the incident has settled and closes it.
func playToEnd(ctx context.Context, p *player) (*incident.Record, error) {
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	if _, err := p.settle(ctx); err != nil {
		return nil, err
	}
	return p.close(ctx, false)
}

// childWanted is what people report so that a child playbook runs; nil if the playbook runs none.
func (p *player) childWanted() map[string]string {
	file, err := playbooks.BuiltIn().Load(p.kind)
	if err != nil {
		return nil
	}
	var wanted map[string]string
	file.Playbook.Walk(func(_ string, s *playbooks.Step) {
		if s.Child == nil || wanted != nil {
			return
		}
		wanted = map[string]string{}
		if len(s.When) == 0 {
			return
		}
		for _, x := range s.When[0] {
			if rest, ok := strings.CutPrefix(string(x.Reference), "steps."); ok && len(x.Values) > 0 {
				wanted[strings.TrimSuffix(rest, ".outcome")] = x.Values[0]
			}
		}
	})
	return wanted
}

// child: people find what makes the playbook run another one.
func child(ctx context.Context, p *player) (*incident.Record, error) {
	p.prefer = p.childWanted()
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	rec, err := p.settle(ctx)
	if err != nil {
		return nil, err
	}
	if len(p.family) < 2 {
		return nil, fmt.Errorf("no child was started: %v", rec.Children)
	}
	return p.close(ctx, false)
}

// regression: one round after the incident has settled, a containment no longer holds.
func regression(ctx context.Context, p *player) (*incident.Record, error) {
	s := p.done(incident.RoleContainment)
	p.setChange(func(pb *playbooks.Playbook) { pb.Watch.Every = time.Second })
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	if _, err := p.settle(ctx); err != nil {
		return nil, err
	}
	p.platform.Set(unprovedOnce(s))
	_, err := p.until(ctx, "the regression is contained", func(rec *incident.Record) bool {
		return rec.Watched.Regressions == 1 && rec.Watched.Rounds > 1 && row(rec, s).Verified
	})
	if err != nil {
		return nil, err
	}
	return p.close(ctx, false)
}
