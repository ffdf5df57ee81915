package serving

import (
	"context"
	"fmt"
	"strings"
	"time"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// Enable is the action endpoint.enable: it puts an InferenceService back into service once it points at its known-good
// checkpoint.
type Enable struct{ *control }

// NewEnable returns the action. k8s is a *Kubernetes and probe a *probe.Client.
func NewEnable(k8s platform, probe outside) *Enable { return &Enable{newControl(k8s, probe)} }

// requireKnownGood refuses a target whose enabling could not be proved.
func requireKnownGood(op *playbooks.Operation) error {
	if err := RequireKServe(op); err != nil {
		return err
	}
	switch good := op.Target.KnownGood; {
	case good == nil || good.RootDigest == "" || good.URI == "":
		return failure.New(failure.Invalid, "%s: endpoint %s has no known-good checkpoint; it stays contained", op.Action, op.Target.ID)
	case op.Target.Endpoint.Probe.ExpectDigestHeader == "":
		return failure.New(failure.Unsupported, "%s: the inventory names no expect_digest_header for endpoint %s, so nothing can prove what it serves", op.Action, op.Target.ID)
	}
	return nil
}

// Capture saves the annotations and whether the endpoint answers.
func (e *Enable) Capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	if err := requireKnownGood(op); err != nil {
		return nil, err
	}
	return e.capture(ctx, op)
}

// Do lifts the stop. It refuses an InferenceService that points at anything but the known-good checkpoint, and one that
// another incident holds.
func (e *Enable) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	if err := requireKnownGood(op); err != nil {
		return nil, err
	}
	wanted := PlainURI(op.Target.KnownGood.URI)
	_, changed, err := e.annotate(ctx, op, func(service *InferenceService) (map[string]any, error) {
		if uri := service.StorageURI(); uri != wanted {
			return nil, failure.New(failure.TargetChanged, "enable %s: it points at %s, not at the known-good %s; it stays contained until it is rolled back", op.Target.ID, uri, wanted)
		}
		if holder := heldByAnother(service, op); holder != "" {
			return nil, failure.New(failure.Refused, "enable %s: incident %s holds it", op.Target.ID, holder)
		}
		if !service.Stopped() && service.Metadata.Annotations[OperationAnnotation] == op.ID {
			return nil, nil
		}
		return map[string]any{StopAnnotation: "false", OperationAnnotation: op.ID, IncidentAnnotation: nil, RestoreAnnotation: nil}, nil
	})
	if err != nil {
		return nil, err
	}
	effect := &incident.Effect{Summary: "the stop is lifted; the InferenceService loads " + wanted, Changed: changed, At: time.Now().UTC()}
	if !changed {
		effect.Summary = "the stop was lifted by this operation before"
	}
	return effect, nil
}

// Verify waits at most a minute until the endpoint answers, and then asks that every call from outside is answered with
// the digest of the known-good checkpoint.
func (e *Enable) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	if err := requireKnownGood(op); err != nil {
		return nil, err
	}
	n, interval, err := probes(op)
	if err != nil {
		return nil, err
	}
	digest := op.Target.KnownGood.RootDigest
	counts, err := e.untilAnswered(ctx, op.Target.Endpoint, n, interval, digest)
	if err != nil {
		return nil, err
	}
	proof := &incident.Proof{Facts: observation{Counts: counts}.facts(), At: time.Now().UTC()}
	delete(proof.Facts, "platform_is_stopped")
	proof.Facts[incident.FactDigest] = strings.Join(counts.Digests, ", ")
	switch {
	case counts.AllAnswered(n, digest):
		proof.Proved = true
		proof.Method = fmt.Sprintf("GET probe from outside, %d of %d answered with %s", counts.Answered, counts.Tries, digest)
	case stranger(counts, digest):
		proof.Method = fmt.Sprintf("GET probe from outside, answered with %s instead of the known-good %s", others(counts.Digests, digest), digest)
	default:
		proof.Method = fmt.Sprintf("GET probe from outside, answered only %d of %d", counts.Answered, counts.Tries)
	}
	return proof, nil
}

func others(digests []string, wanted string) string {
	var out []string
	for _, d := range digests {
		if d != wanted {
			out = append(out, named(d))
		}
	}
	return strings.Join(out, " and ")
}

// Undo stops the endpoint again and proves that it refuses, so that a recovery that went wrong ends contained.
func (e *Enable) Undo(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
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
	_, changed, err := e.annotate(ctx, op, func(service *InferenceService) (map[string]any, error) {
		wanted := before.annotations()
		if heldByAnother(service, op) != "" {
			wanted = map[string]any{} // the other's annotations are not ours to change, but stopping is always right
		}
		wanted[StopAnnotation] = "true"
		return differing(service, wanted), nil
	})
	if err != nil {
		return nil, err
	}
	seen, err := e.untilRefused(ctx, op, n, interval, false)
	if err != nil {
		return nil, err
	}
	if !seen.AllRefused(n) {
		return nil, fmt.Errorf("undo enabling of %s: it still answers, %d of %d calls from outside", op.Target.ID, seen.Answered, seen.Tries)
	}
	summary := fmt.Sprintf("stopped again; %d of %d calls from outside refused", seen.Refused, seen.Tries)
	return &incident.Effect{Summary: summary, Changed: changed, At: time.Now().UTC()}, nil
}
