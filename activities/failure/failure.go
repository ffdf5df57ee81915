// Package failure classes what can go wrong in an activity, so that one place decides what is tried again.
//
// An adapter returns plain errors, which are retried, or wraps them with one of the codes here, which are not: trying
// again cannot help until a person or the plan changes something.
package failure

import (
	"errors"
	"fmt"
)

// Code is a closed set of reasons; it is the type of the Temporal application error and the label of the metric.
type Code string

// The codes. All of them are final for the attempt's inputs.
const (
	// Unsupported means that no adapter can do this to this target.
	Unsupported Code = "Unsupported"
	// TargetChanged means that the target changed since its state was captured; acting would destroy the restore point.
	TargetChanged Code = "TargetChanged"
	// EvidenceMismatch means that bytes do not hash to what the inventory or the evidence says.
	EvidenceMismatch Code = "EvidenceMismatch"
	// Refused means that a rule of firebreak forbids the act, e.g. revoking a protected credential.
	Refused Code = "Refused"
	// Invalid means that the input is wrong.
	Invalid Code = "Invalid"
)

// Error is an error that must not be retried.
type Error struct {
	Code Code
	Err  error
}

// Error returns the text of the cause.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New returns a final error with a formatted text; %w wraps.
func New(code Code, format string, args ...any) error {
	return &Error{Code: code, Err: fmt.Errorf(format, args...)}
}

// CodeOf returns the code of a final error, and false for one that may be retried.
func CodeOf(err error) (Code, bool) {
	var e *Error
	if errors.As(err, &e) {
		return e.Code, true
	}
	return "", false
}
