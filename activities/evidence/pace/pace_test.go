package pace

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"
)

func answered(status int, code, after string) error {
	return &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {after}}}},
		Err:      &smithy.GenericAPIError{Code: code},
	}}
}

func TestClasses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err   error
		busy  bool
		after time.Duration
		lost  bool
	}{
		"no error":              {},
		"SlowDown":              {err: answered(503, "SlowDown", ""), busy: true, lost: true},
		"a bare 503":            {err: answered(503, "", "2"), busy: true, after: 2 * time.Second, lost: true},
		"a bare 429":            {err: answered(429, "", "7"), busy: true, after: 7 * time.Second},
		"an endless wait":       {err: answered(503, "", "86400"), busy: true, after: longestWait, lost: true},
		"no number":             {err: answered(503, "", "soon"), busy: true, lost: true},
		"a wait in the past":    {err: answered(503, "", "-5"), busy: true, lost: true},
		"SlowDown in a 200":     {err: answered(200, "SlowDown", ""), busy: true},
		"a fault inside":        {err: answered(500, "InternalError", ""), lost: true},
		"a fault in a 200":      {err: answered(200, "InternalError", ""), lost: true},
		"refused":               {err: answered(403, "AccessDenied", "")},
		"not implemented":       {err: answered(501, "NotImplemented", "")},
		"a broken connection":   {err: &smithyhttp.RequestSendError{Err: io.EOF}, lost: true},
		"a body that broke off": {err: io.ErrUnexpectedEOF, lost: true},
		"no answer in time":     {err: context.DeadlineExceeded, lost: true},
		"cancelled":             {err: &smithyhttp.RequestSendError{Err: context.Canceled}},
		"another error":         {err: errors.New("disk full")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			after, busy := SlowDown(tt.err)
			require.Equal(t, tt.busy, busy)
			require.Equal(t, tt.after, after)
			require.Equal(t, tt.lost, Lost(tt.err))
		})
	}
}

func TestPaceFallsFastAndRisesSlowly(t *testing.T) {
	t.Parallel()
	p := New(8, 16)
	for range 100 {
		p.answered()
	}
	require.Equal(t, 16, p.Limit(), "until the first refusal it rises with each answer, and never above the most")
	began := time.Now()
	p.slow(began, 0)
	p.slow(began, 0)
	require.Equal(t, 8, p.Limit(), "refusals of requests that were on the way together count once")
	for range 8 {
		p.answered()
	}
	require.Equal(t, 9, p.Limit())
	for range 10 {
		p.slow(time.Now(), 0)
	}
	require.Equal(t, 1, p.Limit())
}

func TestNeverMoreRequestsThanThePace(t *testing.T) {
	t.Parallel()
	p := New(4, 8)
	var now, most, refused atomic.Int32
	call := func(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
		n := now.Add(1)
		defer now.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		time.Sleep(time.Millisecond)
		if refused.Add(1)%10 == 0 {
			return nil, answered(503, "SlowDown", "")
		}
		return &s3.HeadObjectOutput{}, nil
	}
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			_, err := Send(t.Context(), p, Once, time.Second, call, &s3.HeadObjectInput{})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.LessOrEqual(t, most.Load(), int32(8))
	require.Zero(t, now.Load())
	require.Len(t, p.places, p.Limit(), "every place came back")
	require.Zero(t, p.owed)
}

func TestRetryAfterHoldsEverybody(t *testing.T) {
	t.Parallel()
	p := New(2, 2)
	first := true
	call := func(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
		if first {
			first = false
			return nil, answered(503, "SlowDown", "1")
		}
		return &s3.HeadObjectOutput{}, nil
	}
	began := time.Now()
	_, err := Send(t.Context(), p, Once, time.Second, call, &s3.HeadObjectInput{})
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(began), time.Second)
}

func TestLostAnswersAreAskedForAgainIfThatIsSafe(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		kind  Kind
		calls int
	}{"safe": {Safe, tries}, "once": {Once, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			_, err := Send(t.Context(), New(1, 1), tt.kind, time.Second, func(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
				calls++
				return nil, io.ErrUnexpectedEOF
			}, &s3.HeadObjectInput{})
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			require.Equal(t, tt.calls, calls)
		})
	}
}

func TestCancelIsHonoured(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p := New(1, 1)
	_, err := Send(ctx, p, Safe, time.Second, func(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
		cancel()
		return nil, answered(503, "SlowDown", "60")
	}, &s3.HeadObjectInput{})
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, p.places, 1)
}

func TestSDKDoesNotSendAgain(t *testing.T) {
	t.Parallel()
	_, err := Send(t.Context(), New(1, 1), Safe, time.Second, func(_ context.Context, _ *s3.HeadObjectInput, options ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
		var o s3.Options
		for _, f := range options {
			f(&o)
		}
		require.Equal(t, 1, o.RetryMaxAttempts)
		return &s3.HeadObjectOutput{ETag: aws.String("x")}, nil
	}, &s3.HeadObjectInput{})
	require.NoError(t, err)
}
