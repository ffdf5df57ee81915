package evidence

import (
	"context"

	"go.temporal.io/sdk/temporal"
)

// abandoned reports whether the workflow cancelled the activity, so that nobody goes on with it. A worker that is stopped,
// and an attempt that was given to another worker, are cancelled too, but for other causes.
func abandoned(ctx context.Context) bool {
	return ctx.Err() != nil && temporal.IsCanceledError(context.Cause(ctx))
}
