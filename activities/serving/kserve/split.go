package kserve

import (
	"context"
	"fmt"

	"firebreak/activities/serving"
	"firebreak/activities/serving/fence"
	"firebreak/playbooks"
)

// Split gives a percentage of the traffic to the newest revision by canaryTrafficPercent. KServe gives the rest to the
// revision before, which is the one that was contained; so that revision gets a fence of its own first, and the rest is
// refused.
//
// There is no revision before in raw deployments, nor after a stop, which deletes them all: isolate an endpoint that is to
// be opened in stages.
func (c *Control) Split(ctx context.Context, op *playbooks.Operation, before *serving.Saved, percent int, check serving.Check) (serving.Change, error) {
	change := serving.Change{}
	now, err := c.read(ctx, op)
	if err != nil {
		return change, err
	}
	change.Found = now.state
	rest, err := now.service.rest()
	if err != nil {
		return change, fmt.Errorf("split traffic of %s: %w", op.Target.ID, err)
	}
	change.Did = fmt.Sprintf("%d %% of the traffic is let in to the newest revision, and the rest is refused: a NetworkPolicy denies all traffic to %s", percent, rest)
	if err := check(now.state); err != nil {
		return change, err
	}
	f := c.restFence(op.Target.Endpoint, rest)
	if !f.Shut(now.rest) || now.rest.Metadata.Annotations[fence.IncidentAnnotation] != op.IncidentID {
		if change.Changed, err = f.Raise(ctx, names(op, before)); err != nil {
			return change, err
		}
	}
	edited, err := c.edit(ctx, op, check, func(service *InferenceService) *edit {
		return differing(service, edit{split: true, canary: &percent, annotations: map[string]any{
			fence.OperationAnnotation: op.ID, fence.IncidentAnnotation: op.IncidentID, fence.RestoreAnnotation: before.Note(),
		}})
	})
	change.Changed = change.Changed || edited.Changed
	if err != nil {
		return change, err
	}
	opened, err := c.restoreFence(ctx, op, saved{}, check)
	change.Changed = change.Changed || opened
	return change, err
}

// rest is the revision that gets the rest of a split.
func (s *InferenceService) rest() (string, error) {
	p := s.Status.Components.Predictor
	rest := p.LatestRolledout
	if rest == p.LatestReady {
		rest = p.PreviousRolledout
	}
	switch {
	case s.Stopped():
		return "", fmt.Errorf("%w: it is stopped, and KServe keeps no revision of what is stopped", serving.ErrNoSplit)
	case p.LatestCreated == "" && p.LatestReady == "":
		return "", fmt.Errorf("%w: KServe names no revisions, as in raw deployment mode", serving.ErrNoSplit)
	case p.LatestCreated != p.LatestReady:
		return "", fmt.Errorf("revision %s is not ready yet", p.LatestCreated)
	case rest == "":
		return "", fmt.Errorf("%w: KServe names no revision before %s", serving.ErrNoSplit, p.LatestReady)
	}
	return rest, nil
}

var (
	_ serving.Control  = (*Control)(nil)
	_ serving.Splitter = (*Control)(nil)
)
