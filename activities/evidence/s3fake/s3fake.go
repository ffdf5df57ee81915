// Package s3fake is an S3 in memory for tests: versions, delete markers, Object Lock and the errors that go with them.
// It has the methods of the SDK's client that evidence and registry use.
package s3fake

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// pageSize is small, so that every listing is paged.
const pageSize = 2

// Version is one stored version.
type Version struct {
	Key, ID, ETag string
	Body          []byte
	ContentType   string
	Metadata      map[string]string
	Marker        bool
	Mode          types.ObjectLockMode
	Until         time.Time
	Hold          bool
	// Parted is true for what was made of parts; its checksum is one over those of the parts.
	Parted bool
	At     time.Time
}

// Store is the service. Every bucket exists and keeps versions.
type Store struct {
	// DropLocks makes the store take lock headers and not lock, NoChecksums makes it tell none, and DeletesAnything makes
	// it delete locked versions.
	DropLocks, NoChecksums, DeletesAnything bool
	// WrongChecksums makes it tell the checksum of other bytes.
	WrongChecksums bool
	// Whole is the size of the largest object, or part, that it copies with one request; 0 means that there is no limit.
	Whole int64
	// BeforeCopy, if set, is called before each copy.
	BeforeCopy func(key string) error
	// Swap, if set, changes the bytes of what a copy writes, as a broken store would.
	Swap func([]byte) []byte
	// Before is called before a request takes effect, and After when it has: what they return is the caller's answer.
	Before, After func(request, key string) error

	mu      sync.Mutex
	next    int
	buckets map[string][]*Version
	uploads []*upload
	writes  []string
}

// New returns an empty store.
func New() *Store { return &Store{buckets: map[string][]*Version{}} }

// Add stores an unlocked version, as an owner of the data would, and returns its id.
func (s *Store) Add(bucket, key, body string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(bucket, &Version{Key: key, Body: []byte(body)}).ID
}

// Mark puts a delete marker on a key.
func (s *Store) Mark(bucket, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(bucket, &Version{Key: key, Marker: true})
}

// Versions returns copies of a bucket's versions whose keys have the prefix, oldest first.
func (s *Store) Versions(bucket, prefix string) []Version {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Version
	for _, v := range s.buckets[bucket] {
		if strings.HasPrefix(v.Key, prefix) {
			out = append(out, *v)
		}
	}
	return out
}

// Change alters a stored version behind the store's back.
func (s *Store) Change(bucket, key string, change func(*Version)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.buckets[bucket] {
		if v.Key == key {
			change(v)
		}
	}
}

// Writes lists the puts and copies in order, as "put key" or "copy key".
func (s *Store) Writes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.writes)
}

func (s *Store) add(bucket string, v *Version) *Version {
	s.next++
	sum := md5.Sum(v.Body)
	v.ID, v.ETag, v.At = fmt.Sprintf("v+%d/", s.next), `"`+hex.EncodeToString(sum[:])+`"`, time.Now()
	s.buckets[bucket] = append(s.buckets[bucket], v)
	return v
}

func (s *Store) find(bucket, key, id string) *Version {
	var found *Version
	for _, v := range s.buckets[bucket] {
		if v.Key == key && (id == "" || v.ID == id) {
			found = v
		}
	}
	return found
}

// ListObjectVersions lists two versions at a time, by key and newest first.
func (s *Store) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput, _ ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*Version
	for i, v := range s.buckets[*in.Bucket] {
		if strings.HasPrefix(v.Key, aws.ToString(in.Prefix)) {
			all = append(all, s.buckets[*in.Bucket][i])
		}
	}
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b *Version) int { return cmp.Compare(a.Key, b.Key) })
	if in.VersionIdMarker != nil {
		i := slices.IndexFunc(all, func(v *Version) bool { return v.ID == *in.VersionIdMarker })
		all = all[i+1:]
	}
	out := &s3.ListObjectVersionsOutput{IsTruncated: aws.Bool(len(all) > pageSize)}
	for _, v := range all[:min(len(all), pageSize)] {
		latest := aws.Bool(s.find(*in.Bucket, v.Key, "") == v)
		if v.Marker {
			out.DeleteMarkers = append(out.DeleteMarkers, types.DeleteMarkerEntry{Key: &v.Key, VersionId: &v.ID, IsLatest: latest, LastModified: &v.At})
		} else {
			out.Versions = append(out.Versions, types.ObjectVersion{Key: &v.Key, VersionId: &v.ID, IsLatest: latest, LastModified: &v.At, ETag: &v.ETag, Size: aws.Int64(int64(len(v.Body)))})
		}
		out.NextKeyMarker, out.NextVersionIdMarker = &v.Key, &v.ID
	}
	return out, nil
}

