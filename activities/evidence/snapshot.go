package evidence

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/evidence/pace"
	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// Names of facts that snapshots add to the incident's own.
const (
	// FactInventory says whether the current objects have the digest that the inventory records. That they do not is
	// evidence itself, and no fault of the snapshot.
	FactInventory = "inventory_digest"
	// FactDrift says how the source changed since it was copied.
	FactDrift = "drift"
	// FactTable says which table the objects are, and which of the files that it names are not among them.
	FactTable   = "table"
	factBytes   = "bytes"
	factMarkers = "delete_markers"
)

// Snapshot is the actions dataset.snapshot, checkpoint.snapshot and log.snapshot: it copies every version of the objects
// under the target's URI to the evidence store, under Object Lock.
type Snapshot struct {
	api    store
	calm   calm
	pace   *pace.Pace
	limits Limits
}

// NewSnapshot returns the action. api is an *s3.Client, e.g. from NewS3.
func NewSnapshot(api store) *Snapshot { return NewSnapshotWith(api, Limits{}) }

// NewSnapshotWith is NewSnapshot for a store with limits of its own.
func NewSnapshotWith(api store, l Limits) *Snapshot {
	l = l.filled()
	p := l.pace()
	return &Snapshot{api: api, calm: calm{store: api, pace: p}, pace: p, limits: l}
}

// Capture lists the source. The state has the listing's digest and not the list, which may be too long for history.
func (s *Snapshot) Capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	p, err := newPlan(op)
	if err != nil {
		return nil, err
	}
	set, err := s.set(ctx, p)
	if err != nil {
		return nil, err
	}
	found := summarize(set.versions)
	state, err := json.Marshal(found)
	if err != nil {
		return nil, fmt.Errorf("encode listing of %s: %w", p.source, err)
	}
	return &incident.Capture{
		Summary: fmt.Sprintf("%s holds %d object versions of %d bytes and %d delete markers", p.source, found.Objects, found.Bytes, found.DeleteMarkers),
		State:   state, At: time.Now().UTC(),
	}, nil
}

// readListing returns what Capture found.
func readListing(op *playbooks.Operation) (listing, error) {
	var l listing
	if op.Capture == nil || op.Capture.At.IsZero() {
		return l, failure.New(failure.Invalid, "%s of %s: nothing was captured", op.Action, op.Target.ID)
	}
	if err := json.Unmarshal(op.Capture.State, &l); err != nil {
		return l, failure.New(failure.Invalid, "%s of %s: read captured state: %w", op.Action, op.Target.ID, err)
	}
	return l, nil
}

// Undo removes nothing: evidence stays until its lock ends, also that of a false alarm. Only parts of copies that were never
// completed, which are no evidence, are freed.
func (s *Snapshot) Undo(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	p, err := newPlan(op)
	if err != nil {
		return nil, err
	}
	if _, err := s.resumable(ctx, p, nil); err != nil {
		return nil, err
	}
	summary := "evidence kept"
	if op.Capture != nil {
		summary += ": " + p.lock.text(op.Capture.At)
	}
	return &incident.Effect{Summary: summary, At: time.Now().UTC()}, nil
}

// effect describes a snapshot by its manifest.
func effect(op *playbooks.Operation, p plan, entries []Entry, m sealed) *incident.Effect {
	found := summarize(sources(entries))
	e := &incident.Effect{
		Summary: fmt.Sprintf("%d object versions (%d bytes) of %s are locked in %s", found.Objects, found.Bytes, p.source, p.bucket),
		Changed: m.written,
		Facts: map[string]string{
			incident.FactManifest: objects.VersionURI(p.bucket, p.manifestKey(), m.versionID),
			incident.FactSHA256:   m.sha256,
			incident.FactObjects:  strconv.Itoa(found.Objects),
			factBytes:             strconv.FormatInt(found.Bytes, 10),
			factMarkers:           strconv.Itoa(found.DeleteMarkers),
		},
		At: time.Now().UTC(),
	}
	if !m.written {
		e.Summary += "; this step had done so before"
	}
	if tables := tablesOf(entries); tables != "" {
		e.Facts[FactTable] = tables
	}
	if op.Target.Digest != "" {
		e.Facts[FactInventory] = compareDigest(entries, p.source, op.Target.Digest)
	}
	return e
}
