package route

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Fault is one thing that is wrong with a routing file, and where.
type Fault struct {
	File   string
	Line   int
	Column int
	// Code is stable, so that tools can act on it.
	Code    string
	Message string
	Hint    string
}

// Error returns file:line:column: code: message (hint).
func (f Fault) Error() string {
	text := fmt.Sprintf("%s:%d:%d: %s: %s", f.File, f.Line, f.Column, f.Code, f.Message)
	if f.Hint != "" {
		text += " (" + f.Hint + ")"
	}
	return text
}

// Faults returns every fault in an error of Parse, in the order of the file.
func Faults(err error) []Fault {
	var out []Fault
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		for _, e := range many.Unwrap() {
			out = append(out, Faults(e)...)
		}
		return out
	}
	var f Fault
	if errors.As(err, &f) {
		out = append(out, f)
	}
	return out
}

// join returns the faults as one error, in the order of the file, or nil.
func join(faults []Fault) error {
	slices.SortStableFunc(faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Code, b.Code))
	})
	errs := make([]error, 0, len(faults))
	for _, f := range faults {
		errs = append(errs, f)
	}
	return errors.Join(errs...)
}
