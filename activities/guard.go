package activities

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"firebreak/activities/failure"
	"firebreak/internal/progress"
	"firebreak/internal/secret"
)

// beatInterval is how often a running activity tells Temporal that its worker lives. It is well below the heartbeat
// timeout of the engine, so that only a dead or stuck process loses its attempt.
const beatInterval = time.Second

// beat sends heartbeats until the returned function is called, with what the meter says of a long activity. Heartbeats
// also bring cancellation to ctx.
func beat(ctx context.Context, meter *progress.Meter) (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(beatInterval)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-tick.C:
				if report, begun := meter.Report(); begun {
					activity.RecordHeartbeat(ctx, report)
				} else {
					activity.RecordHeartbeat(ctx)
				}
			}
		}
	}()
	return func() { close(done) }
}

// guard is the edge between adapters and Temporal.
type guard struct{ redactor *secret.Redactor }

// edge turns an adapter's error into what Temporal records: its code if it is final, the pause that a server asked for,
// and a text without secrets. The cause is not attached: it would be recorded as it is.
func (g *guard) edge(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	// What is cut or comes from a server may be no UTF-8, which Temporal does not take: the attempt would end without an answer.
	text := strings.ToValidUTF8(g.redactor.Text(err.Error()), "\uFFFD")
	if code, final := failure.CodeOf(err); final {
		return temporal.NewApplicationErrorWithOptions(text, string(code), temporal.ApplicationErrorOptions{NonRetryable: true})
	}
	options := temporal.ApplicationErrorOptions{}
	var busy interface{ RetryDelay() time.Duration }
	if errors.As(err, &busy) {
		options.NextRetryDelay = busy.RetryDelay()
	}
	return temporal.NewApplicationErrorWithOptions(text, "Retryable", options)
}
