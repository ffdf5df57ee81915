package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"firebreak/activities/failure"
	"firebreak/internal/secret"
)

const (
	// limitDelay is how long a quota or a lack of capacity is left alone.
	limitDelay = time.Minute
	textLimit  = 300
)

// busyError is a refusal that passes, with the pause after which it is worth trying again.
type busyError struct {
	error
	delay time.Duration
}

// RetryDelay is how long AWS is to be left alone.
func (e *busyError) RetryDelay() time.Duration { return e.delay }

func (e *busyError) Unwrap() error { return e.error }

// errNotFound means that there is no such object.
var errNotFound = errors.New("there is no such object")

// failed turns what the SDK says of a call into an error. An object that is not there and a request that is not valid stay
// so; anything else may pass or be put right by a person, and is tried again. What AWS says is passed on for the codes of
// its own documents only, without the credentials of the request.
func (r *region) failed(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", what, ctx.Err())
	}
	var answer *awshttp.ResponseError
	status := 0
	if errors.As(err, &answer) && answer.Response != nil {
		status = answer.HTTPStatusCode()
	}
	var said smithy.APIError
	if !errors.As(err, &said) {
		return r.unanswered(what, status, err)
	}
	code, text := said.ErrorCode(), fmt.Sprintf("%s: HTTP %d", what, status)
	known := slices.Contains([]string{"ValidationException", "ResourceNotFound", "ResourceInUse", "ResourceLimitExceeded", "ConflictException", "ObjectNotFoundException", "LimitExceededException", "ConcurrentUpdateException"}, code)
	if known {
		text += " " + code + ": " + r.conceal(ctx, said.ErrorMessage())
	}
	switch {
	case code == "ResourceNotFound", code == "ObjectNotFoundException", code == "ValidationException" && missing(said.ErrorMessage()):
		return failure.New(failure.Invalid, "%s: %w", text, errNotFound)
	case code == "ValidationException" && passing(said.ErrorMessage()):
		return &busyError{errors.New(text), r.poll}
	case code == "ValidationException":
		return failure.New(failure.Invalid, "%s", text)
	case code == "ResourceLimitExceeded", code == "LimitExceededException":
		return &busyError{errors.New(text + " (ask AWS for a higher quota, or free some of it)"), limitDelay}
	case strings.HasPrefix(code, "Expired") || code == "UnrecognizedClientException" || code == "InvalidClientTokenId":
		text += " " + code + " (AWS does not take the worker's credentials: renew them)"
	case status == 403 || strings.HasPrefix(code, "AccessDenied"):
		text += " (give firebreak's role this permission on this resource: deploy/iam/worker-sagemaker.json)"
	}
	if delay := retryAfter(answer); delay > 0 {
		return &busyError{errors.New(text), delay}
	}
	return errors.New(text)
}

// unanswered is a call without an answer that can be read. The SDK's own text may quote the answer.
func (r *region) unanswered(what string, status int, err error) error {
	var garbled *smithy.DeserializationError
	if status != 0 || errors.As(err, &garbled) {
		return fmt.Errorf("%s: HTTP %d with an answer that is not SageMaker's", what, status)
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // the address may hold more than is to be told
		return fmt.Errorf("%s: AWS cannot be reached: %w", what, err)
	}
	var unsent *smithy.OperationError
	if errors.As(err, &unsent) {
		err = unsent.Err
	}
	return fmt.Errorf("%s: %s", what, secret.NewRedactor().Text(cut(err.Error())))
}

// missing reports whether a ValidationException says that an object is not there. SageMaker has no code for it either.
func missing(message string) bool {
	return slices.ContainsFunc([]string{"Could not find", "does not exist", "not found"}, func(s string) bool { return strings.Contains(message, s) })
}

// passing reports whether a ValidationException says that something else is under way. SageMaker has no code for it.
func passing(message string) bool {
	lower := strings.ToLower(message)
	return slices.ContainsFunc([]string{"in-progress", "in progress", "is being", "updating", "creating", "systemupdating"}, func(s string) bool {
		return strings.Contains(lower, s)
	})
}

// conceal takes the credentials of the request out of a text, should a server quote them.
func (r *region) conceal(ctx context.Context, text string) string {
	if r.credentials != nil {
		if held, err := r.credentials.Retrieve(ctx); err == nil { // kept by the SDK; it calls nobody
			for _, s := range []string{held.SessionToken, held.SecretAccessKey, held.AccessKeyID} {
				if s != "" {
					text = strings.ReplaceAll(text, s, secret.Mask)
				}
			}
		}
	}
	return secret.NewRedactor().Text(cut(text))
}

func cut(text string) string { return text[:min(len(text), textLimit)] }

func retryAfter(answer *awshttp.ResponseError) time.Duration {
	if answer == nil || answer.Response == nil {
		return 0
	}
	return failure.RetryAfter(answer.Response.Header.Get("Retry-After"))
}
