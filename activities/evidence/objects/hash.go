package objects

import (
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"firebreak/activities/failure"
	"firebreak/internal/manifest"
)

// Concurrency bounds how many objects are read or copied at a time.
const Concurrency = 8

// Hash reads a version's bytes and returns their SHA-256 in hexadecimal and their number. It keeps no more of them in
// memory than a buffer.
func Hash(ctx context.Context, api Reader, bucket string, v Version) (string, int64, error) {
	ctx, cancel := context.WithTimeout(ctx, TransferTimeout(v.Size))
	defer cancel()
	sum, n, err := Sum(ctx, v.Size, func(ctx context.Context, offset int64) (io.ReadCloser, error) {
		out, err := api.GetObject(ctx, v.Request(bucket, offset))
		if err != nil {
			return nil, err
		}
		return out.Body, nil
	}, nil)
	if err != nil {
		return "", n, fmt.Errorf("read %s: %w", VersionURI(bucket, v.Key, v.ID), err)
	}
	return sum, n, nil
}

// Request asks for a version's bytes from an offset on. A version without an id is pinned by its ETag, which is no digest
// but changes with the bytes.
func (v Version) Request(bucket string, offset int64) *s3.GetObjectInput {
	in := &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(v.Key), VersionId: v.Pin()}
	if v.ETag != "" {
		in.IfMatch = aws.String(v.ETag)
	}
	if offset > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", offset))
	}
	return in
}

// Root hashes the current files at the location and returns their root digest (manifest.Root), with names relative to
// it. The object with the key skip, if any, is left out: the signature over the files beside them. A location without a
// file is a final error.
func Root(ctx context.Context, api Reader, l Location, skip string) (string, error) {
	versions, err := List(ctx, api, l)
	if err != nil {
		return "", err
	}
	var files []manifest.File
	var current []Version
	for _, v := range versions {
		if v.Latest && v.IsFile() && v.Key != skip {
			current = append(current, v)
			files = append(files, manifest.File{Name: l.Name(v.Key), Size: v.Size, VersionID: v.ID})
		}
	}
	if len(files) == 0 {
		return "", failure.New(failure.EvidenceMismatch, "hash %s: there is no object", l)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(Concurrency)
	for i := range current {
		group.Go(func() error {
			sum, _, err := Hash(ctx, api, l.Bucket, current[i])
			files[i].SHA256 = sum
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return "", err
	}
	root, err := manifest.Root(files)
	if err != nil {
		return "", fmt.Errorf("hash %s: %w", l, err)
	}
	return root, nil
}
