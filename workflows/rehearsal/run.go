package rehearsal

import (
	"cmp"
	"fmt"
	"path/filepath"
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
	l := &loader{c: c}
	want := func(line int, where, name string, is func(*playbooks.Step) bool, what string) {
		switch step := s.step(name); {
		case step == nil:
			l.fault(line, "%s: there is no step %q in this playbook", where, name)
		case !is(step):
			l.fault(line, "%s: step %q is no %s", where, name, what)
		}
	}
	every := func(*playbooks.Step) bool { return true }
	action := func(s *playbooks.Step) bool { return s.Action != "" }
	call := func(line int, where, name string) {
		if p := parsePattern(name); !ofIncident(p.step) {
			want(line, where, p.step, action, "action")
		}
	}
	for _, g := range c.Given {
		call(g.line, "given", g.Step)
	}
	for _, a := range c.People {
		if v := a.verb(); v.ofStep() && a.Refused == "" {
			name := *v.value
			if a.Of != "" {
				name = string(a.Of) + ":" + name
			}
			want(a.line, v.name, name, every, "step")
		}
	}
	e := c.Expect
	groups := func(where string, list []Group) {
		for _, g := range list {
			for _, name := range g {
				call(1, where, name)
			}
		}
	}
	groups("sequence", e.Sequence)
	groups("undone", e.Undone)
	groups("never", []Group{e.Never})
	for name := range e.Steps {
		call(1, "steps", name)
	}
	for where, is := range map[string]func(*playbooks.Step) bool{
		"approval": func(s *playbooks.Step) bool { return s.Approval != nil },
		"task":     func(s *playbooks.Step) bool { return s.Task != nil },
		"child":    func(s *playbooks.Step) bool { return s.Child != nil },
	} {
		for name := range map[string]map[string]string{"approval": e.Approvals, "task": e.Tasks, "child": e.Children}[where] {
			want(1, where, name, is, where)
		}
	}
	if len(l.faults) > 0 {
		return join(l.faults)
	}
	return nil
}

func (c *Case) request(kind incident.Kind) incident.Request {
	i := c.Incident
	return incident.Request{
		Kind: kind, Asset: i.Asset, Mode: cmp.Or(i.Mode, incident.Live), Severity: i.Severity, Confidence: i.Confidence, Facet: i.Facet,
		Requester: cmp.Or(i.Requester, "alertmanager"), DetectedAt: c.detected(),
	}
}

// workflowID is the incident's id.
func (c *Case) workflowID(kind incident.Kind) string {
	return incident.WorkflowID(kind, c.Incident.Asset, "")
}

// taskQueue is where the incident runs.
func (c *Case) taskQueue() string { return workflows.TaskQueue(cmp.Or(c.Incident.Mode, incident.Live)) }
