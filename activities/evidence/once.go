package evidence

import (
	"context"
	"errors"
	"time"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/failure"
)

// piece is what is kept once: its key has the digest of its bytes in it.
type piece struct {
	key, contentType string
	metadata         map[string]string
	bytes            []byte
}

// place returns the version that an earlier attempt wrote, the oldest there is, or writes it.
func place(ctx context.Context, api store, bucket string, p piece, l lock) (objects.Version, error) {
	versions, err := objects.List(ctx, api, objects.Location{Bucket: bucket, Prefix: p.key})
	if err != nil {
		return objects.Version{}, err
	}
	var oldest *objects.Version
	for i, v := range versions {
		if !v.DeleteMarker && (oldest == nil || v.LastModified.Before(oldest.LastModified)) {
			oldest = &versions[i]
		}
	}
	if oldest != nil {
		return *oldest, nil
	}
	m, err := putLocked(ctx, api, bucket, p, l, time.Now())
	if err != nil {
		return objects.Version{}, err
	}
	return objects.Version{Key: p.key, ID: m.versionID}, nil
}

// prove reads a version back by its id, hashes it, reads its lock, and tries to delete it.
func prove(ctx context.Context, api store, bucket string, v objects.Version, want string, l lock) error {
	_, got, err := readAll(ctx, api, bucket, v)
	if err != nil {
		return err
	}
	if got != want {
		return failure.New(failure.EvidenceMismatch, "%s hashes to %s, not to %s", objects.VersionURI(bucket, v.Key, v.ID), got, want)
	}
	problem, err := checkLock(ctx, api, bucket, v, l.mode, time.Now())
	if err == nil && problem == "" {
		problem, err = tryDelete(ctx, api, bucket, v)
	}
	if err != nil {
		return err
	}
	if problem != "" {
		return errors.New(problem)
	}
	return nil
}
