package alert

import "errors"

// Errors about a whole post. Every one of them means that no alert of it could be read, and that the same bytes can never
// be read.
var (
	// ErrMalformed means that the body is not one JSON value of the expected shape.
	ErrMalformed = errors.New("malformed body")
	// ErrTooLarge means that the body exceeds MaxBytes.
	ErrTooLarge = errors.New("body too large")
	// ErrVersion means that the sender speaks another version of its format.
	ErrVersion = errors.New("unsupported version of the format")
)
