package alert

import (
	"errors"
	"fmt"
)

// Errors about a whole post. Every one of them means that no alert of it could be read.
var (
	// ErrMalformed means that the body is not one JSON value of the expected shape.
	ErrMalformed = errors.New("malformed body")
	// ErrTooLarge means that the body exceeds MaxBytes.
	ErrTooLarge = errors.New("body too large")
	// ErrVersion means that the sender speaks another version of its format.
	ErrVersion = errors.New("unsupported webhook version")
)

// Errors about one alert of a group, wrapped in a Fault.
var (
	// ErrMissingLabel means that a label which decides where the alert goes is absent or empty.
	ErrMissingLabel = errors.New("label is missing")
	// ErrUnknownKind means that the kind label names no incident kind.
	ErrUnknownKind = errors.New("label names no incident kind")
	// ErrTooLong means that a label's value exceeds MaxLabelBytes.
	ErrTooLong = errors.New("label is too long")
	// ErrBadTime means that the alert's start is not an RFC 3339 time.
	ErrBadTime = errors.New("startsAt is not an RFC 3339 time")
)

// Fault says why one alert of a group cannot be used. The other alerts of the group are not affected by it.
type Fault struct {
	Fingerprint string
	// Label is the label at fault; it is empty if the fault is not in a label.
	Label string
	Err   error
}

// Error names the alert, the label and the reason.
func (f *Fault) Error() string {
	if f.Label == "" {
		return fmt.Sprintf("alert %s: %v", f.Fingerprint, f.Err)
	}
	return fmt.Sprintf("alert %s: label %s: %v", f.Fingerprint, f.Label, f.Err)
}

// Unwrap returns the reason.
func (f *Fault) Unwrap() error { return f.Err }
