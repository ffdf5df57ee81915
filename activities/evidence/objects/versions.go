package objects

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// CallTimeout bounds a call to S3 that moves no bytes.
const CallTimeout = 30 * time.Second

// slowest is the transfer rate in bytes a second below which a store counts as failed.
const slowest = 4 << 20

// TransferTimeout bounds a call to S3 that moves size bytes.
func TransferTimeout(size int64) time.Duration {
	return time.Minute + time.Duration(size/slowest)*time.Second
}

// NoVersion is the id of a version that was written while its bucket kept none.
const NoVersion = "null"

// Reader is the part of S3 that reads.
type Reader interface {
	ListObjectVersions(context.Context, *s3.ListObjectVersionsInput, ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// Version is one version of one object. A delete marker has no bytes.
type Version struct {
	// Bucket is where it is; List sets it.
	Bucket       string
	Key          string
	ID           string
	ETag         string
	Size         int64
	LastModified time.Time
	// Latest is true for the version that a reader gets who names none.
	Latest       bool
	DeleteMarker bool
}

// IsFile reports whether the version has bytes that count: it is neither a delete marker nor the empty object by which
// consoles show a folder.
func (v Version) IsFile() bool {
	return !v.DeleteMarker && (v.Size > 0 || !strings.HasSuffix(v.Key, "/"))
}

// Pin is the version id to ask for; nil for a version that was written without versioning and is still the latest, which
// not every store finds by its id "null".
func (v Version) Pin() *string {
	if v.ID == "" || (v.ID == NoVersion && v.Latest) {
		return nil
	}
	return aws.String(v.ID)
}

// List returns every version at the location, delete markers included, sorted by key and version id. A bucket that keeps
// no versions yields one version an object, whose id is "null" or empty.
func List(ctx context.Context, api Reader, l Location) ([]Version, error) {
	var all []Version
	input := &s3.ListObjectVersionsInput{Bucket: aws.String(l.Bucket), Prefix: aws.String(l.Prefix)}
	for {
		page, err := listPage(ctx, api, input)
		if err != nil {
			return nil, fmt.Errorf("list versions at %s: %w", l, err)
		}
		all = appendPage(all, l, page)
		if !aws.ToBool(page.IsTruncated) {
			break
		}
		if aws.ToString(page.NextKeyMarker) == aws.ToString(input.KeyMarker) && aws.ToString(page.NextVersionIdMarker) == aws.ToString(input.VersionIdMarker) {
			return nil, fmt.Errorf("list versions at %s: %w", l, errors.New("the store's next page is the same page"))
		}
		input.KeyMarker, input.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
	}
	slices.SortFunc(all, func(a, b Version) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.ID, b.ID))
	})
	// Some stores begin a page with the version that ended the one before.
	return slices.CompactFunc(all, func(a, b Version) bool { return a.Key == b.Key && a.ID == b.ID }), nil
}

func listPage(ctx context.Context, api Reader, input *s3.ListObjectVersionsInput) (*s3.ListObjectVersionsOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	page, err := api.ListObjectVersions(ctx, input)
	if err != nil {
		return nil, err
	}
	// The SDK takes any XML, and an empty body, for a listing of nothing; a store says in each whose it is and whether it is whole.
	if page.Name == nil && page.IsTruncated == nil {
		return nil, errors.New("the answer is no listing; is a proxy in place of the store, or its address wrong?")
	}
	return page, nil
}

func appendPage(all []Version, l Location, page *s3.ListObjectVersionsOutput) []Version {
	for _, v := range page.Versions {
		if key := aws.ToString(v.Key); l.Contains(key) {
			all = append(all, Version{
				Bucket: l.Bucket, Key: key, ID: aws.ToString(v.VersionId), ETag: aws.ToString(v.ETag), Size: aws.ToInt64(v.Size),
				LastModified: aws.ToTime(v.LastModified).UTC(), Latest: aws.ToBool(v.IsLatest),
			})
		}
	}
	for _, m := range page.DeleteMarkers {
		if key := aws.ToString(m.Key); l.Contains(key) {
			all = append(all, Version{
				Bucket: l.Bucket, Key: key, ID: aws.ToString(m.VersionId),
				LastModified: aws.ToTime(m.LastModified).UTC(), Latest: aws.ToBool(m.IsLatest), DeleteMarker: true,
			})
		}
	}
	return all
}
