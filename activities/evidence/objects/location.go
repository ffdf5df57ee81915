// Package objects reads what is kept in S3: which versions a prefix holds, and what their bytes hash to.
//
// Objects are read by version id wherever the store has one: a key alone may name other bytes a moment later.
package objects

import (
	"fmt"
	"net/url"
	"strings"

	"firebreak/activities/failure"
)

// Location is a prefix of keys in a bucket. Prefix names a folder, or one object; it never ends in the middle of a name.
type Location struct {
	Bucket string
	// Prefix has no slash at its end.
	Prefix string
}

// ParseURI reads s3://bucket/prefix/. A version id on a prefix pins nothing and is ignored.
func ParseURI(uri string) (Location, error) {
	plain, _, _ := strings.Cut(uri, "?versionId=")
	rest, ok := strings.CutPrefix(plain, "s3://")
	bucket, prefix, _ := strings.Cut(rest, "/")
	if !ok || bucket == "" {
		return Location{}, failure.New(failure.Unsupported, "%q is not in S3 (s3://bucket/prefix/)", plain)
	}
	return Location{Bucket: bucket, Prefix: strings.TrimRight(prefix, "/")}, nil
}

// VersionURI names one version of one object.
func VersionURI(bucket, key, versionID string) string {
	return "s3://" + bucket + "/" + key + "?versionId=" + url.QueryEscape(versionID)
}

// ParseVersionURI reads what VersionURI wrote.
func ParseVersionURI(uri string) (bucket, key, versionID string, err error) {
	rest, ok := strings.CutPrefix(uri, "s3://")
	path, escaped, pinned := strings.Cut(rest, "?versionId=")
	bucket, key, _ = strings.Cut(path, "/")
	versionID, err = url.QueryUnescape(escaped)
	if !ok || !pinned || bucket == "" || key == "" || versionID == "" || err != nil {
		return "", "", "", fmt.Errorf("%q does not name a version of an object", uri)
	}
	return bucket, key, versionID, nil
}

// String returns the location as a URI.
func (l Location) String() string { return "s3://" + l.Bucket + "/" + l.Prefix }

// Contains reports whether the key is the object or below the folder.
func (l Location) Contains(key string) bool {
	return l.Prefix == "" || key == l.Prefix || strings.HasPrefix(key, l.Prefix+"/")
}

// Name is the key's name relative to the location; a location that is one object has its last segment.
func (l Location) Name(key string) string {
	if l.Prefix == "" {
		return key
	}
	if key == l.Prefix {
		return key[strings.LastIndex(key, "/")+1:]
	}
	return strings.TrimPrefix(key, l.Prefix+"/")
}
