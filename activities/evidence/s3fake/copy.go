package s3fake

import (
	"context"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// CopyObject copies one version, which CopySource names in URL encoding.
func (s *Store) CopyObject(ctx context.Context, in *s3.CopyObjectInput, _ ...func(*s3.Options)) (*s3.CopyObjectOutput, error) {
	if s.BeforeCopy != nil {
		if err := s.BeforeCopy(*in.Key); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := call(s.Before, "CopyObject", *in.Key); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	from, err := s.copySource(*in.CopySource, in.CopySourceIfMatch)
	if err != nil {
		return nil, err
	}
	if s.Whole > 0 && int64(len(from.Body)) > s.Whole {
		return nil, tooLarge(s.Whole)
	}
	v, err := s.write("copy", *in.Bucket, *in.Key, from.Body, in.IfNoneMatch, lock{in.ObjectLockMode, in.ObjectLockRetainUntilDate, in.ObjectLockLegalHoldStatus})
	if err != nil {
		return nil, err
	}
	if err := call(s.After, "CopyObject", *in.Key); err != nil {
		return nil, err
	}
	out := &s3.CopyObjectOutput{VersionId: &v.ID, CopyObjectResult: &types.CopyObjectResult{ETag: &v.ETag}}
	if in.ChecksumAlgorithm == types.ChecksumAlgorithmSha256 && !s.NoChecksums {
		out.CopyObjectResult.ChecksumSHA256, out.CopyObjectResult.ChecksumType = s.told(v.Body), types.ChecksumTypeFullObject
	}
	return out, nil
}

// copySource finds the version that a copy is made of, which is named in URL encoding.
func (s *Store) copySource(name string, ifMatch *string) (*Version, error) {
	path, escaped, _ := strings.Cut(name, "?versionId=")
	source, err1 := url.QueryUnescape(path)
	id, err2 := url.QueryUnescape(escaped)
	if err1 != nil || err2 != nil {
		return nil, fault("InvalidArgument")
	}
	bucket, key, _ := strings.Cut(source, "/")
	from := s.find(bucket, key, id)
	switch {
	case from == nil || from.Marker:
		return nil, fault("NoSuchKey")
	case ifMatch != nil && *ifMatch != from.ETag:
		return nil, fault("PreconditionFailed")
	}
	return from, nil
}
