package evidence

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/failure"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

const (
	manifestName = "manifest.jsonl"
	day          = 24 * time.Hour
)

// lock is the retention that evidence gets, and whether it is held beside or instead of it.
type lock struct {
	mode types.ObjectLockMode
	days int
	hold bool
}

func newLock(s inventory.Store) (lock, error) {
	mode := types.ObjectLockMode(s.Lock.Mode)
	switch {
	case s.Bucket == "":
		return lock{}, failure.New(failure.Invalid, "preserve evidence: the incident has no evidence store; add one to stores in the inventory")
	case mode == "" && s.Lock.Days == 0 && s.Lock.LegalHold:
		return lock{hold: true}, nil
	case mode != types.ObjectLockModeCompliance && mode != types.ObjectLockModeGovernance:
		return lock{}, failure.New(failure.Invalid, "preserve evidence: store %s has lock mode %q, not COMPLIANCE or GOVERNANCE", s.ID, s.Lock.Mode)
	case s.Lock.Days < 1:
		return lock{}, failure.New(failure.Invalid, "preserve evidence: store %s locks for %d days; at least one is needed", s.ID, s.Lock.Days)
	}
	return lock{mode: mode, days: s.Lock.Days, hold: s.Lock.LegalHold}, nil
}

// request is what is asked of the store as it writes an object: a lock that counts from a time, or a hold, or both.
func (l lock) request(from time.Time) (types.ObjectLockMode, *time.Time, types.ObjectLockLegalHoldStatus) {
	var until *time.Time
	if l.mode != "" {
		t := l.until(from)
		until = &t
	}
	var hold types.ObjectLockLegalHoldStatus
	if l.hold {
		hold = types.ObjectLockLegalHoldStatusOn
	}
	return l.mode, until, hold
}

// entry is what the manifest says of a lock that was asked for at a time. Verify reads back what the store made of it.
func (l lock) entry(from time.Time) (mode string, until time.Time, hold bool) {
	if l.mode != "" {
		until = l.least(from)
	}
	return string(l.mode), until, l.hold
}

// until is when a lock that counts from a time ends, rounded up to the second, which is all that every store keeps.
func (l lock) until(from time.Time) time.Time {
	return l.least(from).Add(time.Second)
}

// least is when such a lock may end at the earliest.
func (l lock) least(from time.Time) time.Time {
	return from.Add(time.Duration(l.days) * day).UTC().Truncate(time.Second)
}

// text says how long a lock that counts from a time holds at least.
func (l lock) text(from time.Time) string {
	switch {
	case l.mode == "":
		return "under legal hold"
	case l.hold:
		return "under legal hold and locked until at least " + l.least(from).Format(time.RFC3339)
	}
	return "locked until at least " + l.least(from).Format(time.RFC3339)
}

// plan is where a snapshot's bytes come from and go to.
type plan struct {
	source objects.Location
	bucket string
	// prefix ends with a slash.
	prefix string
	lock   lock
}

func newPlan(op *playbooks.Operation) (plan, error) {
	l, err := newLock(op.Store)
	if err != nil {
		return plan{}, err
	}
	source, err := objects.ParseURI(op.Target.URI)
	if err != nil {
		return plan{}, err
	}
	return plan{
		source: source, bucket: op.Store.Bucket, lock: l,
		prefix: stepPrefix(op.IncidentID, op.OpenedAt, op.Step, op.Target.ID),
	}, nil
}

// incidentPrefix is where everything of one incident is kept.
func incidentPrefix(incidentID string) string { return "incidents/" + shortHex(incidentID) + "/" }

// stepPrefix is where a step keeps what it preserves of a target. An incident that is opened again preserves anew: the data
// may have changed, and the old locks end before the new ones must.
func stepPrefix(incidentID string, opened time.Time, step, target string) string {
	run := playbooks.RunName(opened)
	if run != "" {
		run += "/"
	}
	return incidentPrefix(incidentID) + run + step + "/" + shortHex(target) + "/"
}

// key is where the copy of a version goes. It is made from digests alone, so that no name at the source can lead it
// elsewhere. A version without an id is told from the next one of its name by its ETag.
func (p plan) key(v objects.Version) string {
	parts := []string{cmp.Or(v.Bucket, p.source.Bucket), v.Key, v.ID}
	if v.ID == "" || v.ID == objects.NoVersion {
		parts = append(parts, v.ETag)
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return p.prefix + "objects/" + hex.EncodeToString(sum[:])
}

func (p plan) manifestKey() string { return p.prefix + manifestName }
