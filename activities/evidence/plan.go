package evidence

import (
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

// lock is the retention that evidence gets.
type lock struct {
	mode types.ObjectLockMode
	days int
}

func newLock(s inventory.Store) (lock, error) {
	mode := types.ObjectLockMode(s.Lock.Mode)
	switch {
	case s.Bucket == "":
		return lock{}, failure.New(failure.Invalid, "preserve evidence: the incident has no evidence store; add one to stores in the inventory")
	case mode != types.ObjectLockModeCompliance && mode != types.ObjectLockModeGovernance:
		return lock{}, failure.New(failure.Invalid, "preserve evidence: store %s has lock mode %q, not COMPLIANCE or GOVERNANCE", s.ID, s.Lock.Mode)
	case s.Lock.Days < 1:
		return lock{}, failure.New(failure.Invalid, "preserve evidence: store %s locks for %d days; at least one is needed", s.ID, s.Lock.Days)
	}
	return lock{mode: mode, days: s.Lock.Days}, nil
}

// until is when a lock that counts from a time ends, rounded up to the second, which is all that every store keeps.
func (l lock) until(from time.Time) time.Time {
	return l.least(from).Add(time.Second)
}

// least is when such a lock may end at the earliest.
func (l lock) least(from time.Time) time.Time {
	return from.Add(time.Duration(l.days) * day).UTC().Truncate(time.Second)
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
		prefix: incidentPrefix(op.IncidentID) + op.Step + "/" + shortHex(op.Target.ID) + "/",
	}, nil
}

// incidentPrefix is where everything of one incident is kept.
func incidentPrefix(incidentID string) string { return "incidents/" + shortHex(incidentID) + "/" }

// key is where the copy of a version goes. It is made from digests alone, so that no name at the source can lead it
// elsewhere.
func (p plan) key(bucket, key, versionID string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{bucket, key, versionID}, "\x00")))
	return p.prefix + "objects/" + hex.EncodeToString(sum[:])
}

func (p plan) manifestKey() string { return p.prefix + manifestName }
