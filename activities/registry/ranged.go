package registry

import (
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"firebreak/activities/evidence/objects"
)

// blockBytes is how much is read at a time. Headers and directories of archives are near one another.
const blockBytes = 1 << 20

// ranged reads parts of one version of an object and keeps the latest part. It is for one reader at a time.
type ranged struct {
	ctx    context.Context
	api    objects.Reader
	bucket string
	v      objects.Version

	start int64
	block []byte
}

// ReadAt reads from the version.
func (r *ranged) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) {
		at := off + int64(n)
		if at >= r.v.Size {
			return n, io.EOF
		}
		if at < r.start || at >= r.start+int64(len(r.block)) {
			if err := r.fetch(at); err != nil {
				return n, err
			}
		}
		n += copy(p[n:], r.block[at-r.start:])
	}
	return n, nil
}

// fetch reads the block that begins at the offset.
func (r *ranged) fetch(at int64) error {
	size := min(blockBytes, r.v.Size-at)
	ctx, cancel := context.WithTimeout(r.ctx, objects.TransferTimeout(size))
	defer cancel()
	out, err := r.api.GetObject(ctx, &s3.GetObjectInput{
		Bucket: aws.String(r.bucket), Key: aws.String(r.v.Key), VersionId: r.v.Pin(), Range: aws.String(fmt.Sprintf("bytes=%d-%d", at, at+size-1)),
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", objects.VersionURI(r.bucket, r.v.Key, r.v.ID), err)
	}
	defer out.Body.Close()
	block := make([]byte, size)
	if _, err := io.ReadFull(out.Body, block); err != nil {
		return fmt.Errorf("read %s: %w", objects.VersionURI(r.bucket, r.v.Key, r.v.ID), err)
	}
	r.start, r.block = at, block
	return nil
}
