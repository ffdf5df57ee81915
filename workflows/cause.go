package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"
)

// cause returns the text that a person needs: the activity's own error without Temporal's wrapping.
func cause(err error) string {
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		return app.Message()
	}
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) {
		return fmt.Sprintf("timed out (%s)", timeout.TimeoutType())
	}
	return err.Error()
}
