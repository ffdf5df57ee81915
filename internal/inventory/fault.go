package inventory

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Level says what a fault means for whoever loads the document.
type Level string

// The levels. A document with a fault of level Refused is not loaded; the others are loaded and said.
const (
	Refused Level = "error"
	// NeedsApproval is for what is so old that an action on it needs an approval (rule N9).
	NeedsApproval Level = "approval"
	Warning       Level = "warning"
)

// Fault is one thing that is wrong with an inventory, where YAML knows it with its place.
type Fault struct {
	File string `json:"file"`
	// Line and Column count from 1; they are 0 where the fault has no place in the document.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Rule is N1 to N12, or the name of what the document itself breaks: yaml, key, type, schema, size or a section.
	Rule    string `json:"rule"`
	Level   Level  `json:"level"`
	Message string `json:"message"`
	// at is where the fault is, until it is known where that stands in the file.
	at place
}

// Error returns file:line:column: rule: message.
func (f Fault) Error() string {
	where := f.File
	if f.Line > 0 {
		where = fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column)
	}
	return fmt.Sprintf("%s: %s: %s", where, f.Rule, f.Message)
}

// Faults returns every fault in an error that Load or Parse returned, in the order of the file.
func Faults(err error) []Fault {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []Fault
		for _, e := range joined.Unwrap() {
			out = append(out, Faults(e)...)
		}
		return out
	}
	var f Fault
	if errors.As(err, &f) {
		return []Fault{f}
	}
	return nil
}

// joined is the error of the faults that refuse a document; nil if there is none.
func joined(faults []Fault) error {
	var all []error
	for _, f := range faults {
		if f.Level == Refused {
			all = append(all, f)
		}
	}
	return errors.Join(all...)
}

// inOrder sorts faults as they stand in the file.
func inOrder(faults []Fault) {
	slices.SortStableFunc(faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
