package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"firebreak/internal/incident"
)

// KnownGoodMargin is how long before the earliest compromise a checkpoint must have been finished: nobody knows that time
// to the hour.
const KnownGoodMargin = 24 * time.Hour

// Findings are what registries and catalogues say beside the inventory.
type Findings struct {
	// Against maps a checkpoint to what speaks against it.
	Against map[string][]string
	// Candidates are checkpoints that the inventory does not have.
	Candidates []Checkpoint
	// Notes say what could not be asked.
	Notes []string
}

// WithFindings returns the inventory as one that takes the findings into account when it selects.
func (inv *Inventory) WithFindings(f Findings) *Inventory {
	out := *inv
	out.index, out.findings = inv.indexed(), f
	return &out
}

// Selection is the answer to the question of what to roll back to.
type Selection struct {
	// Checkpoint is nil if there is none: what is contained stays contained.
	Checkpoint *Checkpoint
	// Rejected has a reason for every other checkpoint.
	Rejected []string
	// Review is what a person should look at.
	Review []string
}

// KnownGood returns the checkpoint that Select chooses and why not another one.
func (inv *Inventory) KnownGood(model string, r incident.Radius) (*Checkpoint, []string) {
	s := inv.Select(model, r)
	return s.Checkpoint, s.Rejected
}

// Select chooses the checkpoint of a model to roll back to: never merely "the previous version", but one for which every
// rule of the selection holds as far as documents can tell. Its bytes and its signature are proved later, by reading them.
// If no version of the model qualifies, those of the approved fallback are looked at. Ranked by the time served without
// an incident, then by promotion, newest first. The same inventory and radius always give the same answer.
func (inv *Inventory) Select(model string, r incident.Radius) Selection {
	return inv.Selector(r).Select(model)
}

// look sorts the checkpoints of a model into those that fit and those that do not.
func (s *selection) look(model string) {
	for _, c := range s.inv.candidates(model) {
		if why := s.reject(c); len(why) > 0 {
			s.rejected = append(s.rejected, c.ID+": "+strings.Join(why, "; "))
			continue
		}
		s.fit = append(s.fit, c)
	}
}

// candidates are the model's checkpoints in the inventory, then those that others know besides, by their ids.
func (inv *Inventory) candidates(model string) []*Checkpoint {
	var out []*Checkpoint
	for _, i := range inv.indexed().checkpointsOf[model] {
		out = append(out, &inv.Checkpoints[i])
	}
	var others []*Checkpoint
	for i := range inv.findings.Candidates {
		if c := &inv.findings.Candidates[i]; c.Model == model && inv.Checkpoint(c.ID) == nil {
			others = append(others, c)
		}
	}
	slices.SortStableFunc(others, func(a, b *Checkpoint) int { return cmp.Compare(a.ID, b.ID) })
	return append(out, others...)
}

// rank puts the best first and says of the others what is better about it.
func (s *selection) rank() {
	slices.SortStableFunc(s.fit, func(a, b *Checkpoint) int {
		return cmp.Or(cmp.Compare(s.served(b), s.served(a)), promoted(b).Compare(promoted(a)), cmp.Compare(a.ID, b.ID))
	})
	for _, c := range slices.Clip(s.fit)[min(1, len(s.fit)):] {
		best := s.fit[0]
		why := "promoted before " + best.ID
		if a, b := s.served(best), s.served(c); a != b {
			why = fmt.Sprintf("served for %s without an incident, %s for %s", days(b), best.ID, days(a))
		}
		s.rejected = append(s.rejected, c.ID+": "+why)
	}
}

// served is how long the checkpoint was in production before the incident began.
func (s *selection) served(c *Checkpoint) time.Duration {
	end := s.since
	if end.IsZero() {
		end, _ = parseTime(s.inv.Snapshot.GeneratedAt)
	}
	var sum time.Duration
	for _, x := range c.Served {
		from, ok := parseTime(x.From)
		to := end
		if x.To != nil && *x.To != "" {
			if t, ok := parseTime(*x.To); ok && t.Before(end) {
				to = t
			}
		}
		if ok && to.After(from) {
			sum += to.Sub(from)
		}
	}
	return sum
}

// since is when the compromise began at the earliest: as people say, or else when the oldest suspect was made.
func (inv *Inventory) since(r incident.Radius) time.Time {
	if !r.CompromisedSince.IsZero() {
		return r.CompromisedSince
	}
	var first time.Time
	note := func(text string) {
		if t, ok := parseTime(text); ok && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	for _, id := range r.DatasetVersions {
		if v := inv.DatasetVersion(id); v != nil {
			note(v.Created)
		}
	}
	for _, id := range r.Checkpoints {
		if c := inv.Checkpoint(id); c != nil {
			note(c.Built.Started)
		}
	}
	return first
}

func promoted(c *Checkpoint) time.Time {
	t, _ := parseTime(c.Promotion.At)
	return t
}

// parseTime reads a time, or a date at its beginning.
func parseTime(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func days(d time.Duration) string { return fmt.Sprintf("%d days", int(d.Hours()/24)) }
