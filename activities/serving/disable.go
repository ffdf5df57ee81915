package serving

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// Disable is the action endpoint.disable: KServe takes down the predictor of an InferenceService with StopAnnotation.
type Disable struct{ *control }

// NewDisable returns the action. k8s is a *Kubernetes and probe a *probe.Client.
func NewDisable(k8s platform, probe outside) *Disable { return &Disable{newControl(k8s, probe)} }

// Capture saves the annotations, the storageUri and whether the endpoint answers from outside, and with which digest.
func (d *Disable) Capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	return d.capture(ctx, op)
}

// Do sets StopAnnotation, and beside it the operation and the prior state, in one patch. It stops whatever the
// InferenceService serves by now: a changed spec is noted and is no reason to leave it running.
func (d *Disable) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	if err := RequireKServe(op); err != nil {
		return nil, err
	}
	before, err := readSaved(op)
	if err != nil {
		return nil, err
	}
	restore, err := json.Marshal(before.prior)
	if err != nil {
		return nil, fmt.Errorf("encode prior state of %s: %w", op.Target.ID, err)
	}
	service, changed, err := d.annotate(ctx, op, func(service *InferenceService) (map[string]any, error) {
		if service.Stopped() && service.Metadata.Annotations[OperationAnnotation] == op.ID {
			return nil, nil
		}
		return map[string]any{
			StopAnnotation: "true", OperationAnnotation: op.ID, IncidentAnnotation: op.IncidentID, RestoreAnnotation: string(restore),
		}, nil
	})
	if err != nil {
		return nil, err
	}
	effect := &incident.Effect{Summary: "InferenceService set to stop", Changed: changed, Facts: map[string]string{}, At: time.Now().UTC()}
	if !changed {
		effect.Summary = "InferenceService was set to stop by this operation before"
	}
	if service.Metadata.Annotations[FrozenAnnotation] == "true" {
		effect.Facts["warning"] = FrozenAnnotation + " is true: KServe may ignore the stop; remove that annotation if the endpoint goes on answering"
		effect.Summary += "; " + effect.Facts["warning"]
	}
	if uri := service.StorageURI(); uri != before.StorageURI {
		effect.Facts["storage_uri"] = uri
		effect.Summary += "; its storageUri changed since it was captured, to " + uri
	}
	return effect, nil
}

// Verify calls the endpoint from outside until as many calls in a row as the step asks for are refused, for at most 20
// seconds. If the endpoint did not answer before it was disabled either, refusals alone show nothing, and KServe must
// say that it stopped too.
func (d *Disable) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	if err := RequireKServe(op); err != nil {
		return nil, err
	}
	n, interval, err := probes(op)
	if err != nil {
		return nil, err
	}
	before, err := readSaved(op)
	if err != nil {
		return nil, err
	}
	needWord := !before.Answered && !before.stopped()
	seen, err := d.untilRefused(ctx, op, n, interval, needWord)
	if err != nil {
		return nil, err
	}
	proof := &incident.Proof{Facts: seen.facts(), At: time.Now().UTC()}
	proof.Facts["answered_before"] = strconv.FormatBool(before.Answered)
	switch {
	case !seen.AllRefused(n):
		proof.Method = fmt.Sprintf("GET probe from outside, answered %d of %d", seen.Answered, seen.Tries)
	case needWord && !seen.saysStopped:
		return nil, fmt.Errorf("verify %s: it did not answer before it was disabled either (%s), and KServe does not say that it stopped; check its probe in the inventory",
			op.Target.ID, before.Reason)
	default:
		proof.Proved = true
		proof.Method = fmt.Sprintf("GET probe from outside, %d of %d refused", seen.Refused, seen.Tries)
	}
	return proof, nil
}

// Undo restores the annotations that Capture saved and waits until the endpoint answers again, if it did before. An
// endpoint that another incident holds by now is left as it is.
func (d *Disable) Undo(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	if err := RequireKServe(op); err != nil {
		return nil, err
	}
	before, err := readSaved(op)
	if err != nil {
		return nil, err
	}
	_, changed, err := d.annotate(ctx, op, func(service *InferenceService) (map[string]any, error) {
		wanted := differing(service, before.annotations())
		if holder := heldByAnother(service, op); wanted != nil && holder != "" {
			return nil, failure.New(failure.Refused, "undo disabling of %s: incident %s holds it now; undo that one first", op.Target.ID, holder)
		}
		return wanted, nil
	})
	if err != nil {
		return nil, err
	}
	effect := &incident.Effect{Summary: "the annotations of the InferenceService are as they were", Changed: changed}
	if before.Answered && !before.stopped() {
		counts, err := d.untilAnswered(ctx, op.Target.Endpoint, 1, 0, "")
		if err != nil {
			return nil, err
		}
		if counts.Answered == 0 {
			return nil, fmt.Errorf("undo disabling of %s: its annotations are restored, but it does not answer yet", op.Target.ID)
		}
		effect.Summary += "; it answers again with " + named(counts.Digests[0])
	}
	effect.At = time.Now().UTC()
	return effect, nil
}
