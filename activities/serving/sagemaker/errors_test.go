package sagemaker_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/activities/serving"
	"firebreak/activities/serving/sagemaker/sagemakerfake"
)

// The faults are those of AWS's documents; the kit has those of any HTTP server.
func TestFaultsAreClassed(t *testing.T) {
	t.Parallel()
	const quoted = " for token " + sagemakerfake.SessionToken + " and key " + sagemakerfake.SecretKey
	cases := map[string]struct {
		fault sagemakerfake.Error
		code  failure.Code
		final bool
		delay time.Duration
		says  string
	}{
		"throttled":           {fault: sagemakerfake.Error{Status: 400, Code: "ThrottlingException", Message: "Rate exceeded" + quoted}, says: "HTTP 400"},
		"in use":              {fault: sagemakerfake.Error{Status: 400, Code: "ResourceInUse", Message: "Resource being accessed is in use." + quoted}, says: "ResourceInUse"},
		"a limit":             {fault: sagemakerfake.Error{Status: 400, Code: "ResourceLimitExceeded", Message: "The account-level service limit is 0." + quoted}, delay: time.Minute, says: "higher quota"},
		"in conflict":         {fault: sagemakerfake.Error{Status: 400, Code: "ConflictException", Message: "conflict" + quoted}, says: "ConflictException"},
		"in progress":         {fault: sagemakerfake.Error{Status: 400, Code: "ValidationException", Message: "Cannot update in-progress endpoint" + quoted}, delay: time.Millisecond, says: "in-progress"},
		"not valid":           {fault: sagemakerfake.Error{Status: 400, Code: "ValidationException", Message: "1 validation error" + quoted}, code: failure.Invalid, final: true, says: "1 validation error"},
		"not found":           {fault: sagemakerfake.Error{Status: 400, Code: "ResourceNotFound", Message: "no such thing" + quoted}, code: failure.Invalid, final: true, says: "there is no such object"},
		"not allowed":         {fault: sagemakerfake.Error{Status: 400, Code: "AccessDeniedException", Message: "User arn:aws:sts::1:x is not authorized" + quoted}, says: "deploy/iam/worker-sagemaker.json"},
		"an expired token":    {fault: sagemakerfake.Error{Status: 400, Code: "ExpiredTokenException", Message: "expired" + quoted}, says: "ExpiredTokenException"},
		"an internal failure": {fault: sagemakerfake.Error{Status: 500, Code: "InternalFailure", Message: "oops" + quoted}, says: "HTTP 500"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, variants)
			w.aws.Refuse("DescribeEndpoint", &c.fault)
			_, err := serving.NewDisable(w.setup).Capture(t.Context(), w.operation("endpoint.disable"))
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), sagemakerfake.SessionToken)
			require.NotContains(t, err.Error(), sagemakerfake.SecretKey)
			code, final := failure.CodeOf(err)
			require.Equal(t, c.final, final)
			require.Equal(t, c.code, code)
			var busy interface{ RetryDelay() time.Duration }
			require.Equal(t, c.delay > 0, errors.As(err, &busy))
			if c.delay > 0 {
				require.Equal(t, c.delay, busy.RetryDelay())
			}
		})
	}
}
