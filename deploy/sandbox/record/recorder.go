package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"go.temporal.io/sdk/client"

	"firebreak/deploy/sandbox/standin"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// recorder plays every case of every playbook, one at a time, so that a restart of the workers hits one incident only.
type recorder struct {
	client   client.Client
	inv      *inventory.Inventory
	platform *standin.Platform
	workers  *standin.Workers
	log      io.Writer
	// folder receives the histories until all are recorded.
	folder string
	files  int

	mu sync.Mutex
	// change alters the playbooks that are planned from now on, or is nil. It shortens what would take hours.
	change func(*playbooks.Playbook)
}

func (r *recorder) setChange(change func(*playbooks.Playbook)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.change = change
}

// load reads a built-in playbook, as changed for the case that is being played.
func (r *recorder) load(kind incident.Kind) (*playbooks.File, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	file, err := playbooks.BuiltIn().Load(kind)
	if err == nil && r.change != nil {
		r.change(file.Playbook)
	}
	return file, err
}

// caseTimeout bounds one case.
const caseTimeout = 2 * time.Minute

// recordAll records every case of every built-in playbook, or of one kind.
func (r *recorder) recordAll(ctx context.Context, kind string) error {
	files, err := playbooks.BuiltIn().LoadAll()
	if err != nil {
		return err
	}
	for _, file := range files {
		if k := file.Playbook.Kind; kind == "" || string(k) == kind {
			if err := r.recordKind(ctx, k); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(r.log, "%d histories\n", r.files)
	return nil
}

// recordKind plays the cases in order. The first shows what the playbook does if nothing goes wrong; the others break that.
func (r *recorder) recordKind(ctx context.Context, kind incident.Kind) error {
	var usual *incident.Record
	for _, c := range cases() {
		p := &player{recorder: r, kind: kind, name: c.name, usual: usual,
			req: incident.Request{Kind: kind, Asset: assets(kind).live, Mode: incident.Live, Requester: "alertmanager",
				Summary: "recorded: " + c.name, Severity: "SEV3", Confidence: 0.5, DetectedAt: time.Now().UTC()}}
		if c.fits != nil && !c.fits(p) {
			fmt.Fprintf(r.log, "%-24s %-26s does not apply\n", kind, c.name)
			continue
		}
		rec, err := r.recordCase(ctx, p, c)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", kind, c.name, err)
		}
		if usual == nil {
			usual = rec
		}
	}
	return nil
}

func (r *recorder) recordCase(ctx context.Context, p *player, c scene) (*incident.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, caseTimeout)
	defer cancel()
	r.platform.Set(standin.Hooks{})
	r.setChange(nil)
	began := time.Now()
	rec, err := c.play(ctx, p)
	if err != nil {
		return nil, err
	}
	for i, id := range p.family {
		name := c.name
		if i > 0 {
			name = fmt.Sprintf("%s-%d", c.name, i)
		}
		if err := r.write(ctx, id, p.kind, name); err != nil {
			return nil, err
		}
	}
	fmt.Fprintf(r.log, "%-24s %-26s %-20s %5.1f s\n", p.kind, c.name, rec.Verdict, time.Since(began).Seconds())
	return rec, nil
}

// subject is what the incidents of a kind are about: an asset of production, one to add later, and one of staging.
type subject struct{ live, further, staging string }

func assets(kind incident.Kind) subject {
	switch kind {
	case incident.BackdoorDiscovery:
		return subject{"credit-scorer@17", "assist-llm@5", "credit-scorer-stg@17"}
	case incident.DatasetCompromise:
		return subject{"loan-applications@2026-07-31", "assist-kb@2026-09-01", "loan-synthetic@2026-08-15"}
	case incident.ExtractionEvent:
		return subject{"credit-api", "assist-chat", "credit-api-stg"}
	}
	// A team's own kind; an endpoint has callers, a checkpoint and a channel of legal.
	return subject{"assist-chat", "credit-api", "credit-api-stg"}
}
