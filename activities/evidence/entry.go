package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"firebreak/activities/evidence/objects"
	"firebreak/internal/manifest"
)

// How an object was preserved.
const (
	// methodFull means that all its bytes were copied.
	methodFull = "full"
	// methodMetadata means that there are no bytes: a delete marker, or the empty object that stands for a folder.
	methodMetadata = "metadata_only"
)

// What a digest was computed from.
const (
	// byStore is the SHA-256 of the whole copy that the store computed as it wrote it.
	byStore = "store"
	// bySource and byCopy were read and hashed by the worker.
	bySource = "source"
	byCopy   = "copy"
)

// Entry is one line of a snapshot's manifest: a version at the source and its locked copy. A delete marker and the
// empty object that stands for a folder have no bytes and no copy.
type Entry struct {
	SourceBucket    string    `json:"source_bucket,omitempty"`
	SourceKey       string    `json:"source_key"`
	SourceVersionID string    `json:"source_version_id"`
	Latest          bool      `json:"latest"`
	Size            int64     `json:"size"`
	ETag            string    `json:"etag"`
	SHA256          string    `json:"sha256"`
	DigestBy        string    `json:"digest_by,omitempty"`
	LastModified    time.Time `json:"last_modified"`
	DeleteMarker    bool      `json:"delete_marker"`
	// Method is full or metadata_only. Nothing is sampled.
	Method string `json:"method,omitempty"`
	// Role is what the object is to a table, e.g. "delta-log" or "iceberg-data"; empty for what belongs to none.
	Role string `json:"role,omitempty"`
	// Note is on the file that defines a table: which one it is, and what of it could not be read or is not there.
	Note        string    `json:"note,omitempty"`
	Key         string    `json:"key"`
	VersionID   string    `json:"version_id"`
	LockMode    string    `json:"lock_mode"`
	RetainUntil time.Time `json:"retain_until,omitzero"`
	LegalHold   bool      `json:"legal_hold,omitempty"`
}

// newEntry describes the source's side.
func newEntry(v objects.Version) Entry {
	return Entry{
		SourceBucket: v.Bucket, SourceKey: v.Key, SourceVersionID: v.ID, Latest: v.Latest, Size: v.Size, ETag: v.ETag,
		LastModified: v.LastModified, DeleteMarker: v.DeleteMarker, Method: methodMetadata,
	}
}

// source is the version that the entry was made from.
func (e Entry) source() objects.Version {
	return objects.Version{
		Bucket: e.SourceBucket, Key: e.SourceKey, ID: e.SourceVersionID, Latest: e.Latest, Size: e.Size, ETag: e.ETag,
		LastModified: e.LastModified, DeleteMarker: e.DeleteMarker,
	}
}

// copied is the version that the entry says is in the evidence store.
func (e Entry) copied() objects.Version {
	return objects.Version{Key: e.Key, ID: e.VersionID, Size: e.Size}
}

func entryKey(e Entry) string { return sourceKey(e.source()) }

// sourceKey identifies a version at the source.
func sourceKey(v objects.Version) string { return v.Bucket + "\x00" + v.Key + "\x00" + v.ID }

// listing is what a prefix held, without the list itself.
type listing struct {
	Objects       int    `json:"objects"`
	DeleteMarkers int    `json:"delete_markers"`
	Bytes         int64  `json:"bytes"`
	Digest        string `json:"digest"`
}

// summarize counts versions that are sorted by key and version id. The digest is over what a version cannot change; which
// one is the latest can.
func summarize(versions []objects.Version) listing {
	var out listing
	sum := sha256.New()
	for _, v := range versions {
		switch {
		case v.DeleteMarker:
			out.DeleteMarkers++
		case v.IsFile():
			out.Objects++
		}
		out.Bytes += v.Size
		fmt.Fprintf(sum, "%q %q %q %d %t\n", v.Key, v.ID, v.ETag, v.Size, v.DeleteMarker)
	}
	out.Digest = manifest.Digest(sum.Sum(nil))
	return out
}

// sources are the versions that the entries of a manifest were made from, in the manifest's order.
func sources(entries []Entry) []objects.Version {
	out := make([]objects.Version, len(entries))
	for i, e := range entries {
		out[i] = e.source()
	}
	return out
}

// compareDigest says whether the current files have the root digest that the inventory records. The list of the files and
// the signature over them may be kept beside them and cannot be among them.
func compareDigest(entries []Entry, at objects.Location, want string) string {
	var all, rest []manifest.File
	for _, e := range entries {
		if !e.Latest || !e.source().IsFile() || (e.SourceBucket != "" && e.SourceBucket != at.Bucket) || !at.Contains(e.SourceKey) {
			continue
		}
		f := manifest.File{Name: at.Name(e.SourceKey), SHA256: e.SHA256, Size: e.Size}
		all = append(all, f)
		if f.Name != manifest.SignatureName && f.Name != manifestName {
			rest = append(rest, f)
		}
	}
	got, err := manifest.Root(all)
	if err != nil {
		return "mismatch: there is no current object"
	}
	if without, err := manifest.Root(rest); got == want || (err == nil && without == want) {
		return "match"
	}
	return "mismatch: the inventory says " + want + ", the current objects have " + got
}

// shortHex names something whose own name may be hostile to paths.
func shortHex(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}
