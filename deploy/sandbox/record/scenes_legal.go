package main

import (
	"context"
	"fmt"
	"time"

	"firebreak/internal/incident"
	"firebreak/internal/legal"
	"firebreak/workflows"
)

// clocks: the incident was detected a day ago, so that legal is reminded at once; legal acknowledges the brief, sets an
// anchor, files one duty and dismisses the others, after which nothing has to be handed over.
func clocks(ctx context.Context, p *player) (*incident.Record, error) {
	p.req.DetectedAt = time.Now().UTC().Add(-24 * time.Hour)
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	rec, err := p.settle(ctx)
	if err != nil {
		return nil, err
	}
	counsel := workflows.Steer{Person: p.holder(legal.RoleLegal), Reason: "recorded", Via: "cli"}
	if err := p.steer(ctx, workflows.AcknowledgeBriefUpdate, counsel); err != nil {
		return nil, err
	}
	anchor := counsel
	anchor.Anchor, anchor.At = rec.Clocks[0].Anchor, p.req.DetectedAt.Add(time.Hour)
	if err := p.steer(ctx, workflows.SetAnchorUpdate, anchor); err != nil {
		return nil, err
	}
	for i, c := range rec.Clocks {
		in, update := counsel, workflows.DismissClockUpdate
		in.Clock = c.Regime
		if i == 0 {
			in.Reference, update = "filed-1", workflows.FileClockUpdate
		}
		if err := p.steer(ctx, update, in); err != nil {
			return nil, err
		}
	}
	if err := p.steer(ctx, workflows.CloseIncidentUpdate, workflows.CloseIncident{
		Person: p.holder("IC"), Reason: "recorded", Via: "cli"}); err != nil {
		return nil, fmt.Errorf("close with every clock ended: %w", err)
	}
	return p.result(ctx)
}
