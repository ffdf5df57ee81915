package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"firebreak/internal/incident"
)

// Handling is what somebody did with a piece of evidence.
type Handling string

// The ways in which evidence is handled.
const (
	Collected  Handling = "collect"
	Verified   Handling = "verify"
	Sealed     Handling = "seal"
	Read       Handling = "read"
	Copied     Handling = "copy"
	Handed     Handling = "transfer"
	Released   Handling = "release"
	HoldLonger Handling = "extend_hold"
)

// ParseHandling returns what a person may record, or an error that lists it. Collecting, verifying and sealing are
// recorded by whoever does them.
func ParseHandling(s string) (Handling, error) {
	switch h := Handling(s); h {
	case Read, Copied, Handed, Released, HoldLonger:
		return h, nil
	case Collected, Verified, Sealed:
	}
	return "", fmt.Errorf("%q is not read, copy, transfer, release or extend_hold", s)
}

// Event is one link of the chain of custody: who did what with which evidence, when and why. Its hash covers the hash of
// the link before, so that nothing can be taken out, put in or put elsewhere without every later hash changing.
type Event struct {
	Number int `json:"n"`
	// ID makes the record of one act one event, however often it is written.
	ID string `json:"id"`
	// At is in UTC.
	At time.Time `json:"at"`
	// Actor is a person's id in the inventory, or the program that acted; OnBehalfOf names a person behind it.
	Actor      string   `json:"actor"`
	OnBehalfOf string   `json:"on_behalf_of,omitempty"`
	Action     Handling `json:"action"`
	// Evidence is a URI with a version id, or whatever names the evidence in its step.
	Evidence  string `json:"evidence"`
	SHA256    string `json:"sha256,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Authority string `json:"authority,omitempty"`
	Previous  string `json:"prev_hash"`
	Hash      string `json:"hash,omitempty"`
}

// Genesis is what the first link of an incident's chain follows. It binds the chain to the incident and its mode.
func Genesis(incidentID string, mode incident.Mode) string {
	return hexSum([]byte("firebreak-custody/v1\n" + string(mode) + "\n" + incidentID))
}

// Link returns the event as the next one of a chain.
func Link(chain []Event, genesis string, e Event) (Event, error) {
	e.Number, e.Previous = len(chain)+1, genesis
	if len(chain) > 0 {
		e.Previous = chain[len(chain)-1].Hash
	}
	e.At = e.At.UTC()
	hash, err := e.hash()
	if err != nil {
		return e, err
	}
	e.Hash = hash
	return e, nil
}

func (e Event) hash() (string, error) {
	e.Hash = ""
	content, err := json.Marshal(e)
	if err != nil {
		return "", fmt.Errorf("hash custody event %d: %w", e.Number, err)
	}
	return hexSum(content), nil
}

// CheckChain returns what is wrong with each link of a chain, by its place.
func CheckChain(chain []Event, genesis string) map[int]string {
	wrong := map[int]string{}
	previous := genesis
	for i, e := range chain {
		hash, err := e.hash()
		switch {
		case err != nil:
			wrong[i] = err.Error()
		case e.Number != i+1:
			wrong[i] = fmt.Sprintf("its number is %d, not %d: a link was taken out, put in or moved", e.Number, i+1)
		case hash != e.Hash:
			wrong[i] = "its hash is not that of its content: the link was changed"
		case e.Previous != previous:
			wrong[i] = "it does not follow the link before"
		}
		previous = e.Hash
	}
	return wrong
}

func hexSum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
