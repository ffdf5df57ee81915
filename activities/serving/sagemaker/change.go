package sagemaker

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"

	"firebreak/activities/failure"
	"firebreak/activities/serving"
	"firebreak/playbooks"
)

// step is one change; a nil one is not needed.
type step func(context.Context) error

// change waits until nothing is under way and runs the steps that a fresh read asks for, in their order; check is called
// before the first. A step ends when what it asked for has come to pass.
func (c *Control) change(ctx context.Context, op *playbooks.Operation, check serving.Check, wanted func(*region, *seen) ([]step, error)) (serving.Change, error) {
	var change serving.Change
	r, err := c.region(op)
	if err != nil {
		return change, err
	}
	now, err := r.settle(ctx, op.Target.Endpoint, false)
	if err != nil {
		return change, err
	}
	change.Found = now.state(op)
	steps, err := wanted(r, now)
	if err != nil {
		return change, err
	}
	checked := false
	for _, s := range steps {
		if s == nil {
			continue
		}
		if !checked {
			if err := check(change.Found); err != nil {
				return change, err
			}
			checked = true
		}
		if err := s(ctx); err != nil {
			return change, err
		}
		change.Changed = true
	}
	return change, nil
}

// Disable stops, isolates or parks the endpoint.
func (c *Control) Disable(ctx context.Context, op *playbooks.Operation, _ *serving.Saved, mode serving.Mode, check serving.Check) (serving.Change, error) {
	e := op.Target.Endpoint
	change, err := c.change(ctx, op, check, func(r *region, now *seen) ([]step, error) { return r.disable(op, now, mode) })
	switch {
	case e.Serving.Component != "":
		change.Did = "its scaling is suspended and its copies are set to 0"
	case mode == serving.Isolate:
		change.Did = fmt.Sprintf("all its traffic goes to variant %s, which refuses; its instances live on", e.Serving.Parked)
	default:
		change.Did = fmt.Sprintf("it has the configuration %s, which refuses", parkingConfig(e))
	}
	return change, err
}

// disable are the steps that take out of service. The books come first: what is known of the time before is never
// overwritten, and survives a worker that dies in between.
func (r *region) disable(op *playbooks.Operation, now *seen, mode serving.Mode) ([]step, error) {
	e := op.Target.Endpoint
	books := map[string]*string{OperationTag: tag(op.ID), IncidentTag: tag(op.IncidentID)}
	keep := func(key, value string) {
		if _, known := now.tags[key]; !known {
			books[key] = &value
		}
	}
	if now.component != nil {
		wished, _ := now.copies()
		if wished > 0 {
			keep(CopiesTag, fmt.Sprint(wished))
		}
		if now.scaler != nil {
			keep(ScalingTag, now.suspended().tag())
		}
		return []step{r.tagged(now, books), r.suspend(op, now, Suspended{true, true, true}), r.copies(op, now, 0)}, nil
	}
	if mode == serving.Isolate {
		if !now.has(e.Serving.Parked) {
			return nil, failure.New(failure.Invalid, "isolate %s: endpoint %s has no variant %s, which the inventory says refuses", op.Target.ID, e.Serving.Name, e.Serving.Parked)
		}
		if weights := now.weights(true); share(weights, e.Serving.Parked) > 0 {
			keep(WeightsTag, weightsTag(weights))
		}
		return []step{r.tagged(now, books), r.weighed(op, now, onlyParked(now, e.Serving.Parked))}, nil
	}
	if !now.parkedByConfig(e) {
		keep(ConfigTag, aws.ToString(now.endpoint.EndpointConfigName))
	}
	return []step{r.tagged(now, books), r.deployed(op, now, parkingConfig(e), nil)}, nil
}

// Enable gives the endpoint what it had before it was taken out of service, in whatever mode.
func (c *Control) Enable(ctx context.Context, op *playbooks.Operation, _ *serving.Saved, check serving.Check) (serving.Change, error) {
	change, err := c.change(ctx, op, check, func(r *region, now *seen) ([]step, error) {
		if s := now.state(op); s.Operation == op.ID && len(s.Off) == 0 && s.Share == nil {
			return nil, nil
		}
		return r.enable(op, now)
	})
	change.Did = "its copies, its scaling, its configuration and its weights are as they were before it was disabled"
	return change, err
}

