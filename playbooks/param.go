package playbooks

import (
	"fmt"
	"strconv"
	"time"
)

// ParamKind is the type of a parameter's value.
type ParamKind string

// The parameter kinds. A duration is written as Go writes it, e.g. 200ms or 2m.
const (
	Integer  ParamKind = "integer"
	Duration ParamKind = "duration"
)

// Param is one parameter of an action. Min and Max bound it; for a duration they are nanoseconds.
type Param struct {
	Name    string
	Kind    ParamKind
	Default string
	Min     int64
	Max     int64
	Doc     string
}

// Check returns an error if the value is not of the parameter's kind or is out of its bounds.
func (p Param) Check(value string) error {
	switch p.Kind {
	case Integer:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", value)
		}
		if n < p.Min || n > p.Max {
			return fmt.Errorf("%d is not between %d and %d", n, p.Min, p.Max)
		}
	case Duration:
		d, err := time.ParseDuration(value)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as 200ms or 2m", value)
		}
		if int64(d) < p.Min || int64(d) > p.Max {
			return fmt.Errorf("%s is not between %s and %s", d, time.Duration(p.Min), time.Duration(p.Max))
		}
	default:
		return fmt.Errorf("the catalogue declares it as %q, which is no kind of parameter", p.Kind)
	}
	return nil
}

// describe is the schema of the parameter's value. A number can be written in quotes; a keyword of the schema bounds only
// values of its own type.
func (p Param) describe() object {
	out := object{"description": p.Doc, "default": p.Default}
	switch p.Kind {
	case Integer:
		out["type"], out["pattern"] = []string{"integer", "string"}, "^[0-9]+$"
		out["minimum"], out["maximum"] = p.Min, p.Max
	case Duration:
		out["type"], out["pattern"] = "string", durationPattern
	}
	return out
}
