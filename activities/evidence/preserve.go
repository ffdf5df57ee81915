package evidence

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/manifest"
	"firebreak/playbooks"
)

// copyLimit is the largest object that CopyObject copies: 5 GiB (Amazon S3, "Copying objects").
const copyLimit = 5 << 30

// Do copies and locks every version, and then writes the manifest, which says that all is there. A manifest that is there
// already is the effect; copies that are there already are kept and never written twice.
func (s *Snapshot) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	p, err := newPlan(op)
	if err != nil {
		return nil, err
	}
	if _, err := readListing(op); err != nil {
		return nil, err
	}
	there, err := s.existing(ctx, p)
	if err != nil {
		return nil, err
	}
	if v, ok := there[p.manifestKey()]; ok {
		return s.finished(ctx, op, p, v)
	}
	versions, err := objects.List(ctx, s.api, p.source)
	if err != nil {
		return nil, err
	}
	if err := copyable(p, versions); err != nil {
		return nil, err
	}
	entries := make([]Entry, len(versions))
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(objects.Concurrency)
	for i, v := range versions {
		group.Go(func() error {
			var err error
			entries[i], err = s.preserve(inner, op, p, v, there)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
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
	return effect(op, p, entries, m), nil
}

// existing are the versions that an earlier attempt left: of each key the oldest. It lists rather than asks for each,
// because a delete marker hides a key and not its versions.
func (s *Snapshot) existing(ctx context.Context, p plan) (map[string]objects.Version, error) {
	versions, err := objects.List(ctx, s.api, objects.Location{Bucket: p.bucket, Prefix: strings.TrimRight(p.prefix, "/")})
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
	content, sum, err := readAll(ctx, s.api, p.bucket, v)
	if err != nil {
		return nil, err
	}
	entries, err := manifest.DecodeLines(content, entryKey)
	if err != nil {
		return nil, failure.New(failure.EvidenceMismatch, "read %s: it is no manifest that this step wrote: %w", objects.VersionURI(p.bucket, v.Key, v.ID), err)
	}
	return effect(op, p, entries, sealed{versionID: v.ID, sha256: sum}), nil
}

// copyable refuses what would not be a snapshot, before anything is copied.
func copyable(p plan, versions []objects.Version) error {
	if summarize(versions).Objects == 0 {
		return failure.New(failure.EvidenceMismatch, "copy %s: there is no object to preserve", p.source)
	}
	for _, v := range versions {
		if v.Size > copyLimit {
			return failure.New(failure.Unsupported, "copy %s: it has %d bytes and one copy takes at most %d (5 GiB); put a legal hold on it where it is",
				objects.VersionURI(p.source.Bucket, v.Key, v.ID), v.Size, int64(copyLimit))
		}
	}
	return nil
}

// preserve copies a version unless its copy is there, and describes the copy as the store reports it.
func (s *Snapshot) preserve(ctx context.Context, op *playbooks.Operation, p plan, v objects.Version, there map[string]objects.Version) (Entry, error) {
	e := newEntry(v)
	if !v.IsFile() {
		return e, nil
	}
	e.Key = p.key(p.source.Bucket, v.Key, v.ID)
	if old, ok := there[e.Key]; ok {
		e.VersionID = old.ID
	} else {
		id, err := s.copy(ctx, op, p, v, e.Key)
		if err != nil {
			return e, fmt.Errorf("copy %s: %w", objects.VersionURI(p.source.Bucket, v.Key, v.ID), err)
		}
		e.VersionID = id
	}
	return e, s.describe(ctx, p.bucket, &e)
}

func (s *Snapshot) copy(ctx context.Context, op *playbooks.Operation, p plan, v objects.Version, key string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, objects.TransferTimeout(v.Size))
	defer cancel()
	input := &s3.CopyObjectInput{
		Bucket: aws.String(p.bucket), Key: aws.String(key),
		CopySource:                aws.String(copySource(p.source.Bucket, v)),
		CopySourceIfMatch:         aws.String(v.ETag),
		ChecksumAlgorithm:         types.ChecksumAlgorithmSha256,
		ObjectLockMode:            p.lock.mode,
		ObjectLockRetainUntilDate: aws.Time(p.lock.until(later(op.Capture.At, time.Now()))),
		IfNoneMatch:               aws.String("*"),
	}
	out, err := s.api.CopyObject(ctx, input, once)
	if hasCode(err, "NotImplemented") {
		// Not every store takes the condition on a copy; existing was asked before.
		input.IfNoneMatch = nil
		out, err = s.api.CopyObject(ctx, input, once)
	}
	if err != nil {
		return "", err
	}
	if !keepsVersions(out.VersionId) {
		return "", failure.New(failure.Unsupported, "bucket %s keeps no versions, so nothing in it can be locked", p.bucket)
	}
	return *out.VersionId, nil
}

// describe fills in what the store says of the copy. A store that tells no SHA-256 of the whole object has it read.
func (s *Snapshot) describe(ctx context.Context, bucket string, e *Entry) error {
	uri := objects.VersionURI(bucket, e.Key, e.VersionID)
	head, err := s.head(ctx, bucket, e.Key, e.VersionID)
	if err != nil {
		return fmt.Errorf("look at copy %s: %w", uri, err)
	}
	if size := aws.ToInt64(head.ContentLength); size != e.Size {
		return failure.New(failure.EvidenceMismatch, "look at copy %s: it has %d bytes and its source %d", uri, size, e.Size)
	}
	e.LockMode = string(head.ObjectLockMode)
	e.RetainUntil = aws.ToTime(head.ObjectLockRetainUntilDate).UTC()
	if sum, ok := fullSHA256(head.ChecksumSHA256, head.ChecksumType); ok {
		e.SHA256 = sum
		return nil
	}
	e.SHA256, _, err = objects.Hash(ctx, s.api, bucket, e.copied())
	return err
}

func (s *Snapshot) head(ctx context.Context, bucket, key, versionID string) (*s3.HeadObjectOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, objects.CallTimeout)
	defer cancel()
	return s.api.HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: aws.String(bucket), Key: aws.String(key), VersionId: aws.String(versionID), ChecksumMode: types.ChecksumModeEnabled,
	})
}

func (s *Snapshot) writeManifest(ctx context.Context, op *playbooks.Operation, p plan, content []byte) (sealed, error) {
	return putLocked(ctx, s.api, p.bucket, piece{key: p.manifestKey(), contentType: "application/jsonl", bytes: content}, p.lock, later(op.Capture.At, time.Now()))
}

// copySource is the URL-encoded x-amz-copy-source of a version. Plus signs are encoded too: a store may read them as
// spaces.
func copySource(bucket string, v objects.Version) string {
	source := strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(bucket + "/" + v.Key))
	if id := v.Pin(); id != nil {
		source += "?versionId=" + url.QueryEscape(*id)
	}
	return source
}

// later returns the later of two times, so that neither a slow retry nor a slow clock shortens a lock.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
