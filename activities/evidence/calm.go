package evidence

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/evidence/pace"
)

// calm is a store whose requests keep the pace: what a busy store refuses is sent again, more slowly. Options of a call are
// not passed on: each request is sent once by the SDK and again by the pace alone.
type calm struct {
	store
	pace *pace.Pace
}

// longest bounds a request whose size calm does not know. The caller's own bound is shorter.
const longest = time.Hour

func (c calm) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput, _ ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error) {
	return pace.Send(ctx, c.pace, pace.Safe, objects.CallTimeout, c.store.ListObjectVersions, in)
}

func (c calm) GetObject(ctx context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	out, release, err := pace.Open(ctx, c.pace, objects.CallTimeout, c.store.GetObject, in)
	if err != nil {
		return nil, err
	}
	out.Body = body{out.Body, release}
	return out, nil
}

func (c calm) HeadObject(ctx context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	return pace.Send(ctx, c.pace, pace.Safe, objects.CallTimeout, c.store.HeadObject, in)
}

// PutObject takes a body that can be read again.
func (c calm) PutObject(ctx context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	again := func(ctx context.Context, in *s3.PutObjectInput, options ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
		if seeker, ok := in.Body.(io.Seeker); ok {
			if _, err := seeker.Seek(0, io.SeekStart); err != nil {
				return nil, fmt.Errorf("read body again: %w", err)
			}
		}
		return c.store.PutObject(ctx, in, options...)
	}
	return pace.Send(ctx, c.pace, pace.Once, longest, again, in)
}

func (c calm) GetObjectRetention(ctx context.Context, in *s3.GetObjectRetentionInput, _ ...func(*s3.Options)) (*s3.GetObjectRetentionOutput, error) {
	return pace.Send(ctx, c.pace, pace.Safe, objects.CallTimeout, c.store.GetObjectRetention, in)
}

func (c calm) GetObjectLegalHold(ctx context.Context, in *s3.GetObjectLegalHoldInput, _ ...func(*s3.Options)) (*s3.GetObjectLegalHoldOutput, error) {
	return pace.Send(ctx, c.pace, pace.Safe, objects.CallTimeout, c.store.GetObjectLegalHold, in)
}

// DeleteObject is sent once: a store that deletes what is locked has no second chance.
func (c calm) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput, _ ...func(*s3.Options)) (*s3.DeleteObjectOutput, error) {
	return pace.Send(ctx, c.pace, pace.Once, objects.CallTimeout, c.store.DeleteObject, in)
}

// list returns every version at a location.
func (s *Snapshot) list(ctx context.Context, l objects.Location) ([]objects.Version, error) {
	return objects.List(ctx, s.calm, l)
}
