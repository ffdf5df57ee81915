package vault

import (
	"strings"
	"time"

	"firebreak/internal/incident"
)

// findings is what Verify saw. It is proved as long as nothing failed.
type findings struct {
	failed bool
	said   []string
	gaps   []string
	facts  map[string]string
}

func newFindings() *findings { return &findings{facts: map[string]string{}} }

// holds records that something is as it must be after a revocation.
func (f *findings) holds(fact, text string) {
	f.said = append(f.said, text)
	f.facts[fact] = text
}

// fails records that something contradicts the revocation.
func (f *findings) fails(fact, text string) {
	f.failed = true
	f.said = append(f.said, "FAILED: "+text)
	f.facts[fact] = text
}

// leaves records what stays open although the revocation holds.
func (f *findings) leaves(fact, text string) {
	f.said = append(f.said, "GAP: "+text)
	f.gaps = append(f.gaps, text)
	f.facts[fact] = text
}

func (f *findings) proof() *incident.Proof {
	return &incident.Proof{Proved: !f.failed, Method: strings.Join(f.said, "; "), Facts: f.facts, Gaps: f.gaps, At: time.Now().UTC()}
}
