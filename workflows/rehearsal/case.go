package rehearsal

import (
	"time"

	"gopkg.in/yaml.v3"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// Case is one rehearsal: what happens, and what must come of it.
type Case struct {
	// File is where the case was read from; paths in it are relative to its folder.
	File  string `yaml:"-"`
	Title string `yaml:"title"`
	// Playbook is a built-in kind, or the path of a file that ends in .yaml.
	Playbook  string   `yaml:"playbook"`
	Inventory string   `yaml:"inventory,omitempty"`
	Incident  Incident `yaml:"incident"`
	Given     []Given  `yaml:"given,omitempty"`
	People    []Act    `yaml:"people,omitempty"`
	// Until keeps the run going at least so long, for what nobody waits for: a watch, a task that becomes overdue, a clock.
	Until  time.Duration `yaml:"until,omitempty"`
	Expect Expect        `yaml:"expect"`
}

// Incident is what starts the run. Without a mode it is live; without a requester it is alertmanager.
type Incident struct {
	// Kind, if given, must be the playbook's.
	Kind       incident.Kind `yaml:"kind,omitempty"`
	Asset      string        `yaml:"asset"`
	Mode       incident.Mode `yaml:"mode,omitempty"`
	Severity   string        `yaml:"severity,omitempty"`
	Confidence float64       `yaml:"confidence,omitempty"`
	Facet      string        `yaml:"facet,omitempty"`
	// Cluster are the gateway keys that the incident is about, by their SHA-256.
	Cluster   []string `yaml:"cluster,omitempty,flow"`
	Requester string   `yaml:"requester,omitempty"`
	// Opened is when it starts, 2026-09-14 08:00 UTC if it does not say; which legal duties apply depends on the day. Detected
	// is the time of the first signal, the same if it does not say.
	Opened   time.Time `yaml:"opened,omitempty"`
	Detected time.Time `yaml:"detected,omitempty"`
}

// opened is when the incident starts.
func (c *Case) opened() time.Time {
	if !c.Incident.Opened.IsZero() {
		return c.Incident.Opened
	}
	return time.Date(2026, 9, 14, 8, 0, 0, 0, time.UTC)
}

func (c *Case) detected() time.Time {
	if c.Incident.Detected.IsZero() {
		return c.opened()
	}
	return c.Incident.Detected
}

// Given makes the calls of a step come to something else than success. The first one of a case that fits a call applies.
type Given struct {
	Step string `yaml:"step"`
	// Target narrows it to one target; without, it is about all of them.
	Target string `yaml:"target,omitempty"`
	// Stage is do unless it says otherwise; what is unproved is always so in verify.
	Stage playbooks.Stage `yaml:"stage,omitempty"`

	// Exactly one of the three: Fail is the text of an error that is tried again; Refuse is the code of one that is final,
	// with Reason as its text; Unproved makes the proof false, with Reason as its method.
	Fail     string `yaml:"fail,omitempty"`
	Refuse   string `yaml:"refuse,omitempty"`
	Unproved bool   `yaml:"unproved,omitempty"`
	Reason   string `yaml:"reason,omitempty"`

	// Times bounds how many calls it is about; 0 means all of them. The engine makes three calls of a stage before it
	// counts it as failed.
	Times int `yaml:"times,omitempty"`
	// From and Until bound when it applies; without Until it does so for ever.
	From  time.Duration `yaml:"from,omitempty"`
	Until time.Duration `yaml:"until,omitempty"`

	line int
}

// Act is what a person does: exactly one of the keys Approve to Acknowledge, at a time.
type Act struct {
	// As is who: an id, an address at the identity provider or a Slack id.
	As string `yaml:"as"`
	// At counts from the start of the incident, After from when the approval, task or wait was first asked or begun.
	At    time.Duration `yaml:"at,omitempty"`
	After time.Duration `yaml:"after,omitempty"`
	// Of is the kind of the child playbook that it is about.
	Of incident.Kind `yaml:"of,omitempty"`

	// The values of Approve, Deny, Complete, Skip, Retry and EndWait are steps; that of AddTarget is an asset; those of Close,
	// Abort, Pause, Resume and Acknowledge are reasons; that of SetAnchor is an anchor; those of DismissClock and FileClock are
	// regimes.
	Approve   *string `yaml:"approve,omitempty"`
	Deny      *string `yaml:"deny,omitempty"`
	Complete  *string `yaml:"complete,omitempty"`
	Close     *string `yaml:"close,omitempty"`
	Abort     *string `yaml:"abort,omitempty"`
	Pause     *string `yaml:"pause,omitempty"`
	Resume    *string `yaml:"resume,omitempty"`
	Skip      *string `yaml:"skip,omitempty"`
	Retry     *string `yaml:"retry,omitempty"`
	AddTarget *string `yaml:"add_target,omitempty"`
	EndWait   *string `yaml:"end_wait,omitempty"`

	SetAnchor    *string `yaml:"set_anchor,omitempty"`
	DismissClock *string `yaml:"dismiss_clock,omitempty"`
	FileClock    *string `yaml:"file_clock,omitempty"`
	Acknowledge  *string `yaml:"acknowledge,omitempty"`

	// Outcome is what a completed task came to. Target narrows Skip and Retry. Reason goes with Complete, Skip, AddTarget,
	// EndWait, SetAnchor and DismissClock, and is the comment of a decision.
	Outcome string `yaml:"outcome,omitempty"`
	Target  string `yaml:"target,omitempty"`
	Reason  string `yaml:"reason,omitempty"`
	// FalsePositive and HandOverClocks go with Close, Undo with Abort.
	FalsePositive  bool `yaml:"false_positive,omitempty"`
	HandOverClocks bool `yaml:"hand_over_clocks,omitempty"`
	Undo           bool `yaml:"undo,omitempty"`
	// Instant is what SetAnchor sets, and Clock the one regime that it is about; Reference goes with FileClock.
	Instant   time.Time `yaml:"instant,omitempty"`
	Clock     string    `yaml:"clock,omitempty"`
	Reference string    `yaml:"reference,omitempty"`
	// Stale makes it a decision on another plan than the present one: the first, if the plan has changed.
	Stale bool `yaml:"stale,omitempty"`
	// Refused is part of the text with which the incident must refuse it. Without, it must be accepted.
	Refused string `yaml:"refused,omitempty"`

	line int
}

// Expect is what must come of the case. What is left out is not looked at.
type Expect struct {
	// Sequence must occur in this order, with anything in between. With Exact nothing else may occur; a call that is
	// repeated at once counts once then. The place of a message is not looked at in an exact sequence and in Undone: it is
	// under way beside the steps that follow it.
	Sequence []Group `yaml:"sequence,omitempty"`
	Exact    bool    `yaml:"exact,omitempty"`
	// Never must not occur.
	Never []string `yaml:"never,omitempty"`
	// Undone are the "step/target" whose undo took place, all of them in order; an empty list means none.
	Undone []Group `yaml:"undone"`

	Verdict  incident.Verdict  `yaml:"verdict,omitempty"`
	Progress incident.Progress `yaml:"progress,omitempty"`
	// Gaps are parts of the gaps' texts. Every gap must hold one of them and each must be in a gap; an empty list means none.
	Gaps []string `yaml:"gaps"`
	// Steps maps "step/target", or "step" for all its targets, to a status, or to "status: part of the reason".
	Steps map[string]string `yaml:"steps,omitempty"`
	// Approvals maps steps to the status of their latest request, Tasks to the task's status or outcome, Children to the
	// child's verdict. Clocks maps regimes to the status of their legal clock.
	Approvals map[string]string `yaml:"approvals,omitempty"`
	Tasks     map[string]string `yaml:"tasks,omitempty"`
	Children  map[string]string `yaml:"children,omitempty"`
	Clocks    map[string]string `yaml:"clocks,omitempty"`
	// Timeline are parts of its lines.
	Timeline []string `yaml:"timeline,omitempty"`
	// Fails is part of the error with which the workflow itself must fail. Without, it must not.
	Fails string `yaml:"fails,omitempty"`
}

// Group is one item of a sequence: a call, or calls that may come in any order.
type Group []string

// UnmarshalYAML reads a text or a list of texts.
func (g *Group) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.SequenceNode {
		return n.Decode((*[]string)(g))
	}
	var one string
	if err := n.Decode(&one); err != nil {
		return err
	}
	*g = Group{one}
	return nil
}

