package rehearsal

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"firebreak/playbooks"
)

// Call is one call of an activity.
type Call struct {
	// Step is the step's id, with the kind and a colon in front for a child playbook, or an activity that is the incident's.
	Step   string
	Target string
	Stage  playbooks.Stage
	// At counts from the start of the incident.
	At time.Duration
	// Failed is true if the case made it come to something else than success.
	Failed bool
}

// String returns "step/target stage".
func (c Call) String() string {
	if c.Stage == "" {
		return c.Step
	}
	return fmt.Sprintf("%s/%s %s", c.Step, c.Target, c.Stage)
}

// ofIncident reports whether the name is that of an activity that belongs to no step.
func ofIncident(name string) bool {
	return name == playbooks.PlanActivity || name == playbooks.SealActivity || name == playbooks.RemindActivity
}

// pattern is a call as a case names it; an empty target or stage means any.
type pattern struct {
	step, target string
	stage        playbooks.Stage
}

func parsePattern(text string) pattern {
	var p pattern
	if rest, stage, ok := cutLast(text, " "); ok && slices.Contains(playbooks.Stages(), playbooks.Stage(stage)) {
		text, p.stage = rest, playbooks.Stage(stage)
	}
	p.step, p.target, _ = strings.Cut(text, "/")
	return p
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func (p pattern) fits(c Call) bool {
	return p.step == c.Step && (p.target == "" || p.target == c.Target) && (p.stage == "" || p.stage == c.Stage)
}
