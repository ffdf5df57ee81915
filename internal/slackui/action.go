package slackui

import "strings"

// The action ids of buttons. Where a block holds several of a kind, their ids go on with a colon and what tells them apart:
// ActionKind takes that off. The value of each is a Ref, but for ActionPage and ActionDeclare, which have none.
const (
	// ActionStatus asks for the status, shown to the person alone.
	ActionStatus = "firebreak.status"
	// ActionApprove decides at once; ActionDeny opens the modal of VerbDeny.
	ActionApprove = "firebreak.approve"
	ActionDeny    = "firebreak.deny"
	// ActionTask reports Ref.Outcome of the task Ref.Step.
	ActionTask = "firebreak.task"
	// ActionAcknowledge acknowledges the legal brief.
	ActionAcknowledge = "firebreak.acknowledge"
	// ActionVerb opens the modal of Ref.Verb, VerbMore's among them.
	ActionVerb = "firebreak.verb"
	// ActionPage is a link to the incident page: Slack reports the click, and there is nothing to do.
	ActionPage = "firebreak.page"
	// ActionDeclare opens DeclareModal.
	ActionDeclare = "firebreak.declare"
)

// The callback ids of modals, and the action id under which Slack asks for assets that match what is being typed.
const (
	CallbackDeclare = "firebreak.declare"
	CallbackReason  = "firebreak.reason"
	ActionAsset     = "firebreak.asset"
)

// ActionKind returns which of the action ids it is, without what tells several of them apart.
func ActionKind(actionID string) string {
	kind, _, _ := strings.Cut(actionID, ":")
	return kind
}

// Verb is what a person asks of an incident and gives a reason for in a modal.
type Verb string

// The verbs. VerbMore is the modal that lets one choose among the others.
const (
	VerbDeny          Verb = "deny"
	VerbClose         Verb = "close"
	VerbFalsePositive Verb = "false_positive"
	VerbPause         Verb = "pause"
	VerbResume        Verb = "resume"
	VerbSkip          Verb = "skip"
	VerbRetry         Verb = "retry"
	VerbAddTarget     Verb = "add_target"
	VerbAbort         Verb = "abort"
	// VerbUndo ends the playbook and undoes what it did.
	VerbUndo    Verb = "undo"
	VerbEndWait Verb = "end_wait"
	VerbMore    Verb = "more"
)

// verbText is how a verb's modal reads.
type verbText struct {
	// title has at most 24 characters, as Slack takes no more in a modal's title.
	title, submit, explain string
	// optional is true where the incident does not ask for a reason.
	optional bool
}

func (v Verb) text() (verbText, bool) {
	t, ok := map[Verb]verbText{
		VerbDeny:          {"Deny", "Deny", "A denial is final for this plan: what waits for the approval is not done.", false},
		VerbClose:         {"Close the incident", "Close", "Nothing is watched or tried again after this. What was done stays done.", false},
		VerbFalsePositive: {"False positive", "Close and undo", "The incident is closed, and what was done is undone, newest act first, where it can be undone. Evidence is kept and legal is told.", false},
		VerbPause:         {"Pause", "Pause", "No new step is started. What runs goes on to its proof.", false},
		VerbResume:        {"Resume", "Resume", "Steps are started again.", true},
		VerbSkip:          {"Skip a step", "Skip", "The step is left out, or given up. It counts as a gap of the verdict.", false},
		VerbRetry:         {"Retry a step", "Retry", "The step is tried again now.", true},
		VerbAddTarget:     {"Add an asset", "Add", "The asset and what it reaches are added to the incident. The plan changes, so open approvals are asked again.", false},
		VerbAbort:         {"End the playbook", "End it", "No further step is started. What was done stays done.", false},
		VerbUndo:          {"End and undo", "End and undo", "No further step is started, and what was done is undone, newest act first. Containment is lost.", false},
		VerbEndWait:       {"End the wait", "End it", "The playbook goes on now.", false},
		VerbMore:          {"More", "Do it", "Choose what is to be done.", false},
	}[v]
	return t, ok
}

func (v Verb) known() bool {
	_, ok := v.text()
	return ok
}

// steering lists the verbs that VerbMore offers.
func steering() []Verb {
	return []Verb{VerbSkip, VerbRetry, VerbAddTarget, VerbAbort, VerbUndo}
}
