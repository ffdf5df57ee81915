package gateway

import (
	"strings"
	"time"

	"firebreak/internal/incident"
)

// findings are what a verification observed. The proof holds only if every one does.
type findings struct {
	facts  map[string]string
	good   []string
	faults []string
}

func newFindings() *findings { return &findings{facts: map[string]string{}} }

// check notes what was observed under its name.
func (f *findings) check(name string, holds bool, good, bad string) {
	if holds {
		f.good = append(f.good, good)
		return
	}
	f.facts[name] = bad
	f.faults = append(f.faults, bad)
}

// say adds a remark to the proof.
func (f *findings) say(text string) { f.good = append(f.good, text) }

func (f *findings) proof() *incident.Proof {
	p := &incident.Proof{Proved: len(f.faults) == 0, Method: strings.Join(f.good, "; "), Facts: f.facts, At: time.Now().UTC()}
	if !p.Proved {
		p.Method = strings.Join(f.faults, "; ")
	}
	return p
}