// MarshalYAML writes one call as a text.
func (g Group) MarshalYAML() (any, error) {
	if len(g) == 1 {
		return g[0], nil
	}
	return []string(g), nil
}

// verb is one thing that people do, with its value.
type verb struct {
	name  string
	value *string
	// waits is true if the value is a step that waits for people, so that After can count from when it was asked.
	waits bool
}

func (a *Act) verbs() []verb {
	var out []verb
	for _, v := range []verb{
		{"approve", a.Approve, true}, {"deny", a.Deny, true}, {"complete", a.Complete, true}, {"end_wait", a.EndWait, true},
		{"close", a.Close, false}, {"abort", a.Abort, false}, {"pause", a.Pause, false}, {"resume", a.Resume, false},
		{"skip", a.Skip, false}, {"retry", a.Retry, false}, {"add_target", a.AddTarget, false},
		{"set_anchor", a.SetAnchor, false}, {"dismiss_clock", a.DismissClock, false}, {"file_clock", a.FileClock, false},
		{"acknowledge", a.Acknowledge, false},
	} {
		if v.value != nil {
			out = append(out, v)
		}
	}
	return out
}

// verb is the one of a checked act.
func (a *Act) verb() verb { return a.verbs()[0] }

// ofStep reports whether the verb's value is a step.
func (v verb) ofStep() bool { return v.waits || v.name == "skip" || v.name == "retry" }

func (a *Act) String() string {
	v := a.verb()
	return a.As + " " + v.name + " " + *v.value
}
