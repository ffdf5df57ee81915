package s3fake

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// upload is a multipart upload that is under way.
type upload struct {
	bucket, key, id string
	lock            lock
	parts           map[int32][]byte
	begun           time.Time
}

// Uploads lists the uploads that are under way, as "key id".
func (s *Store) Uploads() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, u := range s.uploads {
		out = append(out, u.key+" "+u.id)
	}
	return out
}

// Begin opens an upload as somebody else would.
func (s *Store) Begin(bucket, key string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begin(bucket, key, lock{}).id
}

// Put stores a part as somebody else would.
func (s *Store) Put(id string, number int32, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.uploads {
		if u.id == id {
			u.parts[number] = []byte(body)
		}
	}
}

func (s *Store) begin(bucket, key string, l lock) *upload {
	s.next++
	u := &upload{bucket: bucket, key: key, id: fmt.Sprintf("u%d", s.next), lock: l, parts: map[int32][]byte{}, begun: time.Now()}
	s.uploads = append(s.uploads, u)
	return u
}

func (s *Store) upload(key, id *string) (*upload, error) {
	i := slices.IndexFunc(s.uploads, func(u *upload) bool { return u.key == *key && u.id == *id })
	if i < 0 {
		return nil, fault("NoSuchUpload")
	}
	return s.uploads[i], nil
}

func (s *Store) drop(u *upload) {
	s.uploads = slices.DeleteFunc(s.uploads, func(other *upload) bool { return other == u })
}

// CreateMultipartUpload opens an upload; the lock is that of the object it will be.
func (s *Store) CreateMultipartUpload(_ context.Context, in *s3.CreateMultipartUploadInput, _ ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error) {
	if err := call(s.Before, "CreateMultipartUpload", *in.Key); err != nil {
		return nil, err
	}
	s.mu.Lock()
	u := s.begin(*in.Bucket, *in.Key, lock{in.ObjectLockMode, in.ObjectLockRetainUntilDate, in.ObjectLockLegalHoldStatus})
	s.mu.Unlock()
	return &s3.CreateMultipartUploadOutput{UploadId: &u.id}, call(s.After, "CreateMultipartUpload", *in.Key)
}

// UploadPartCopy copies a range of a version.
func (s *Store) UploadPartCopy(ctx context.Context, in *s3.UploadPartCopyInput, _ ...func(*s3.Options)) (*s3.UploadPartCopyOutput, error) {
	if err := call(s.Before, "UploadPartCopy", *in.Key); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.upload(in.Key, in.UploadId)
	if err != nil {
		return nil, err
	}
	from, err := s.copySource(*in.CopySource, in.CopySourceIfMatch)
	if err != nil {
		return nil, err
	}
	var first, last int64
	if _, err := fmt.Sscanf(*in.CopySourceRange, "bytes=%d-%d", &first, &last); err != nil || last >= int64(len(from.Body)) || first > last {
		return nil, fault("InvalidRange")
	}
	if s.Whole > 0 && last-first+1 > s.Whole {
		return nil, tooLarge(s.Whole)
	}
	u.parts[*in.PartNumber] = bytes.Clone(from.Body[first : last+1])
	s.writes = append(s.writes, fmt.Sprintf("part %d", *in.PartNumber))
	return &s3.UploadPartCopyOutput{CopyPartResult: &types.CopyPartResult{ETag: partETag(u.parts[*in.PartNumber])}}, call(s.After, "UploadPartCopy", *in.Key)
}

// ListParts lists two parts at a time.
func (s *Store) ListParts(_ context.Context, in *s3.ListPartsInput, _ ...func(*s3.Options)) (*s3.ListPartsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.upload(in.Key, in.UploadId)
	if err != nil {
		return nil, err
	}
	after := int32(0)
	_, _ = fmt.Sscan(aws.ToString(in.PartNumberMarker), &after)
	out := &s3.ListPartsOutput{IsTruncated: aws.Bool(false)}
	for n := after + 1; n <= 10_000; n++ {
		body, ok := u.parts[n]
		if !ok {
			continue
		}
		if len(out.Parts) == pageSize {
			out.IsTruncated = aws.Bool(true)
			break
		}
		out.Parts = append(out.Parts, types.Part{PartNumber: aws.Int32(n), Size: aws.Int64(int64(len(body))), ETag: partETag(body)})
		out.NextPartNumberMarker = aws.String(fmt.Sprint(n))
	}
	return out, nil
}

// ListMultipartUploads lists those whose keys have the prefix.
func (s *Store) ListMultipartUploads(_ context.Context, in *s3.ListMultipartUploadsInput, _ ...func(*s3.Options)) (*s3.ListMultipartUploadsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &s3.ListMultipartUploadsOutput{IsTruncated: aws.Bool(false)}
	for _, u := range s.uploads {
		if u.bucket == *in.Bucket && strings.HasPrefix(u.key, aws.ToString(in.Prefix)) {
			out.Uploads = append(out.Uploads, types.MultipartUpload{Key: &u.key, UploadId: &u.id, Initiated: &u.begun})
		}
	}
	return out, nil
}

// CompleteMultipartUpload makes the object of the parts that are named.
func (s *Store) CompleteMultipartUpload(_ context.Context, in *s3.CompleteMultipartUploadInput, _ ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error) {
	if err := call(s.Before, "CompleteMultipartUpload", *in.Key); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.upload(in.Key, in.UploadId)
	if err != nil {
		return nil, err
	}
	var body []byte
	for _, p := range in.MultipartUpload.Parts {
		part, ok := u.parts[*p.PartNumber]
		if !ok || *partETag(part) != *p.ETag {
			return nil, fault("InvalidPart")
		}
		body = append(body, part...)
	}
	if in.MpuObjectSize != nil && *in.MpuObjectSize != int64(len(body)) {
		return nil, fault("InvalidRequest")
	}
	v, err := s.write("complete", *in.Bucket, *in.Key, body, in.IfNoneMatch, u.lock)
	if err != nil {
		return nil, err
	}
	v.Parted = true
	v.ETag = strings.TrimSuffix(v.ETag, `"`) + fmt.Sprintf(`-%d"`, len(u.parts))
	s.drop(u)
	return &s3.CompleteMultipartUploadOutput{VersionId: &v.ID}, call(s.After, "CompleteMultipartUpload", *in.Key)
}

// AbortMultipartUpload frees the parts of an upload.
func (s *Store) AbortMultipartUpload(_ context.Context, in *s3.AbortMultipartUploadInput, _ ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.upload(in.Key, in.UploadId)
	if err != nil {
		return nil, err
	}
	s.drop(u)
	return &s3.AbortMultipartUploadOutput{}, nil
}

func partETag(body []byte) *string {
	sum := md5.Sum(body)
	return aws.String(`"` + hex.EncodeToString(sum[:]) + `"`)
}
