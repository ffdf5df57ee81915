package volatile

import (
	"fmt"
	"time"

	"firebreak/internal/manifest"
)

// Line is one line of a capture's list: a locked object with its digest, or a gap, or both if only a part could be had.
type Line struct {
	// Replica is the pod's name; empty for what belongs to the endpoint as a whole.
	Replica   string `json:"replica"`
	UID       string `json:"uid,omitempty"`
	Container string `json:"container,omitempty"`
	ImageID   string `json:"image_id,omitempty"`
	Item      string `json:"item"`
	// Source is where the bytes came from, if not from the replica.
	Source    string    `json:"source,omitempty"`
	Key       string    `json:"key"`
	VersionID string    `json:"version_id"`
	SHA256    string    `json:"sha256"`
	Size      int64     `json:"size"`
	At        time.Time `json:"at"`
	// Gap says what is missing.
	Gap string `json:"gap,omitempty"`
}

func lineKey(l Line) string { return l.Replica + "/" + l.Container + "/" + l.Item }

// of fills in where the bytes are kept.
func (l *Line) of(o manifest.Object) {
	l.Key, l.VersionID, l.SHA256, l.Size = o.Key, o.VersionID, o.SHA256, o.Size
}

// object is what the line says is in the store.
func (l *Line) object(bucket string) manifest.Object {
	return manifest.Object{Bucket: bucket, Key: l.Key, VersionID: l.VersionID, SHA256: l.SHA256, Size: l.Size}
}

// gap words what is missing for people.
func (l *Line) gap() string {
	where := l.Item
	if l.Container != "" {
		where += " of " + l.Container
	}
	if l.Replica != "" {
		where += " in " + l.Replica
	}
	return fmt.Sprintf("%s: %s", where, l.Gap)
}
