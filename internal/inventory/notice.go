package inventory

import (
	"maps"
	"slices"
	"time"
)

// Ages from which a source of the inventory is stale (N9).
const (
	staleAfter    = 24 * time.Hour
	approvalAfter = 7 * 24 * time.Hour
	// ahead is how far a source's clock may be ahead of ours.
	ahead = 5 * time.Minute
)

// Freshness is how old what one source says is at a time.
type Freshness struct {
	Source string        `json:"source"`
	AsOf   time.Time     `json:"as_of,omitzero"`
	Age    time.Duration `json:"age"`
	// Level is empty for a source that is fresh.
	Level Level `json:"level,omitempty"`
	// Why says in words what is wrong.
	Why string `json:"why,omitempty"`
}

// Freshness returns the age of every source that the snapshot names, by name. A source whose time is not known counts as too
// old to act on without an approval.
func (inv *Inventory) Freshness(now time.Time) []Freshness {
	names := map[string]bool{}
	for _, s := range inv.Snapshot.Source {
		names[s] = true
	}
	for s := range inv.Snapshot.AsOf {
		names[s] = true
	}
	var out []Freshness
	for _, s := range slices.Sorted(maps.Keys(names)) {
		f := Freshness{Source: s}
		text, known := inv.Snapshot.AsOf[s]
		at, err := time.Parse(time.RFC3339, text)
		if err == nil {
			f.AsOf, f.Age = at, now.Sub(at)
		}
		switch {
		case !known:
			f.Level, f.Why = NeedsApproval, "has no as_of: nobody knows how old it is"
		case err != nil:
			f.Level, f.Why = NeedsApproval, "has an as_of that is no time as 2026-09-14T05:50:00Z"
		case f.Age < -ahead:
			f.Level, f.Why = Warning, "is of a time to come: a clock is wrong"
		case f.Age > approvalAfter:
			f.Level, f.Why = NeedsApproval, "is "+f.Age.Round(time.Hour).String()+" old, more than 7 days: what is based on it needs an approval"
		case f.Age > staleAfter:
			f.Level, f.Why = Warning, "is "+f.Age.Round(time.Hour).String()+" old, more than 24 hours"
		}
		out = append(out, f)
	}
	return out
}

// notices are what does not refuse a document but has to be said: N8 and N9.
func (inv *Inventory) notices(now time.Time) []Fault {
	l := &linter{inv: inv}
	for _, i := range inv.indexed().orphans {
		id := inv.Checkpoints[i].ID
		l.say(of("checkpoints", i), "N8", Warning, "nothing is recorded that %s was made from: every incident about data in its environment counts it as affected", id)
	}
	for i := range inv.Datasets {
		inv.indexed().each(inv.Datasets[i].ID, func(id string) {
			l.say(of("datasets", i), "N8", Warning, "%s was made from %s, of which no version is recorded: every incident about any version counts it as affected", id, inv.Datasets[i].ID)
		})
	}
	for _, f := range inv.Freshness(now) {
		if f.Level != "" {
			l.say(of("snapshot", -1, "as_of", f.Source), "N9", f.Level, "source %s %s", f.Source, f.Why)
		}
	}
	if len(inv.Snapshot.Source) == 0 {
		l.say(whole("snapshot"), "N9", NeedsApproval, "the snapshot names no source: nobody knows how old the inventory is")
	}
	return l.faults
}
