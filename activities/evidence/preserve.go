package evidence

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/evidence/pace"
	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/manifest"
	"firebreak/internal/progress"
	"firebreak/playbooks"
)

// run is one attempt of Do.
type run struct {
	*Snapshot
	op   *playbooks.Operation
	plan plan
	// there are the copies, and open the uploads, that earlier attempts left, by key.
	there map[string]objects.Version
	open  map[string]string
	meter *progress.Meter
	// readers bounds how many objects are read at a time.
	readers chan struct{}
	// refused is the size of the smallest object that the store refused to copy with one request; 0 for none.
	refused atomic.Int64
}

// Do copies and locks every version, and then writes the manifest, which says that all is there. A manifest that is there
// already is the effect; copies and parts that are there already are kept and never written twice.
func (s *Snapshot) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	p, err := newPlan(op)
	if err != nil {
		return nil, err
	}
	if _, err := readListing(op); err != nil {
		return nil, err
	}
	r := &run{Snapshot: s, op: op, plan: p, meter: progress.From(ctx), readers: make(chan struct{}, objects.Concurrency)}
	if r.there, err = s.existing(ctx, p); err != nil {
		return nil, err
	}
	if v, ok := r.there[p.manifestKey()]; ok {
		return s.finished(ctx, op, p, v)
	}
	set, err := s.set(ctx, p)
	if err != nil {
		return nil, err
	}
	if summarize(set.versions).Objects == 0 {
		return nil, failure.New(failure.EvidenceMismatch, "copy %s: there is no object to preserve", p.source)
	}
	entries, err := r.copyAll(ctx, set)
	if err != nil {
		return nil, s.given(ctx, p, err)
	}
	content, err := manifest.EncodeLines(entries, entryKey)
	if err != nil {
		return nil, err
	}
	m, err := s.writeManifest(ctx, op, p, content)
	if hasCode(err, "PreconditionFailed", "ConditionalRequestConflict") {
		return nil, fmt.Errorf("write manifest: another attempt of this step has just written it: %w", err)
	}
	if err != nil {
		return nil, err
	}
	// An upload that was begun without anybody hearing of it is of no use any more.
	if _, err := s.resumable(ctx, p, nil); err != nil {
		return nil, err
	}
	return effect(op, p, entries, m), nil
}

// copyAll copies every version of the set that is not there yet.
func (r *run) copyAll(ctx context.Context, set set) ([]Entry, error) {
	wanted := map[string]bool{}
	for _, v := range set.versions {
		if key := r.plan.key(v); v.IsFile() {
			if _, there := r.there[key]; !there {
				wanted[key] = true
			}
		}
	}
	var err error
	if r.open, err = r.resumable(ctx, r.plan, wanted); err != nil {
		return nil, err
	}
	found := summarize(set.versions)
	r.meter.Begin("copying", int64(found.Objects), found.Bytes)
	entries := make([]Entry, len(set.versions))
	return entries, each(ctx, len(entries), r.pace.Most(), func(ctx context.Context, i int) error {
		v := set.versions[i]
		entries[i] = newEntry(v)
		entries[i].Role, entries[i].Note = set.roles[sourceKey(v)], set.notes[sourceKey(v)]
		if !v.IsFile() {
			return nil
		}
		if err := r.preserve(ctx, v, &entries[i]); err != nil {
			return fmt.Errorf("copy %s: %w", objects.VersionURI(v.Bucket, v.Key, v.ID), err)
		}
		return nil
	})
}

// given is called with the error that ended an attempt. Parts are kept for the next one, unless there will be none.
func (s *Snapshot) given(ctx context.Context, p plan, err error) error {
	if _, final := failure.CodeOf(err); !final && !abandoned(ctx) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), objects.CallTimeout)
	defer cancel()
	if _, cleanErr := s.resumable(ctx, p, nil); cleanErr != nil {
		return fmt.Errorf("%w; and %w", err, cleanErr)
	}
	return err
}

// existing are the versions that an earlier attempt left: of each key the oldest. It lists rather than asks for each,
// because a delete marker hides a key and not its versions.
func (s *Snapshot) existing(ctx context.Context, p plan) (map[string]objects.Version, error) {
	versions, err := s.list(ctx, objects.Location{Bucket: p.bucket, Prefix: strings.TrimRight(p.prefix, "/")})
	if err != nil {
		return nil, err
	}
	there := make(map[string]objects.Version, len(versions))
	for _, v := range versions {
		if old, ok := there[v.Key]; v.DeleteMarker || (ok && !v.LastModified.Before(old.LastModified)) {
			continue
		}
		there[v.Key] = v
	}
	return there, nil
}

