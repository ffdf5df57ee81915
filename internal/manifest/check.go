package manifest

import (
	"fmt"
	"os"
	"time"

	"firebreak/internal/incident"
	"firebreak/internal/manifest/dsse"
)

// Aspect is what a check is about.
type Aspect string

// The aspects, in the order in which they are checked.
const (
	EnvelopeAspect  Aspect = "envelope"
	SignatureAspect Aspect = "signature"
	StatementAspect Aspect = "statement"
	ModeAspect      Aspect = "mode"
	RootAspect      Aspect = "root"
	RecordAspect    Aspect = "record"
	ReceiptAspect   Aspect = "receipt"
	CustodyAspect   Aspect = "custody"
	ObjectAspect    Aspect = "object"
	LineAspect      Aspect = "line"
)

// Finding is one thing that does not hold.
type Finding struct {
	Aspect Aspect `json:"check"`
	// Where names the part of the manifest or the object.
	Where   string `json:"where"`
	Problem string `json:"problem"`
}

// Report is what came of checking a manifest. It is Sound if there is no finding.
type Report struct {
	Sound    bool             `json:"sound"`
	Incident string           `json:"incident_id,omitempty"`
	Mode     incident.Mode    `json:"mode,omitempty"`
	Verdict  incident.Verdict `json:"verdict,omitempty"`
	SealedAt time.Time        `json:"sealed_at,omitzero"`
	// Signer is who signed according to the statement; Signed is true if the given key proves it.
	Signer string `json:"signer,omitempty"`
	Signed bool   `json:"signed"`
	// Receipts, Custody and Objects count what the manifest holds. Read counts the objects whose bytes were hashed.
	Receipts int `json:"receipts"`
	Custody  int `json:"custody_events"`
	Objects  int `json:"objects"`
	Read     int `json:"objects_read"`
	// Unlisted are the files of the folder that nothing in the manifest vouches for, at most maxUnlisted of them. They are
	// no finding: what was sealed before and after lies in the same place.
	Unlisted []string `json:"unlisted,omitempty"`
	// Gaps is what the manifest itself says is missing.
	Gaps     []string  `json:"gaps"`
	Findings []Finding `json:"findings"`

	// vouched are the names of the files that were looked for.
	vouched map[string]bool
}

func (r *Report) add(a Aspect, where, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{a, where, fmt.Sprintf(format, args...)})
}

// Options say what a manifest is held against.
type Options struct {
	// Key is the public key that must have signed. Without one the signature is a finding.
	Key *dsse.Key
	// Mode is the kind of evidence that is expected; empty means live.
	Mode incident.Mode
	// Objects is a folder with the downloaded objects, each under its key or under its bucket and key; nil leaves them out.
	Objects *os.Root
}

// Check holds a manifest against itself, the public key and the objects, and reports everything that fails. It calls
// nobody.
func Check(content []byte, o Options) *Report {
	r := &Report{Gaps: []string{}, Findings: []Finding{}, vouched: map[string]bool{}}
	defer func() { r.Sound = len(r.Findings) == 0 }()
	if len(content) > MaxBytes {
		r.add(EnvelopeAspect, "manifest", "it has %d bytes; a manifest has at most %d", len(content), MaxBytes)
		return r
	}
	e, err := dsse.Decode(content)
	if err != nil {
		r.add(EnvelopeAspect, "manifest", "%v", err)
		return r
	}
	if e.PayloadType != dsse.InToto {
		r.add(EnvelopeAspect, "payloadType", "it is %q, not %s", e.PayloadType, dsse.InToto)
	}
	// The signature is checked over the bytes as they are, before anything is read out of them.
	signed := r.checkSignature(e, o.Key)
	s, err := DecodeStatement(e.Payload)
	if err != nil {
		r.add(StatementAspect, "payload", "%v", err)
		return r
	}
	r.summarize(s)
	r.Signed = signed
	r.checkSigner(e, s, o.Key)
	r.checkMode(s, o.Mode)
	r.checkRoot(s)
	r.checkRecord(s)
	r.checkCustody(s)
	r.checkObjects(s, o.Objects)
	r.checkUnlisted(content, o.Objects)
	return r
}

