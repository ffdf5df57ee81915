package evidence

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/evidence/pace"
	"firebreak/activities/failure"
)

// copied is what is known of a copy. digest is empty if the store told none, etag if the copy was not made now.
type copied struct {
	id, digest, etag string
}

// whole copies a version with one request. The store copies the version that was listed and no other, locks the copy as it
// writes it, computes its SHA-256, and overwrites nothing.
func (r *run) whole(ctx context.Context, v objects.Version, key string) (copied, error) {
	mode, until, hold := r.plan.lock.request(later(r.op.Capture.At, time.Now()))
	in := &s3.CopyObjectInput{
		Bucket: aws.String(r.plan.bucket), Key: aws.String(key),
		CopySource: aws.String(copySource(v.Bucket, v)), CopySourceIfMatch: aws.String(v.ETag),
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
		ObjectLockMode:    mode, ObjectLockRetainUntilDate: until, ObjectLockLegalHoldStatus: hold,
		IfNoneMatch: aws.String("*"),
	}
	for try := 1; ; try++ {
		out, err := pace.Send(ctx, r.pace, pace.Once, objects.TransferTimeout(v.Size), r.api.CopyObject, in)
		switch {
		case err == nil && keepsVersions(out.VersionId):
			return described(out), nil
		case err == nil && (out.CopyObjectResult == nil || out.CopyObjectResult.ETag == nil):
			return copied{}, errNotS3
		case err == nil:
			return copied{}, r.noVersions()
		case hasCode(err, "NotImplemented") && in.IfNoneMatch != nil:
			// Not every store takes the condition on a copy; what is there was listed before.
			in.IfNoneMatch = nil
			continue
		case !pace.Lost(err) && !hasCode(err, "PreconditionFailed", "ConditionalRequestConflict"):
			return copied{}, err
		}
		// The copy may have been made, now or by an attempt that was given up.
		if found, lookErr := r.find(ctx, key); lookErr == nil && found != nil {
			return copied{id: found.ID}, nil
		}
		if !pace.Lost(err) {
			return copied{}, fmt.Errorf("the object changed since it was listed: %w", err)
		}
		if try == copyTries {
			return copied{}, err
		}
	}
}

// copyTries is how often a copy is asked for in one attempt if its answer is lost and it is not there.
const copyTries = 3

func described(out *s3.CopyObjectOutput) copied {
	c := copied{id: *out.VersionId}
	if res := out.CopyObjectResult; res != nil {
		c.digest, _ = fullSHA256(res.ChecksumSHA256, res.ChecksumType)
		c.etag = aws.ToString(res.ETag)
	}
	return c
}

// large copies a version part by part, and reads it at its source meanwhile: a copy that is made of parts gets no SHA-256
// from a store, and the source's own digest is what the copy is held against when it is verified.
func (r *run) large(ctx context.Context, v objects.Version, key string) (copied, error) {
	var c copied
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		c.id, err = r.copyParts(inner, v, key)
		return err
	})
	group.Go(func() (err error) {
		c.digest, err = r.hash(inner, v.Bucket, v)
		return err
	})
	return c, group.Wait()
}

// hash reads a version and returns its SHA-256. Few are read at a time, so that memory is bounded.
func (r *run) hash(ctx context.Context, bucket string, v objects.Version) (string, error) {
	select {
	case r.readers <- struct{}{}:
		defer func() { <-r.readers }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	sum, n, err := objects.Sum(ctx, v.Size, r.opener(bucket, v, nil), nil)
	if err == nil && n != v.Size {
		err = failure.New(failure.EvidenceMismatch, "it has %d bytes and was listed with %d", n, v.Size)
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", objects.VersionURI(bucket, v.Key, v.ID), err)
	}
	return sum, nil
}

// opener reads a version within the pace. first, if set, sees the answer to the first request.
func (s *Snapshot) opener(bucket string, v objects.Version, first func(*s3.GetObjectOutput)) objects.Opener {
	return func(ctx context.Context, offset int64) (io.ReadCloser, error) {
		out, release, err := pace.Open(ctx, s.pace, objects.CallTimeout, s.api.GetObject, v.Request(bucket, offset))
		if err != nil {
			return nil, err
		}
		if first != nil {
			first(out)
			first = nil
		}
		return body{out.Body, release}, nil
	}
}

// body ends its request when it is closed.
type body struct {
	io.ReadCloser
	release func()
}

func (b body) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}

// tooLarge reports whether the store refused to copy an object because of its size. Its limit may be lower than Amazon's.
func tooLarge(err error) bool {
	return hasCode(err, "EntityTooLarge") || (hasCode(err, "InvalidRequest") && strings.Contains(err.Error(), "larger than the maximum allowable size"))
}

// doubtful reports whether the copy of a version may have other bytes than it: both ETags are those of objects that were
// written in one piece, and differ. That is no proof, since encryption changes ETags too, but reason enough to read the source.
func doubtful(source, copy string) bool {
	source, copy = strings.Trim(source, `"`), strings.Trim(copy, `"`)
	return plainETag.MatchString(source) && plainETag.MatchString(copy) && source != copy
}

var plainETag = regexp.MustCompile(`^[0-9a-f]{32}$`)

// digestOf returns the SHA-256 of a version's copy in hexadecimal and what it was computed from.
func (r *run) digestOf(ctx context.Context, v objects.Version, e *Entry, c copied) error {
	var err error
	switch {
	case c.digest != "" && !doubtful(v.ETag, c.etag):
		e.SHA256, e.DigestBy = c.digest, byStore
		return nil
	case c.digest != "":
		if e.SHA256, err = r.hash(ctx, v.Bucket, v); err == nil && e.SHA256 != c.digest {
			return failure.New(failure.EvidenceMismatch, "the store says that the copy hashes to %s; the source hashes to %s", c.digest, e.SHA256)
		}
		e.DigestBy = bySource
		return err
	}
	e.SHA256, err = r.hash(ctx, v.Bucket, v)
	e.DigestBy = bySource
	if hasCode(err, "NoSuchKey", "NoSuchVersion", "NotFound") {
		// The source is gone since, and its copy is all there is.
		e.SHA256, err = r.hash(ctx, r.plan.bucket, e.copied())
		e.DigestBy = byCopy
	}
	return err
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
