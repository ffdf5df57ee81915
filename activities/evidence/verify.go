package evidence

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/manifest"
	"firebreak/internal/progress"
	"firebreak/playbooks"
)

const (
	// deletionSample bounds how many copies Verify tries to delete.
	deletionSample = 20
	// clockSkew is how far the worker's clock may be from the store's.
	clockSkew = time.Minute
)

// faults collects what is wrong, from many goroutines.
type faults struct {
	mu   sync.Mutex
	list []string
}

func (f *faults) add(text string) {
	if text == "" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, text)
}

// text names the first three.
func (f *faults) text() string {
	slices.Sort(f.list)
	if len(f.list) <= 3 {
		return strings.Join(f.list, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(f.list[:3], "; "), len(f.list)-3)
}

// Verify reads the manifest and every copy back by version id and hashes them, reads their locks, tries to delete the
// manifest and a sample of the copies by version id, and lists the source again. It writes nothing.
func (s *Snapshot) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	p, err := newPlan(op)
	if err != nil {
		return nil, err
	}
	captured, err := readListing(op)
	if err != nil {
		return nil, err
	}
	at, err := s.manifestOf(op, p)
	if err != nil {
		return nil, err
	}
	var wrong faults
	entries, err := s.checkManifest(ctx, op, p, at, &wrong)
	if err != nil {
		return nil, err
	}
	if err := s.checkCopies(ctx, op, p, entries, &wrong); err != nil {
		return nil, err
	}
	tried := 0
	if len(wrong.list) == 0 {
		if tried, err = s.checkDeletion(ctx, p, at, entries, &wrong); err != nil {
			return nil, err
		}
	}
	drift, err := s.checkSource(ctx, op, p, captured, entries, &wrong)
	if err != nil {
		return nil, err
	}
	proof := &incident.Proof{Facts: map[string]string{FactDrift: drift}, At: time.Now().UTC()}
	if len(wrong.list) > 0 {
		proof.Method = wrong.text()
		return proof, nil
	}
	proof.Proved = true
	n := summarize(sources(entries)).Objects
	proof.Method = fmt.Sprintf("%d versions and their manifest read back by version id and hashed, all locked; %d of %d deletions by version id refused (tried on the manifest and %d of %d copies)",
		n, tried, tried, tried-1, n)
	return proof, nil
}

// manifestOf returns the version that Do named, and refuses one that is not this step's.
func (s *Snapshot) manifestOf(op *playbooks.Operation, p plan) (objects.Version, error) {
	if op.Effect == nil {
		return objects.Version{}, failure.New(failure.Invalid, "verify %s of %s: nothing was done", op.Action, op.Target.ID)
	}
	bucket, key, id, err := objects.ParseVersionURI(op.Effect.Facts[incident.FactManifest])
	if err != nil {
		return objects.Version{}, failure.New(failure.Invalid, "verify %s of %s: %w", op.Action, op.Target.ID, err)
	}
	if bucket != p.bucket || key != p.manifestKey() {
		return objects.Version{}, failure.New(failure.Invalid, "verify %s of %s: s3://%s/%s is not this step's manifest", op.Action, op.Target.ID, bucket, key)
	}
	return objects.Version{Key: key, ID: id}, nil
}

