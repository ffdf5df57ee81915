package activities

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"firebreak/activities/failure"
	"firebreak/internal/secret"
)

type busyError struct{}

func (busyError) Error() string             { return "slow down" }
func (busyError) RetryDelay() time.Duration { return 7 * time.Second }

func TestEdge(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name      string
		err       error
		wantType  string
		wantFinal bool
		wantDelay time.Duration
		wantText  string
	}{
		{"a plain error may be retried", errors.New("connection refused"), "Retryable", false, 0, "connection refused"},
		{"a final error keeps its code when wrapped", fmt.Errorf("roll back: %w", failure.New(failure.EvidenceMismatch, "digest differs")), "EvidenceMismatch", true, 0, "roll back: digest differs"},
		{"a server's pause is obeyed", fmt.Errorf("post: %w", busyError{}), "Retryable", false, 7 * time.Second, "post: slow down"},
		{"a secret does not pass", errors.New("login with hv" + "s.CAESIJ0123456789 refused"), "Retryable", false, 0, "login with [redacted] refused"},
		{"a text that was cut within a letter can be recorded", errors.New("pr\xc3\xbcfe: \xc3"), "Retryable", false, 0, "pr\u00fcfe: \ufffd"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := &guard{redactor: secret.NewRedactor()}
			var app *temporal.ApplicationError
			require.ErrorAs(t, g.edge(context.Background(), c.err), &app)
			require.Equal(t, c.wantType, app.Type())
			require.Equal(t, c.wantFinal, app.NonRetryable())
			require.Equal(t, c.wantDelay, app.NextRetryDelay())
			require.Equal(t, c.wantText, app.Message())
			require.NoError(t, app.Unwrap(), "the cause is not recorded")
		})
	}
}
