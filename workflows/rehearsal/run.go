package rehearsal

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
	"firebreak/workflows"
)

// Runner runs cases.
type Runner struct {
	// Inventory is the file that a case uses if it names none itself.
	Inventory string
	// Playbooks is the folder in which the kinds that cases name are looked for; without, they are the built-in ones.
	Playbooks string
}

// Result is what came of a case.
type Result struct {
	Case *Case
	// Mismatches are the expectations that were not met; the case passed if there are none.
	Mismatches []Mismatch
	// Record is what the expectations were held against, Final the record after the incident was closed.
	Record, Final *incident.Record
	// Calls are all calls of the activities, in order, until the expectations were held against them.
	Calls []Call
}

// Passed reports whether every expectation was met.
func (r *Result) Passed() bool { return len(r.Mismatches) == 0 }

// Run plays the case and holds its expectations against what happened. An error means that the case could not be played:
// its playbook or inventory is faulty, or it names a step that is not there.
func (r Runner) Run(c *Case) (*Result, error) {
	s, err := r.stage(c)
	if err != nil {
		return nil, err
	}
	w := newWorld(c, s)
	if err := w.play(); err != nil {
		return nil, fmt.Errorf("play %s: %w", c.File, err)
	}
	res := &Result{Case: c, Record: w.settled, Final: w.final, Calls: w.seen}
	res.Mismatches = w.check()
	return res, nil
}

// stage is what a case is played on.
type stage struct {
	inv *inventory.Inventory
	// books are the playbook and those that it runs as children.
	books map[incident.Kind]*playbooks.File
	kind  incident.Kind
}

func (r Runner) stage(c *Case) (*stage, error) {
	s := &stage{books: map[incident.Kind]*playbooks.File{}}
	path := r.Inventory
	if c.Inventory != "" {
		path = c.relative(c.Inventory)
	}
	if path == "" {
		return nil, Fault{c.File, 1, "no inventory: name one in the case, or give the runner one"}
	}
	var err error
	if s.inv, err = inventory.Load(path); err != nil {
		return nil, fmt.Errorf("load the inventory of %s: %w", c.File, err)
	}
	source := playbooks.BuiltIn()
	if r.Playbooks != "" {
		source = playbooks.Folder(r.Playbooks)
	}
	s.kind = incident.Kind(c.Playbook)
	if strings.HasSuffix(c.Playbook, extension) {
		file := c.relative(c.Playbook)
		source = playbooks.Folder(filepath.Dir(file))
		s.kind = incident.Kind(strings.TrimSuffix(filepath.Base(file), extension))
	}
	if c.Incident.Kind != "" && c.Incident.Kind != s.kind {
		return nil, Fault{c.File, 1, fmt.Sprintf("incident.kind is %s, the playbook's kind is %s", c.Incident.Kind, s.kind)}
	}
	if err := s.load(source, s.kind); err != nil {
		return nil, fmt.Errorf("load the playbook of %s: %w", c.File, err)
	}
	return s, s.checkSteps(c)
}

// relative is a path as the case means it.
func (c *Case) relative(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.File), path)
}

// load reads a playbook and the ones that it runs. A folder's own come before the built-in ones.
func (s *stage) load(source playbooks.Source, kind incident.Kind) error {
	if s.books[kind] != nil {
		return nil
	}
	f, err := source.Load(kind)
	if err != nil && kind != s.kind && len(playbooks.Faults(err)) == 0 {
		f, err = playbooks.BuiltIn().Load(kind)
	}
	if err != nil {
		return err
	}
	s.books[kind] = f
	f.Playbook.Walk(func(_ string, step *playbooks.Step) {
		if step.Child != nil && err == nil {
			err = s.load(source, step.Child.Kind)
		}
	})
	return err
}

// step returns the step that a name such as "rollback" or "backdoor-discovery:rollback" means, or nil.
func (s *stage) step(name string) *playbooks.Step {
	kind, id, ok := strings.Cut(name, ":")
	if !ok {
		kind, id = string(s.kind), name
	}
	f := s.books[incident.Kind(kind)]
	if f == nil {
		return nil
	}
	var found *playbooks.Step
	f.Playbook.Walk(func(_ string, step *playbooks.Step) {
		if step.ID == id {
			found = step
		}
	})
	return found
}

// checkSteps finds every step that the case names. The targets are looked at after the run: people can add some.
func (s *stage) checkSteps(c *Case) error {
	n := &names{stage: s, loader: &loader{c: c}}
	for _, g := range c.Given {
		n.call(g.line, "given", g.Step)
	}
	for _, a := range c.People {
		v := a.verb()
		if !v.ofStep() || a.Refused != "" {
			continue
		}
		name := *v.value
		if a.Of != "" {
			name = string(a.Of) + ":" + name
		}
		n.want(a.line, v.name, name, func(*playbooks.Step) bool { return true }, "step")
	}
	n.expected(&c.Expect)
	if len(n.faults) > 0 {
		return join(n.faults)
	}
	return nil
}

// names checks the names of steps.
type names struct {
	*stage
	*loader
}

// want faults a name that is no step, or not one of the kind.
func (n *names) want(line int, where, name string, is func(*playbooks.Step) bool, kind string) {
	switch step := n.step(name); {
	case step == nil:
		n.fault(line, "%s: there is no step %q in this playbook", where, name)
	case !is(step):
		n.fault(line, "%s: step %q is no %s", where, name, kind)
	}
}

// call faults a call that no action makes.
func (n *names) call(line int, where, name string) {
	if p := parsePattern(name); !ofIncident(p.step) {
		n.want(line, where, p.step, func(s *playbooks.Step) bool { return s.Action != "" }, "action")
	}
}

func (n *names) expected(e *Expect) {
	for where, groups := range map[string][]Group{"sequence": e.Sequence, "undone": e.Undone, "never": {e.Never}} {
		for _, name := range slices.Concat(groups...) {
			n.call(1, where, name)
		}
	}
	for name := range e.Steps {
		n.call(1, "steps", name)
	}
	for name := range e.Approvals {
		n.want(1, "approval", name, func(s *playbooks.Step) bool { return s.Approval != nil }, "approval")
	}
	for name := range e.Tasks {
		n.want(1, "task", name, func(s *playbooks.Step) bool { return s.Task != nil }, "task")
	}
	for name := range e.Children {
		n.want(1, "child", name, func(s *playbooks.Step) bool { return s.Child != nil }, "child")
	}
}

func (c *Case) request(kind incident.Kind) incident.Request {
	i := c.Incident
	return incident.Request{
		Kind: kind, Asset: i.Asset, Mode: cmp.Or(i.Mode, incident.Live), Severity: i.Severity, Confidence: i.Confidence, Facet: i.Facet, Cluster: i.Cluster,
		Requester: cmp.Or(i.Requester, "alertmanager"), DetectedAt: c.detected(),
	}
}

// workflowID is the incident's id.
func (c *Case) workflowID(kind incident.Kind) string {
	return incident.WorkflowID(kind, c.Incident.Asset, "")
}

// taskQueue is where the incident runs.
func (c *Case) taskQueue() string { return workflows.TaskQueue(cmp.Or(c.Incident.Mode, incident.Live)) }
