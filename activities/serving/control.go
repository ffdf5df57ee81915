package serving

import (
	"context"
	"errors"
	"fmt"
	"time"

	"firebreak/activities/failure"
	"firebreak/playbooks"
)

const (
	// pollInterval is the time between two looks at an endpoint that is on its way.
	pollInterval = 150 * time.Millisecond
	// stopPatience is how long a stopped endpoint may take until it refuses.
	stopPatience = 20 * time.Second
	// startPatience is how long a started endpoint may take until it answers.
	startPatience = time.Minute
	// conflictTries bounds how often a patch is tried when others write the object too, e.g. its controller.
	conflictTries = 8
)

// control is what disabling and enabling share.
type control struct {
	platform platform
	outside  outside
	poll     time.Duration
	stop     time.Duration
	start    time.Duration
}

func newControl(p platform, o outside) *control {
	return &control{platform: p, outside: o, poll: pollInterval, stop: stopPatience, start: startPatience}
}

// annotate changes annotations with the resourceVersion of a fresh read as precondition. wanted looks at that read and
// returns the annotations to set, none if all is as it should be. It reports whether it changed anything.
func (c *control) annotate(ctx context.Context, op *playbooks.Operation, wanted func(*InferenceService) (map[string]any, error)) (*InferenceService, bool, error) {
	var conflict error
	for try := range conflictTries {
		if try > 0 {
			if err := wait(ctx, time.Duration(try)*20*time.Millisecond); err != nil {
				return nil, false, fmt.Errorf("patch again: %w", err)
			}
		}
		service, err := c.platform.Get(ctx, op.Target.Endpoint.Serving)
		if err != nil {
			return nil, false, err
		}
		annotations, err := wanted(service)
		if err != nil || len(annotations) == 0 {
			return service, false, err
		}
		_, err = c.platform.Patch(ctx, op.Target.Endpoint.Serving, map[string]any{"metadata": map[string]any{
			"resourceVersion": service.Metadata.ResourceVersion,
			"annotations":     annotations,
		}})
		if !errors.Is(err, ErrConflict) {
			return service, err == nil, err
		}
		conflict = err
	}
	return nil, false, conflict
}

// differing returns wanted if the InferenceService has other annotations than these, or nil.
func differing(service *InferenceService, wanted map[string]any) map[string]any {
	for name, v := range wanted {
		if value(annotation(service, name)) != v {
			return wanted
		}
	}
	return nil
}

// heldByAnother returns the incident that holds the endpoint, if it is not the operation's.
func heldByAnother(service *InferenceService, op *playbooks.Operation) string {
	if holder := service.Metadata.Annotations[IncidentAnnotation]; holder != op.IncidentID {
		return holder
	}
	return ""
}

// probes returns the parameters of a proof.
func probes(op *playbooks.Operation) (int, time.Duration, error) {
	n, err := op.Integer("probes")
	if err != nil {
		return 0, 0, failure.New(failure.Invalid, "%w", err)
	}
	interval, err := op.Duration("interval")
	if err != nil {
		return 0, 0, failure.New(failure.Invalid, "%w", err)
	}
	return n, interval, nil
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