// GetObject returns a version's bytes, or those from an offset on.
func (s *Store) GetObject(ctx context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := call(s.Before, "GetObject", *in.Key); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.find(*in.Bucket, *in.Key, aws.ToString(in.VersionId))
	if v == nil || v.Marker {
		return nil, fault("NoSuchVersion")
	}
	if in.IfMatch != nil && *in.IfMatch != v.ETag {
		return nil, fault("PreconditionFailed")
	}
	from := 0
	if in.Range != nil {
		if _, err := fmt.Sscanf(*in.Range, "bytes=%d-", &from); err != nil || from >= len(v.Body) {
			return nil, fault("InvalidRange")
		}
	}
	out := &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(v.Body[from:])), VersionId: &v.ID, LastModified: &v.At, ContentLength: aws.Int64(int64(len(v.Body) - from))}
	if v.Mode != "" {
		out.ObjectLockMode, out.ObjectLockRetainUntilDate = v.Mode, &v.Until
	}
	if v.Hold {
		out.ObjectLockLegalHoldStatus = types.ObjectLockLegalHoldStatusOn
	}
	return out, nil
}

// HeadObject returns what is known of a version.
func (s *Store) HeadObject(_ context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.find(*in.Bucket, *in.Key, aws.ToString(in.VersionId))
	if v == nil || v.Marker {
		return nil, fault("NotFound")
	}
	out := &s3.HeadObjectOutput{VersionId: &v.ID, ContentLength: aws.Int64(int64(len(v.Body))), ETag: &v.ETag}
	if v.Mode != "" {
		out.ObjectLockMode, out.ObjectLockRetainUntilDate = v.Mode, &v.Until
	}
	if in.ChecksumMode == types.ChecksumModeEnabled && !s.NoChecksums {
		if v.Parted {
			out.ChecksumSHA256, out.ChecksumType = aws.String(*checksum(v.Body)+"-2"), types.ChecksumTypeComposite
		} else {
			out.ChecksumSHA256, out.ChecksumType = s.told(v.Body), types.ChecksumTypeFullObject
		}
	}
	if v.Hold {
		out.ObjectLockLegalHoldStatus = types.ObjectLockLegalHoldStatusOn
	}
	return out, nil
}

// told is the checksum that the store tells.
func (s *Store) told(body []byte) *string {
	if s.WrongChecksums {
		return checksum(append(bytes.Clone(body), 'x'))
	}
	return checksum(body)
}

// PutObject stores a new version.
func (s *Store) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.ChecksumSHA256 != nil && *in.ChecksumSHA256 != *checksum(body) {
		return nil, fault("BadDigest")
	}
	if err := call(s.Before, "PutObject", *in.Key); err != nil {
		return nil, err
	}
	v, err := s.write("put", *in.Bucket, *in.Key, body, in.IfNoneMatch, lock{in.ObjectLockMode, in.ObjectLockRetainUntilDate, in.ObjectLockLegalHoldStatus})
	if err != nil {
		return nil, err
	}
	v.ContentType, v.Metadata = aws.ToString(in.ContentType), in.Metadata
	return &s3.PutObjectOutput{VersionId: &v.ID}, nil
}

func (s *Store) write(verb, bucket, key string, body []byte, ifNoneMatch *string, l lock) (*Version, error) {
	if current := s.find(bucket, key, ""); ifNoneMatch != nil && current != nil && !current.Marker {
		return nil, fault("PreconditionFailed")
	}
	if l.mode != "" && (l.until == nil || !l.until.After(time.Now())) {
		return nil, fault("InvalidArgument")
	}
	v := &Version{Key: key, Body: bytes.Clone(body)}
	if s.Swap != nil && verb == "copy" {
		v.Body = s.Swap(v.Body)
	}
	if !s.DropLocks {
		v.Hold = l.hold == types.ObjectLockLegalHoldStatusOn
		if l.mode != "" {
			v.Mode, v.Until = l.mode, *l.until
		}
	}
	s.writes = append(s.writes, verb+" "+key)
	return s.add(bucket, v), nil
}

// DeleteObject deletes a version if it is not locked; without a version id it puts a marker and always succeeds.
func (s *Store) DeleteObject(_ context.Context, in *s3.DeleteObjectInput, _ ...func(*s3.Options)) (*s3.DeleteObjectOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.VersionId == nil {
		s.add(*in.Bucket, &Version{Key: *in.Key, Marker: true})
		return &s3.DeleteObjectOutput{}, nil
	}
	v := s.find(*in.Bucket, *in.Key, *in.VersionId)
	if v != nil && (v.Mode != "" || v.Hold) && !s.DeletesAnything {
		return nil, fault("AccessDenied")
	}
	s.buckets[*in.Bucket] = slices.DeleteFunc(s.buckets[*in.Bucket], func(e *Version) bool { return e == v })
	return &s3.DeleteObjectOutput{}, nil
}

func checksum(body []byte) *string {
	sum := sha256.Sum256(body)
	return aws.String(base64.StdEncoding.EncodeToString(sum[:]))
}

// call calls a hook if it is set.
func call(hook func(request, key string) error, request, key string) error {
	if hook == nil {
		return nil
	}
	return hook(request, key)
}

func tooLarge(limit int64) error {
	return &smithy.GenericAPIError{Code: "InvalidRequest", Message: fmt.Sprintf("The specified copy source is larger than the maximum allowable size for a copy source: %d", limit)}
}

func fault(code string) error { return &smithy.GenericAPIError{Code: code, Message: code} }