// finished reads the manifest of an attempt that got that far.
func (s *Snapshot) finished(ctx context.Context, op *playbooks.Operation, p plan, v objects.Version) (*incident.Effect, error) {
	content, sum, err := readAll(ctx, s.calm, p.bucket, v)
	if err != nil {
		return nil, err
	}
	entries, err := manifest.DecodeLines(content, entryKey)
	if err != nil {
		return nil, failure.New(failure.EvidenceMismatch, "read %s: it is no manifest that this step wrote: %w", objects.VersionURI(p.bucket, v.Key, v.ID), err)
	}
	if _, err := s.resumable(ctx, p, nil); err != nil {
		return nil, err
	}
	return effect(op, p, entries, sealed{versionID: v.ID, sha256: sum}), nil
}

// preserve copies a version unless its copy is there, and describes the copy.
func (r *run) preserve(ctx context.Context, v objects.Version, e *Entry) error {
	e.Key, e.Method = r.plan.key(v), methodFull
	if old, ok := r.there[e.Key]; ok {
		if old.Size != v.Size {
			return failure.New(failure.EvidenceMismatch, "what is there as its copy has %d bytes and not %d", old.Size, v.Size)
		}
		e.VersionID = old.ID
		r.meter.Found(1, v.Size)
		return r.describe(ctx, v, e, "")
	}
	asked := later(r.op.Capture.At, time.Now())
	c, parted, err := r.copy(ctx, v, e.Key)
	if err != nil {
		return err
	}
	e.VersionID = c.id
	if parted {
		// Its parts were counted. Its lock may be that of an upload which an earlier attempt began.
		r.meter.Add(1, 0)
		return r.describe(ctx, v, e, c.digest)
	}
	r.meter.Add(1, v.Size)
	if c.digest == "" {
		return r.describe(ctx, v, e, "")
	}
	e.LockMode, e.RetainUntil, e.LegalHold = r.plan.lock.entry(asked)
	return r.digestOf(ctx, v, e, c)
}

// copy copies with one request what one request copies, and reports whether it took parts.
func (r *run) copy(ctx context.Context, v objects.Version, key string) (c copied, parted bool, err error) {
	refused := r.refused.Load()
	if v.Size <= r.limits.Whole && (refused == 0 || v.Size < refused) && r.open[key] == "" {
		c, err = r.whole(ctx, v, key)
		if !tooLarge(err) {
			return c, false, err
		}
		r.refused.Store(v.Size)
	}
	c, err = r.large(ctx, v, key)
	return c, true, err
}

// describe fills in what the store says of a copy that was made without anybody having been told all of it. digest is the
// source's, if it has been read.
func (r *run) describe(ctx context.Context, v objects.Version, e *Entry, digest string) error {
	uri := objects.VersionURI(r.plan.bucket, e.Key, e.VersionID)
	head, err := pace.Send(ctx, r.pace, pace.Safe, objects.CallTimeout, r.api.HeadObject, &s3.HeadObjectInput{
		Bucket: aws.String(r.plan.bucket), Key: aws.String(e.Key), VersionId: aws.String(e.VersionID), ChecksumMode: types.ChecksumModeEnabled,
	})
	if err != nil {
		return fmt.Errorf("look at copy %s: %w", uri, err)
	}
	if size := aws.ToInt64(head.ContentLength); size != e.Size {
		return failure.New(failure.EvidenceMismatch, "look at copy %s: it has %d bytes and its source %d", uri, size, e.Size)
	}
	e.LockMode, e.RetainUntil = string(head.ObjectLockMode), aws.ToTime(head.ObjectLockRetainUntilDate).UTC()
	e.LegalHold = head.ObjectLockLegalHoldStatus == types.ObjectLockLegalHoldStatusOn
	if digest != "" {
		e.SHA256, e.DigestBy = digest, bySource
		return nil
	}
	c := copied{etag: aws.ToString(head.ETag)}
	c.digest, _ = fullSHA256(head.ChecksumSHA256, head.ChecksumType)
	return r.digestOf(ctx, v, e, c)
}

func (s *Snapshot) writeManifest(ctx context.Context, op *playbooks.Operation, p plan, content []byte) (sealed, error) {
	return putLocked(ctx, s.calm, p.bucket, piece{key: p.manifestKey(), contentType: "application/jsonl", bytes: content}, p.lock, later(op.Capture.At, time.Now()))
}

func (r *run) noVersions() error {
	return failure.New(failure.Unsupported, "bucket %s keeps no versions, so nothing in it can be locked", r.plan.bucket)
}