// checkManifest holds the manifest against the digest that Do recorded, and checks its lock.
func (s *Snapshot) checkManifest(ctx context.Context, op *playbooks.Operation, p plan, at objects.Version, wrong *faults) ([]Entry, error) {
	uri := objects.VersionURI(p.bucket, at.Key, at.ID)
	content, sum, err := readAll(ctx, s.calm, p.bucket, at)
	if hasCode(err, "NoSuchKey", "NoSuchVersion", "NotFound") {
		wrong.add(uri + " is gone")
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if want := op.Effect.Facts[incident.FactSHA256]; sum != want {
		wrong.add(fmt.Sprintf("%s hashes to %s, not to %s", uri, sum, want))
		return nil, nil
	}
	entries, err := manifest.DecodeLines(content, entryKey)
	if err != nil {
		wrong.add(fmt.Sprintf("%s: %v", uri, err))
		return nil, nil
	}
	for i := range entries {
		// Lines that name no bucket are from a time when all were of the target's.
		entries[i].SourceBucket = cmp.Or(entries[i].SourceBucket, p.source.Bucket)
	}
	return entries, s.askLock(ctx, p, at, p.lock.least(op.Capture.At), wrong)
}

// checkCopies reads every copy back, hashes it and looks at its lock.
func (s *Snapshot) checkCopies(ctx context.Context, op *playbooks.Operation, p plan, entries []Entry, wrong *faults) error {
	meter, found := progress.From(ctx), summarize(sources(entries))
	meter.Begin("reading back", int64(found.Objects), found.Bytes)
	return each(ctx, len(entries), s.pace.Most(), func(ctx context.Context, i int) error {
		if !entries[i].source().IsFile() {
			return nil
		}
		if err := s.checkCopy(ctx, op, p, &entries[i], meter, wrong); err != nil {
			return err
		}
		meter.Add(1, 0)
		return nil
	})
}

// checkCopy reads a copy by its version id. The answer tells its lock too; one that tells none is asked for it.
func (s *Snapshot) checkCopy(ctx context.Context, op *playbooks.Operation, p plan, e *Entry, meter *progress.Meter, wrong *faults) error {
	uri := objects.VersionURI(p.bucket, e.Key, e.VersionID)
	if e.Key != p.key(e.source()) {
		wrong.add(fmt.Sprintf("%s is not the copy of %s", uri, objects.VersionURI(e.SourceBucket, e.SourceKey, e.SourceVersionID)))
		return nil
	}
	var told s3.GetObjectOutput
	open := s.opener(p.bucket, e.copied(), func(out *s3.GetObjectOutput) { told = *out })
	sum, n, err := objects.Sum(ctx, e.Size, open, func(n int64) { meter.Add(0, n) })
	switch {
	case hasCode(err, "NoSuchKey", "NoSuchVersion", "NotFound"):
		wrong.add(uri + " is gone")
		return nil
	case err != nil:
		return fmt.Errorf("read %s: %w", uri, err)
	case sum != e.SHA256 || n != e.Size:
		wrong.add(fmt.Sprintf("%s hashes to %s, not to %s", uri, sum, e.SHA256))
	}
	least := p.lock.least(op.Capture.At)
	if told.ObjectLockMode != "" || told.ObjectLockLegalHoldStatus != "" {
		wrong.add(p.lock.problem(uri, told.ObjectLockMode, aws.ToTime(told.ObjectLockRetainUntilDate), told.ObjectLockLegalHoldStatus, least))
		return nil
	}
	return s.askLock(ctx, p, e.copied(), least, wrong)
}

// askLock asks for the lock of a version.
func (s *Snapshot) askLock(ctx context.Context, p plan, v objects.Version, least time.Time, wrong *faults) error {
	if p.lock.mode != "" {
		problem, err := checkLock(ctx, s.calm, p.bucket, v, p.lock.mode, least)
		if wrong.add(problem); err != nil {
			return err
		}
	}
	if !p.lock.hold {
		return nil
	}
	problem, err := checkHold(ctx, s.calm, p.bucket, v)
	wrong.add(problem)
	return err
}

// checkDeletion tries the manifest and up to 20 copies, spread evenly. All of them were read back as locked.
func (s *Snapshot) checkDeletion(ctx context.Context, p plan, at objects.Version, entries []Entry, wrong *faults) (int, error) {
	tries := []objects.Version{at}
	for _, e := range sample(entries) {
		tries = append(tries, e.copied())
	}
	for _, v := range tries {
		problem, err := tryDelete(ctx, s.calm, p.bucket, v)
		if err != nil {
			return 0, err
		}
		wrong.add(problem)
	}
	return len(tries), nil
}

func sample(entries []Entry) []Entry {
	var copies []Entry
	for _, e := range entries {
		if e.source().IsFile() {
			copies = append(copies, e)
		}
	}
	if len(copies) <= deletionSample {
		return copies
	}
	out := make([]Entry, deletionSample)
	for i := range out {
		out[i] = copies[i*len(copies)/deletionSample]
	}
	return out
}
