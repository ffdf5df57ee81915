package evidence

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/evidence/pace"
)

// copyParts copies a version part by part, on the server. What an earlier attempt copied is kept: the store's own list of
// parts says what is there. It returns the id of the copy.
func (r *run) copyParts(ctx context.Context, v objects.Version, key string) (string, error) {
	parts, err := split(v.Size, r.limits.Part)
	if err != nil {
		return "", err
	}
	id, ok := r.open[key]
	if !ok {
		if id, err = r.begin(ctx, key); err != nil {
			return "", err
		}
	}
	done, err := r.doneParts(ctx, key, id, parts)
	if err != nil {
		return "", err
	}
	if err := r.missingParts(ctx, v, key, id, parts, done); err != nil {
		return "", err
	}
	return r.complete(ctx, v, key, id, parts, done)
}

// begin opens an upload whose object will be locked from its first moment. If the answer is lost, the upload is looked for.
func (r *run) begin(ctx context.Context, key string) (string, error) {
	mode, until, hold := r.plan.lock.request(later(r.op.Capture.At, time.Now()))
	out, err := pace.Send(ctx, r.pace, pace.Once, objects.CallTimeout, r.api.CreateMultipartUpload, &s3.CreateMultipartUploadInput{
		Bucket: aws.String(r.plan.bucket), Key: aws.String(key),
		ObjectLockMode: mode, ObjectLockRetainUntilDate: until, ObjectLockLegalHoldStatus: hold,
	})
	if err == nil {
		return aws.ToString(out.UploadId), nil
	}
	if pace.Lost(err) {
		if open, listed := r.uploads(ctx, r.plan, key); listed == nil && len(open) > 0 {
			return open[0].id, nil
		}
	}
	return "", fmt.Errorf("begin upload: %w", err)
}

// doneParts returns the tokens of the parts that are there and have the size that they should have, by number.
func (r *run) doneParts(ctx context.Context, key, id string, parts []part) (map[int32]string, error) {
	done := make(map[int32]string, len(parts))
	in := &s3.ListPartsInput{Bucket: aws.String(r.plan.bucket), Key: aws.String(key), UploadId: aws.String(id)}
	for {
		page, err := pace.Send(ctx, r.pace, pace.Safe, objects.CallTimeout, r.api.ListParts, in)
		if err != nil {
			return nil, fmt.Errorf("list parts: %w", err)
		}
		for _, there := range page.Parts {
			n := aws.ToInt32(there.PartNumber)
			if n < 1 || int(n) > len(parts) || parts[n-1].size() != aws.ToInt64(there.Size) {
				continue
			}
			done[n] = aws.ToString(there.ETag)
			r.meter.Found(0, parts[n-1].size())
		}
		if !aws.ToBool(page.IsTruncated) || aws.ToString(page.NextPartNumberMarker) == aws.ToString(in.PartNumberMarker) {
			return done, nil
		}
		in.PartNumberMarker = page.NextPartNumberMarker
	}
}

// missingParts copies the parts that are not done and adds them.
func (r *run) missingParts(ctx context.Context, v objects.Version, key, id string, parts []part, done map[int32]string) error {
	var missing []part
	for _, p := range parts {
		if _, ok := done[p.number]; !ok {
			missing = append(missing, p)
		}
	}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.pace.Most())
	for _, p := range missing {
		group.Go(func() error {
			out, err := pace.Send(ctx, r.pace, pace.Safe, objects.TransferTimeout(p.size()), r.api.UploadPartCopy, &s3.UploadPartCopyInput{
				Bucket: aws.String(r.plan.bucket), Key: aws.String(key), UploadId: aws.String(id), PartNumber: aws.Int32(p.number),
				CopySource: aws.String(copySource(v.Bucket, v)), CopySourceIfMatch: aws.String(v.ETag), CopySourceRange: aws.String(p.rangeText()),
			})
			if err != nil {
				return fmt.Errorf("copy part %d of %d: %w", p.number, len(parts), err)
			}
			mu.Lock()
			defer mu.Unlock()
			done[p.number] = aws.ToString(out.CopyPartResult.ETag)
			r.meter.Add(0, p.size())
			return nil
		})
	}
	return group.Wait()
}

// complete makes the object of the parts. If the answer is lost, or the upload is gone, the object is looked for: it may
// be there.
func (r *run) complete(ctx context.Context, v objects.Version, key, id string, parts []part, done map[int32]string) (string, error) {
	list := make([]types.CompletedPart, 0, len(parts))
	for _, p := range parts {
		list = append(list, types.CompletedPart{PartNumber: aws.Int32(p.number), ETag: aws.String(done[p.number])})
	}
	in := &s3.CompleteMultipartUploadInput{
		Bucket: aws.String(r.plan.bucket), Key: aws.String(key), UploadId: aws.String(id),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: list}, MpuObjectSize: aws.Int64(v.Size), IfNoneMatch: aws.String("*"),
	}
	call := func() (*s3.CompleteMultipartUploadOutput, error) {
		return pace.Send(ctx, r.pace, pace.Once, objects.TransferTimeout(v.Size), r.api.CompleteMultipartUpload, in)
	}
	out, err := call()
	if hasCode(err, "NotImplemented") {
		in.IfNoneMatch = nil
		out, err = call()
	}
	if err == nil && keepsVersions(out.VersionId) {
		return *out.VersionId, nil
	}
	if err == nil || pace.Lost(err) || hasCode(err, "NoSuchUpload", "PreconditionFailed", "ConditionalRequestConflict") {
		found, lookErr := r.find(ctx, key)
		if lookErr == nil && found != nil {
			return found.ID, r.abort(ctx, r.plan.bucket, key, id)
		}
		if err == nil {
			return "", r.noVersions()
		}
	}
	if hasCode(err, "InvalidPart", "InvalidPartOrder", "EntityTooSmall", "IncorrectMpuObjectSize") {
		// The parts are not what was listed: the next attempt begins anew.
		if err := r.abort(ctx, r.plan.bucket, key, id); err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("complete upload of %d parts: %w", len(parts), err)
}

// find returns the oldest version of a copy, or nil.
func (r *run) find(ctx context.Context, key string) (*objects.Version, error) {
	versions, err := r.list(ctx, objects.Location{Bucket: r.plan.bucket, Prefix: key})
	if err != nil {
		return nil, err
	}
	versions = slices.DeleteFunc(versions, func(v objects.Version) bool { return v.DeleteMarker || v.Key != key })
	if len(versions) == 0 {
		return nil, nil
	}
	oldest := slices.MinFunc(versions, func(a, b objects.Version) int { return a.LastModified.Compare(b.LastModified) })
	return &oldest, nil
}
