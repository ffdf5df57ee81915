package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"firebreak/deploy/sandbox/company"
	"firebreak/deploy/sandbox/server"
)

// The buckets. The one that s5cmd writes to keeps no versions and no locks, which costs a server least.
const (
	sourceBucket   = "source"
	evidenceBucket = "evidence"
	plainBucket    = "plain"
)

// load is a set of objects.
type load struct {
	name    string
	objects int64
	each    int64
}

func (l load) bytes() int64 { return l.objects * l.each }

func (l load) prefix() string { return l.name + "/" }

// store is the server with the objects in it.
type store struct {
	server *server.S3
	client *s3.Client
	// files is the folder of the server's files.
	files string
}

func newStore(s *server.S3, files string) *store {
	return &store{server: s, files: files, client: company.S3Client(s.Endpoint, s.Region, company.Key{Access: s.AccessKey, Secret: s.SecretKey})}
}

func (s *store) makeBuckets(ctx context.Context) error {
	for _, name := range []string{sourceBucket, plainBucket, evidenceBucket} {
		in := &s3.CreateBucketInput{Bucket: aws.String(name), ObjectLockEnabledForBucket: aws.Bool(name == evidenceBucket)}
		if _, err := s.client.CreateBucket(ctx, in); err != nil {
			return fmt.Errorf("create bucket %s: %w", name, err)
		}
	}
	_, err := s.client.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: aws.String(sourceBucket),
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	if err != nil {
		return fmt.Errorf("turn on versioning: %w", err)
	}
	return nil
}

// partBytes is what a large object is uploaded in.
const partBytes = 64 << 20

// fill writes the objects of a load with random bytes.
func (s *store) fill(ctx context.Context, l load) error {
	if l.each > partBytes {
		return s.fillLarge(ctx, l)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2 * runtime.NumCPU())
	for i := range l.objects {
		group.Go(func() error {
			_, err := s.client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(sourceBucket), Key: aws.String(fmt.Sprintf("%s%06d", l.prefix(), i)),
				Body: bytes.NewReader(random(uint64(i), l.each))})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("put object: %w", err)
	}
	return nil
}

func (s *store) fillLarge(ctx context.Context, l load) error {
	bucket, key := aws.String(sourceBucket), aws.String(l.prefix()+"0")
	upload, err := s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
	if err != nil {
		return fmt.Errorf("begin upload: %w", err)
	}
	var parts []types.CompletedPart
	for from := int64(0); from < l.each; from += partBytes {
		number := aws.Int32(int32(len(parts) + 1))
		out, err := s.client.UploadPart(ctx, &s3.UploadPartInput{Bucket: bucket, Key: key, UploadId: upload.UploadId, PartNumber: number,
			Body: bytes.NewReader(random(uint64(from), min(partBytes, l.each-from)))}, withoutChecksum)
		if err != nil {
			return fmt.Errorf("upload part: %w", err)
		}
		parts = append(parts, types.CompletedPart{PartNumber: number, ETag: out.ETag})
	}
	_, err = s.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: upload.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
	if err != nil {
		return fmt.Errorf("complete upload: %w", err)
	}
	return nil
}

func withoutChecksum(o *s3.Options) {
	o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
}

func random(seed uint64, n int64) []byte {
	out := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24), byte(seed >> 32)}).Read(out) // never fails
	return out
}

// clear removes what the last run wrote, behind the server's back, for locked objects cannot be removed otherwise, and
// waits until the disk has all that was written, so that no contender pays for the one before.
func (s *store) clear() error {
	for _, bucket := range []string{evidenceBucket, plainBucket} {
		for _, kind := range []string{"buckets", "versions"} {
			entries, err := filepath.Glob(filepath.Join(s.files, kind, bucket, "[a-z]*"))
			if err != nil {
				return fmt.Errorf("list what was written: %w", err)
			}
			for _, entry := range entries {
				if err := os.RemoveAll(entry); err != nil {
					return fmt.Errorf("remove what was written: %w", err)
				}
			}
		}
	}
	syscall.Sync()
	return nil
}