func (r *region) enable(op *playbooks.Operation, now *seen) ([]step, error) {
	e := op.Target.Endpoint
	books := map[string]*string{OperationTag: tag(op.ID)}
	for _, key := range stopTags() {
		if key != OperationTag {
			books[key] = nil
		}
	}
	done := r.tagged(now, books)
	if now.component != nil {
		wished, _ := now.copies()
		if wished == 0 {
			wished = 1
			_, _ = fmt.Sscan(now.tags[CopiesTag], &wished) // without the tag, one
		}
		steps := []step{r.copies(op, now, max(wished, 1))}
		if held, known := now.tags[ScalingTag]; known {
			steps = append(steps, r.suspend(op, now, readSuspended(held)))
		}
		return append(steps, done), nil
	}
	if now.parkedByConfig(e) {
		back := now.tags[ConfigTag]
		if back == "" {
			return nil, failure.New(failure.Invalid, "enable %s: it is parked, and no tag %s says which configuration it had; deploy that one by hand", op.Target.ID, ConfigTag)
		}
		return []step{r.deployed(op, now, back, e.Serving.Guardrails), done}, nil
	}
	if e.Serving.Parked == "" || !now.has(e.Serving.Parked) {
		return []step{done}, nil
	}
	weights := now.weights(true)
	if share(weights, e.Serving.Parked) < 100 {
		before := readWeights(now.tags[WeightsTag])
		for name := range weights {
			weights[name] = before[name]
		}
		if share(weights, e.Serving.Parked) != 100 {
			weights = onlyOpen(now, e.Serving.Parked)
		}
	}
	return []step{r.weighed(op, now, weights), done}, nil
}

// Split gives a percentage of the traffic to the model, and the rest to the variant that refuses.
func (c *Control) Split(ctx context.Context, op *playbooks.Operation, _ *serving.Saved, percent int, check serving.Check) (serving.Change, error) {
	e := op.Target.Endpoint
	parked := e.Serving.Parked
	if e.Serving.Component != "" || parked == "" {
		return serving.Change{}, fmt.Errorf("split traffic of %s: %w: it has no variant beside it that refuses (serving.parked in the inventory)", op.Target.ID, serving.ErrNoSplit)
	}
	change, err := c.change(ctx, op, check, func(r *region, now *seen) ([]step, error) {
		switch {
		case now.parkedByConfig(e):
			return nil, fmt.Errorf("split traffic of %s: %w: it has the configuration that refuses, without a variant of the model", op.Target.ID, serving.ErrNoSplit)
		case !now.has(parked) || len(now.weights(true)) != 2:
			return nil, fmt.Errorf("split traffic of %s: %w: it does not have two variants, of which %s refuses", op.Target.ID, serving.ErrNoSplit, parked)
		}
		books := map[string]*string{OperationTag: tag(op.ID), IncidentTag: tag(op.IncidentID)}
		if before := now.weights(true); share(before, parked) == 100 {
			books[WeightsTag] = tag(weightsTag(before))
		}
		weights := onlyOpen(now, parked)
		for name := range weights {
			weights[name] = float32(percent)
		}
		weights[parked] = float32(100 - percent)
		return []step{r.tagged(now, books), r.weighed(op, now, weights)}, nil
	})
	change.Did = fmt.Sprintf("%d %% of the traffic is let in, and the rest goes to variant %s, which refuses", percent, parked)
	return change, err
}

// Restore puts back what was captured.
func (c *Control) Restore(ctx context.Context, op *playbooks.Operation, before *serving.Saved, part serving.Part, check serving.Check) (serving.Change, error) {
	var s saved
	if err := json.Unmarshal(before.Platform, &s); err != nil {
		return serving.Change{}, failure.New(failure.Invalid, "restore %s: read what was captured: %w", op.Target.ID, err)
	}
	switch {
	case part == serving.Model:
		return c.change(ctx, op, check, func(r *region, now *seen) ([]step, error) { return r.repoint(op, now, &s) })
	case part == serving.Contained && !before.IsOff(""):
		modes := c.Modes(op.Target.Endpoint)
		if len(modes) == 0 {
			return serving.Change{}, failure.New(failure.Unsupported, "%s cannot be taken out of service by firebreak; do it by hand", c.Describe(op.Target.Endpoint))
		}
		return c.Disable(ctx, op, before, modes[0], check)
	}
	change, err := c.change(ctx, op, check, func(r *region, now *seen) ([]step, error) { return r.restore(op, now, &s), nil })
	change.Did = "as it was before"
	return change, err
}

// restore puts everything back that taking out of service and putting back change. The books come last: until then they
// say what it was.
func (r *region) restore(op *playbooks.Operation, now *seen, s *saved) []step {
	books := map[string]*string{}
	for _, key := range stopTags() {
		if value, had := s.Tags[key]; had {
			books[key] = &value
		} else {
			books[key] = nil
		}
	}
	done := r.tagged(now, books)
	if now.component != nil {
		steps := []step{}
		if s.Copies != nil {
			steps = append(steps, r.copies(op, now, *s.Copies))
		}
		if s.Suspended != nil {
			steps = append(steps, r.suspend(op, now, *s.Suspended))
		}
		return append(steps, done)
	}
	e := op.Target.Endpoint
	parking := parkingConfig(e)
	parkedNow, parkedThen := now.parkedByConfig(e), parking != "" && s.Config == parking
	if parkedNow != parkedThen {
		// A configuration that a rollback chose meanwhile stays: the model is restored on its own.
		back := s.Config
		if held := now.tags[ConfigTag]; parkedNow && held != "" {
			back = held
		}
		return []step{r.deployed(op, now, back, nil), done}
	}
	if weights := now.weights(true); len(weights) == len(s.Weights) && !parkedNow {
		return []step{r.weighed(op, now, maps.Clone(s.Weights)), done}
	}
	return []step{done}
}
