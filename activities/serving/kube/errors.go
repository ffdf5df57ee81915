package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"firebreak/activities/failure"
	"firebreak/internal/secret"
)

// What an answer can mean besides that something is wrong.
var (
	// ErrConflict means that the object was changed since it was read.
	ErrConflict = errors.New("the object was changed meanwhile")
	// ErrNotFound means that there is no such object.
	ErrNotFound = errors.New("there is no such object")
	// ErrExists means that an object of that name is there already.
	ErrExists = errors.New("there is such an object already")
)

const (
	// conflictTries bounds how often a change is tried when others write the object too, e.g. its controller.
	conflictTries = 8
	textLimit     = 300
)

// busyError is HTTP 429 or 503 with the pause that the server asked for.
type busyError struct {
	error
	delay time.Duration
}

// RetryDelay is how long the server asks to be left alone.
func (e *busyError) RetryDelay() time.Duration { return e.delay }

func (e *busyError) Unwrap() error { return e.error }

// statusError turns a Kubernetes Status into an error. An object that is not there and a change that is not valid stay so;
// anything else may pass or be put right by a person, and is tried again. A server that quotes the request's token does
// not bring it into the error.
func statusError(response *http.Response, content []byte, token string) error {
	var status struct {
		Message string `json:"message"`
		Reason  string `json:"reason"`
	}
	_ = json.Unmarshal(content, &status) // a proxy's answer may not be a Status; the code says enough
	code := response.StatusCode
	text := fmt.Sprintf("HTTP %d", code)
	if status.Message != "" {
		message := status.Message
		if token != "" {
			message = strings.ReplaceAll(message, token, secret.Mask)
		}
		text += ": " + message[:min(len(message), textLimit)]
	}
	switch {
	case code == http.StatusConflict && status.Reason == "AlreadyExists":
		return fmt.Errorf("%w: %s", ErrExists, text)
	case code == http.StatusConflict:
		return fmt.Errorf("%w: %s", ErrConflict, text)
	case code == http.StatusNotFound:
		return failure.New(failure.Invalid, "%w: %s", ErrNotFound, text)
	case code == http.StatusBadRequest, code == http.StatusUnprocessableEntity:
		return failure.New(failure.Invalid, "%s", text)
	case code == http.StatusForbidden:
		return errors.New(text + " (give firebreak's role this verb on this resource)")
	}
	if delay := failure.RetryAfter(response.Header.Get("Retry-After")); delay > 0 {
		return &busyError{errors.New(text), delay}
	}
	return errors.New(text)
}

// Insist calls change, which reads afresh each time, until it is not in conflict with other writers, at most eight times.
func Insist(ctx context.Context, change func() error) error {
	var err error
	for try := range conflictTries {
		if try > 0 {
			timer := time.NewTimer(time.Duration(try) * 20 * time.Millisecond)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return fmt.Errorf("change again: %w", ctx.Err())
			}
		}
		if err = change(); !errors.Is(err, ErrConflict) && !errors.Is(err, ErrExists) {
			return err
		}
	}
	return err
}
