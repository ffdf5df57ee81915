package playbooks

// code names a kind of fault. Codes are stable, so that tools can act on them.
type code string

// The codes of faults in how a file is written.
const (
	codeTooLarge       code = "too-large"
	codeYAML           code = "yaml"
	codeSecondDocument code = "second-document"
	codeAlias          code = "alias"
	codeTag            code = "tag"
	codeType           code = "type"
	codeEmpty          code = "empty"
	codeUnknownKey     code = "unknown-key"
	codeDuplicateKey   code = "duplicate-key"
	codeDuplicateItem  code = "duplicate-item"
	codeMissingKey     code = "missing-key"
	codeMisplacedKey   code = "misplaced-key"
	codeStepKind       code = "step-kind"
)

// The codes of faults in a single value.
const (
	codeVersion          code = "version"
	codeKind             code = "kind"
	codeID               code = "id"
	codeDuplicateID      code = "duplicate-id"
	codeUnknownValue     code = "unknown-value"
	codeNumber           code = "number"
	codeDuration         code = "duration"
	codeTaxonomy         code = "taxonomy"
	codeUnknownRole      code = "unknown-role"
	codeUnknownAction    code = "unknown-action"
	codeUnknownQuery     code = "unknown-query"
	codeUnknownParameter code = "unknown-parameter"
	codeUnknownReference code = "unknown-reference"
	codeParameter        code = "parameter"
	codeCondition        code = "condition"
	codeOnTimeout        code = "on-timeout"
)

// The codes of faults in how the parts of a playbook, or the playbooks of a folder, fit together.
const (
	codeTargetKind      code = "target-kind"
	codeUnknownStep     code = "unknown-step"
	codeQuorum          code = "quorum"
	codeEscalation      code = "escalation"
	codeReminder        code = "reminder"
	codeLesser          code = "lesser"
	codeOutcome         code = "outcome"
	codeCountersign     code = "countersign"
	codeBudget          code = "budget"
	codeAside           code = "aside"
	codeChild           code = "child"
	codeEvidenceFirst   code = "evidence-first"
	codeApprovalFirst   code = "approval-first"
	codeLegal           code = "legal"
	codeContainment     code = "containment"
	codePhases          code = "phases"
	codeFileName        code = "file-name"
	codeMissingPlaybook code = "missing-playbook"
	codeChildCycle      code = "child-cycle"
)

// Codes lists the code of every fault that Parse and Source can find.
func Codes() []string {
	var out []string
	for _, c := range []code{
		codeTooLarge, codeYAML, codeSecondDocument, codeAlias, codeTag, codeType, codeEmpty, codeUnknownKey, codeDuplicateKey,
		codeDuplicateItem, codeMissingKey, codeMisplacedKey, codeStepKind,
		codeVersion, codeKind, codeID, codeDuplicateID, codeUnknownValue, codeNumber, codeDuration, codeTaxonomy, codeUnknownRole,
		codeUnknownAction, codeUnknownQuery, codeUnknownParameter, codeUnknownReference, codeParameter, codeCondition, codeOnTimeout,
		codeTargetKind, codeUnknownStep, codeQuorum, codeEscalation, codeReminder, codeLesser, codeOutcome, codeCountersign, codeBudget, codeAside, codeChild,
		codeEvidenceFirst, codeApprovalFirst, codeLegal, codeContainment, codePhases, codeFileName, codeMissingPlaybook, codeChildCycle,
	} {
		out = append(out, string(c))
	}
	return out
}
