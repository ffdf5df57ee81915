package rehearsal

import (
	"maps"
	"slices"
	"strings"

	"firebreak/internal/incident"
)

// statuses compares what became of steps, approvals, tasks and children.
func (c *checker) statuses(e *Expect) {
	for _, name := range slices.Sorted(maps.Keys(e.Steps)) {
		c.row(name, e.Steps[name])
	}
	each := func(what string, want map[string]string, got func(step string) []string) {
		for _, step := range slices.Sorted(maps.Keys(want)) {
			if found := got(step); !slices.Contains(found, want[step]) {
				c.miss(what+" "+step, want[step], orNone(strings.Join(found, " / ")))
			}
		}
	}
	each("approval", e.Approvals, c.approval)
	each("task", e.Tasks, c.task)
	each("child", e.Children, c.child)
	each("clock", e.Clocks, c.clock)
}

// row compares the rows of "step/target" or "step" with "status" or "status: part of the reason".
func (c *checker) row(name, want string) {
	status, reason, _ := strings.Cut(want, ": ")
	id, target, _ := strings.Cut(name, "/")
	found := false
	for _, row := range c.rec.Steps {
		if row.ID != id || target != "" && row.Target != target {
			continue
		}
		found = true
		if string(row.Status) != status || !strings.Contains(row.Reason, reason) {
			got := string(row.Status)
			if row.Reason != "" {
				got += ": " + row.Reason
			}
			c.miss("step "+row.ID+"/"+row.Target, want, got)
		}
	}
	if !found {
		c.miss("step "+name, want, "it has no such target; it has: "+targets(c.rec, id))
	}
}

func (c *checker) approval(step string) []string {
	var out []string
	for _, a := range c.rec.Approvals {
		if a.Step == step {
			out = []string{string(a.Status)}
		}
	}
	return out
}

func (c *checker) task(step string) []string {
	i := slices.IndexFunc(c.rec.Tasks, func(t incident.Task) bool { return t.Step == step })
	if i < 0 {
		return nil
	}
	out := []string{string(c.rec.Tasks[i].Status)}
	if o := c.rec.Tasks[i].Outcome; o != "" {
		out = append(out, o)
	}
	return out
}

func (c *checker) child(step string) []string {
	i := slices.IndexFunc(c.rec.Children, func(x incident.Child) bool { return x.Step == step })
	if i < 0 {
		return nil
	}
	if c.rec.Children[i].Error != "" {
		return []string{"failed: " + c.rec.Children[i].Error}
	}
	return []string{string(c.rec.Children[i].Verdict)}
}

func (c *checker) clock(regime string) []string {
	var out []string
	for _, x := range c.rec.Clocks {
		if x.Regime == regime {
			out = append(out, x.Status)
		}
	}
	return out
}