func (r *Report) summarize(s *Statement) {
	p := &s.Predicate
	r.Incident, r.Mode, r.Verdict, r.SealedAt, r.Signer = p.Incident, p.Mode, p.Verdict, p.SealedAt, p.Signer
	r.Receipts, r.Custody, r.Objects = len(p.Receipts), len(p.Custody), len(p.Objects)
	r.Gaps = append(r.Gaps, p.Gaps...)
}

func (r *Report) checkSignature(e *dsse.Envelope, key *dsse.Key) bool {
	switch {
	case len(e.Signatures) == 0:
		r.add(SignatureAspect, "signatures", "the manifest is not signed: anybody could have written it")
	case len(e.Signatures) > 1:
		r.add(SignatureAspect, "signatures", "there are %d; a manifest has one", len(e.Signatures))
	case key == nil:
		r.add(SignatureAspect, "signatures[0]", "not checked: no public key was given")
	default:
		err := e.Verify(key)
		if err == nil {
			return true
		}
		r.add(SignatureAspect, "signatures[0]", "%v", err)
	}
	return false
}

// checkSigner holds the unprotected key id and the given key against what the statement says.
func (r *Report) checkSigner(e *dsse.Envelope, s *Statement, key *dsse.Key) {
	p := &s.Predicate
	if len(e.Signatures) == 1 && e.Signatures[0].KeyID != p.Signer {
		r.add(SignatureAspect, "signatures[0].keyid", "it is %q, and the statement names %q", e.Signatures[0].KeyID, p.Signer)
	}
	if key != nil && p.SignerKey != "" && key.Fingerprint() != p.SignerKey {
		r.add(SignatureAspect, "predicate.signer_key", "the statement names the key %s (%s), and the key given is %s", p.Signer, p.SignerKey, key.Fingerprint())
	}
}

func (r *Report) checkMode(s *Statement, want incident.Mode) {
	p := &s.Predicate
	if want == "" {
		want = incident.Live
	}
	if s.Type != StatementType {
		r.add(StatementAspect, "_type", "it is %q, not %s", s.Type, StatementType)
	}
	if s.PredicateType != LiveType && s.PredicateType != DrillType {
		r.add(StatementAspect, "predicateType", "%q is not known to this version", s.PredicateType)
	}
	if s.PredicateType != TypeOf(p.Mode) {
		r.add(ModeAspect, "predicateType", "it is %q, and the mode is %q", s.PredicateType, p.Mode)
	}
	switch {
	case p.Mode == want:
	case want == incident.Live:
		r.add(ModeAspect, "predicate.mode", "this is evidence of a %s, not of a live incident", p.Mode)
	default:
		r.add(ModeAspect, "predicate.mode", "this is evidence in mode %s, not of a %s", p.Mode, want)
	}
	if !p.Mode.Allows(p.Store.Env) {
		r.add(ModeAspect, "predicate.store", "the store %s is of the environment %q, where a %s incident keeps no evidence", p.Store.ID, p.Store.Env, p.Mode)
	}
}

func (r *Report) checkRoot(s *Statement) {
	root, err := s.root()
	switch {
	case err != nil:
		r.add(RootAspect, "predicate.objects", "%v", err)
	case len(s.Subject) != 1:
		r.add(RootAspect, "subject", "there are %d; a manifest has one", len(s.Subject))
	case s.Subject[0].Name != s.Predicate.Incident:
		r.add(RootAspect, "subject[0].name", "it is %q, and the incident is %q", s.Subject[0].Name, s.Predicate.Incident)
	case s.Subject[0].Digest.SHA256 != root:
		r.add(RootAspect, "subject[0].digest", "it is %s, and the objects and the record have %s", s.Subject[0].Digest.SHA256, root)
	}
}
