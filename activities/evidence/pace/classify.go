package pace

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"syscall"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// longestWait bounds what a Retry-After header may ask for.
const longestWait = time.Minute

// SlowDown reports whether the store refused a request because it is busy, without having begun it, and how long it asks
// to wait.
func SlowDown(err error) (after time.Duration, busy bool) {
	var api smithy.APIError
	if errors.As(err, &api) && slices.Contains([]string{"SlowDown", "ServiceUnavailable", "ThrottlingException", "Throttling", "RequestLimitExceeded",
		"TooManyRequests", "RequestThrottled", "BandwidthLimitExceeded"}, api.ErrorCode()) {
		busy = true
	}
	res := answer(err)
	if res == nil {
		return 0, busy
	}
	if res.StatusCode != http.StatusServiceUnavailable && res.StatusCode != http.StatusTooManyRequests && !busy {
		return 0, false
	}
	return retryAfter(res.Header.Get("Retry-After"), time.Now()), true
}

// retryAfter reads seconds or a date.
func retryAfter(text string, now time.Time) time.Duration {
	after := time.Duration(0)
	if seconds, err := strconv.Atoi(text); err == nil {
		after = time.Duration(min(max(seconds, 0), int(longestWait.Seconds()))) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		after = at.Sub(now)
	}
	return min(max(after, 0), longestWait)
}

// Lost reports whether it is unknown what became of a request: the connection broke, no answer came in time, or the store
// failed inside.
func Lost(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	if res := answer(err); res != nil && res.StatusCode >= 400 {
		return res.StatusCode >= 500 && res.StatusCode != http.StatusNotImplemented
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return slices.Contains([]string{"InternalError", "RequestTimeout", "OperationAborted"}, api.ErrorCode())
	}
	var sending *smithyhttp.RequestSendError
	var network net.Error
	return errors.As(err, &sending) || errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func answer(err error) *http.Response {
	var res *awshttp.ResponseError
	if errors.As(err, &res) && res.Response != nil {
		return res.Response.Response
	}
	return nil
}
