package manifest

import (
	"net/url"
	"time"
)

// ObjectKind is what a piece of evidence is.
type ObjectKind string

// The kinds of evidence. A snapshot's and a capture's object is a list of further objects, one a line.
const (
	AlertObject    ObjectKind = "alert"
	SnapshotObject ObjectKind = "snapshot"
	HistoryObject  ObjectKind = "history"
	KeyObject      ObjectKind = "public-key"
)

// Object is one piece of evidence in the store. It is named by its version: a key alone may name other bytes a moment
// later.
type Object struct {
	Kind      ObjectKind `json:"kind"`
	Bucket    string     `json:"bucket"`
	Key       string     `json:"key"`
	VersionID string     `json:"version_id"`
	SHA256    string     `json:"sha256"`
	Size      int64      `json:"size"`
	// LockMode and RetainUntil are the lock as the store told it when the manifest was made.
	LockMode    string    `json:"lock_mode,omitempty"`
	RetainUntil time.Time `json:"retain_until,omitzero"`
	// Step and Target name the step that collected it.
	Step        string    `json:"step,omitempty"`
	Target      string    `json:"target,omitempty"`
	CollectedAt time.Time `json:"collected_at,omitzero"`
	// CheckedAt is when it was last read back by its version id and hashed; zero if it could not be.
	CheckedAt time.Time `json:"checked_at,omitzero"`
	// Listed is how many objects its lines name.
	Listed int `json:"listed,omitempty"`
	// Proved is true if the step that collected it proved it.
	Proved bool `json:"proved"`
}

// URI names the version.
func (o *Object) URI() string {
	return "s3://" + o.Bucket + "/" + o.Key + "?versionId=" + url.QueryEscape(o.VersionID)
}
