package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"firebreak/activities/failure"
	"firebreak/internal/inventory"
)

// longestMargin is how long before its time limit an attempt stops waiting, so that it can still say what it waits for.
const longestMargin = 10 * time.Second

// settle reads the endpoint until no change is under way on it, and, if arrived is true, until what runs is what is wished:
// copies that AWS has no room for must not hold up containment. Whoever runs the attempt sends the heartbeats; a retried
// attempt waits on.
func (r *region) settle(ctx context.Context, e *inventory.Endpoint, arrived bool) (*seen, error) {
	give := time.Time{}
	if deadline, ok := ctx.Deadline(); ok {
		give = deadline.Add(-min(longestMargin, time.Until(deadline)/10))
	}
	for status := ""; ; {
		now, err := r.read(ctx, e)
		if err != nil && status != "" {
			return nil, fmt.Errorf("wait for %s, which was %s: %w", e.Serving.Name, status, err)
		}
		if err != nil {
			return nil, err
		}
		var moving bool
		status, moving = now.moving(arrived)
		if !moving {
			return now, now.beyondRepair(e)
		}
		if !give.IsZero() && time.Now().After(give) {
			return nil, &busyError{fmt.Errorf("wait for %s: it is still %s", e.Serving.Name, status), r.poll}
		}
		timer := time.NewTimer(r.poll)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, fmt.Errorf("wait for %s, which is %s: %w", e.Serving.Name, status, ctx.Err())
		}
	}
}

// moving reports whether a change is under way, or, if arrived is true, copies are.
func (n *seen) moving(arrived bool) (string, bool) {
	if n.component != nil {
		status := n.component.InferenceComponentStatus
		wished, current := n.copies()
		under := []types.InferenceComponentStatus{types.InferenceComponentStatusCreating, types.InferenceComponentStatusUpdating}
		if arrived && status == types.InferenceComponentStatusInService && wished != current {
			return fmt.Sprintf("on its way from %d copies to %d", current, wished), true
		}
		return string(status), slices.Contains(under, status)
	}
	status := n.endpoint.EndpointStatus
	under := []types.EndpointStatus{types.EndpointStatusCreating, types.EndpointStatusUpdating, types.EndpointStatusSystemUpdating, types.EndpointStatusRollingBack}
	return string(status), slices.Contains(under, status)
}

// beyondRepair is an error if SageMaker lets nobody change the endpoint any more.
func (n *seen) beyondRepair(e *inventory.Endpoint) error {
	if n.component != nil {
		if n.component.InferenceComponentStatus == types.InferenceComponentStatusDeleting {
			return failure.New(failure.Unsupported, "inference component %s is being deleted", e.Serving.Component)
		}
		return nil
	}
	switch n.endpoint.EndpointStatus {
	case types.EndpointStatusFailed:
		return failure.New(failure.Unsupported, "endpoint %s is Failed, and SageMaker lets it only be deleted; keep its configuration %s, which a new one needs", e.Serving.Name, aws.ToString(n.endpoint.EndpointConfigName))
	case types.EndpointStatusDeleting:
		return failure.New(failure.Unsupported, "endpoint %s is being deleted", e.Serving.Name)
	}
	return nil
}

// landed is an error if the endpoint did not end with the configuration that it was given: SageMaker goes back to the old
// one if an alarm of the guardrails goes off or new instances do not come up, and calls that InService. With guardrails a
// person must look before it is tried again.
func (n *seen) landed(e *inventory.Endpoint, wanted string, guarded bool) error {
	got := aws.ToString(n.endpoint.EndpointConfigName)
	if got == wanted {
		return nil
	}
	text := fmt.Sprintf("deploy configuration %s to endpoint %s: SageMaker went back to %s (%s)", wanted, e.Serving.Name, got, n.endpoint.EndpointStatus)
	if guarded {
		return failure.New(failure.Refused, "%s; see which of the alarms of its guardrails went off", text)
	}
	return errors.New(text + "; see the endpoint's events for why the new instances did not come up")
}
