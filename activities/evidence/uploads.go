package evidence

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/evidence/pace"
)

// upload is a multipart upload that is neither completed nor aborted.
type upload struct {
	key, id string
	begun   time.Time
}

// copyName is what a copy is called below a step's prefix. Nothing that is called otherwise is firebreak's to abort.
var copyName = regexp.MustCompile(`^objects/[0-9a-f]{64}$`)

// uploads lists the open uploads of this step, oldest first for each key. They are known by their keys, which are made
// from the incident, the step, the target and the source's version.
func (s *Snapshot) uploads(ctx context.Context, p plan, prefix string) ([]upload, error) {
	var out []upload
	in := &s3.ListMultipartUploadsInput{Bucket: aws.String(p.bucket), Prefix: aws.String(prefix)}
	for {
		page, err := pace.Send(ctx, s.pace, pace.Safe, objects.CallTimeout, s.api.ListMultipartUploads, in)
		if err != nil {
			return nil, fmt.Errorf("list uploads under s3://%s/%s: %w", p.bucket, prefix, err)
		}
		for _, u := range page.Uploads {
			name, ours := strings.CutPrefix(aws.ToString(u.Key), p.prefix)
			if ours && copyName.MatchString(name) {
				out = append(out, upload{key: aws.ToString(u.Key), id: aws.ToString(u.UploadId), begun: aws.ToTime(u.Initiated)})
			}
		}
		if !aws.ToBool(page.IsTruncated) || (aws.ToString(page.NextKeyMarker) == aws.ToString(in.KeyMarker) && aws.ToString(page.NextUploadIdMarker) == aws.ToString(in.UploadIdMarker)) {
			return out, nil
		}
		in.KeyMarker, in.UploadIdMarker = page.NextKeyMarker, page.NextUploadIdMarker
	}
}

// resumable keeps one upload for each copy that is still to be made, the oldest, and aborts this step's others.
func (s *Snapshot) resumable(ctx context.Context, p plan, wanted map[string]bool) (map[string]string, error) {
	open, err := s.uploads(ctx, p, p.prefix)
	if err != nil {
		return nil, err
	}
	kept := map[string]upload{}
	for _, u := range open {
		old, twice := kept[u.key]
		switch {
		case wanted[u.key] && !twice:
			kept[u.key] = u
			continue
		case wanted[u.key] && u.begun.Before(old.begun):
			kept[u.key], u = u, old
		}
		if err := s.abort(ctx, p.bucket, u.key, u.id); err != nil {
			return nil, err
		}
	}
	ids := make(map[string]string, len(kept))
	for key, u := range kept {
		ids[key] = u.id
	}
	return ids, nil
}

// abort ends an upload and frees its parts. One that is gone already is no error.
func (s *Snapshot) abort(ctx context.Context, bucket, key, id string) error {
	_, err := pace.Send(ctx, s.pace, pace.Safe, objects.CallTimeout, s.api.AbortMultipartUpload,
		&s3.AbortMultipartUploadInput{Bucket: aws.String(bucket), Key: aws.String(key), UploadId: aws.String(id)})
	if err != nil && !hasCode(err, "NoSuchUpload") {
		return fmt.Errorf("abort upload of s3://%s/%s: %w", bucket, key, err)
	}
	return nil
}
