package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/failure"
)

// manifestLimit bounds what is read into memory: a manifest of about a million objects.
const manifestLimit = 512 << 20

// sealed is a manifest in the store. written is false if it was there before.
type sealed struct {
	versionID string
	sha256    string
	written   bool
}

// putLocked writes a new object under a lock that counts from a time.
func putLocked(ctx context.Context, api store, bucket string, p piece, l lock, from time.Time) (sealed, error) {
	ctx, cancel := context.WithTimeout(ctx, objects.TransferTimeout(int64(len(p.bytes))))
	defer cancel()
	sum := sha256.Sum256(p.bytes)
	mode, until, hold := l.request(from)
	out, err := api.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String(p.key), ContentType: aws.String(p.contentType),
		Body: bytes.NewReader(p.bytes), ContentLength: aws.Int64(int64(len(p.bytes))),
		ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum[:])),
		ObjectLockMode: mode, ObjectLockRetainUntilDate: until, ObjectLockLegalHoldStatus: hold,
		IfNoneMatch: aws.String("*"), Metadata: p.metadata,
	}, once)
	if err != nil {
		return sealed{}, fmt.Errorf("write s3://%s/%s: %w", bucket, p.key, err)
	}
	if out.ETag == nil && !keepsVersions(out.VersionId) {
		return sealed{}, fmt.Errorf("write s3://%s/%s: %w", bucket, p.key, errNotS3)
	}
	if !keepsVersions(out.VersionId) {
		return sealed{}, failure.New(failure.Unsupported, "write s3://%s/%s: the bucket keeps no versions, so nothing in it can be locked", bucket, p.key)
	}
	return sealed{versionID: *out.VersionId, sha256: hex.EncodeToString(sum[:]), written: true}, nil
}

// errNotS3 is tried again, as whatever comes between the worker and the store.
var errNotS3 = errors.New("the answer says nothing of what was written; is a proxy in place of the store, or its address wrong?")

// keepsVersions reports whether a write made a version that can be locked.
func keepsVersions(id *string) bool { return id != nil && *id != "" && *id != objects.NoVersion }

// readAll returns a version's bytes and their SHA-256 in hexadecimal.
func readAll(ctx context.Context, api objects.Reader, bucket string, v objects.Version) ([]byte, string, error) {
	ctx, cancel := context.WithTimeout(ctx, objects.TransferTimeout(manifestLimit))
	defer cancel()
	uri := objects.VersionURI(bucket, v.Key, v.ID)
	out, err := api.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(v.Key), VersionId: v.Pin()})
	if err != nil {
		return nil, "", fmt.Errorf("read %s: %w", uri, err)
	}
	defer out.Body.Close()
	content, err := io.ReadAll(io.LimitReader(out.Body, manifestLimit+1))
	if err == nil && len(content) > manifestLimit {
		err = errors.New("it is too large")
	}
	if err != nil {
		return nil, "", fmt.Errorf("read %s: %w", uri, err)
	}
	sum := sha256.Sum256(content)
	return content, hex.EncodeToString(sum[:]), nil
}

// checkLock reads a version's retention back and returns what is wrong with it, or "".
func checkLock(ctx context.Context, api store, bucket string, v objects.Version, mode types.ObjectLockMode, least time.Time) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, objects.CallTimeout)
	defer cancel()
	uri := objects.VersionURI(bucket, v.Key, v.ID)
	out, err := api.GetObjectRetention(ctx, &s3.GetObjectRetentionInput{Bucket: aws.String(bucket), Key: aws.String(v.Key), VersionId: aws.String(v.ID)})
	switch {
	case hasCode(err, "NoSuchObjectLockConfiguration", "ObjectLockConfigurationNotFoundError", "InvalidRequest"):
		return uri + " is not locked", nil
	case hasCode(err, "NoSuchKey", "NoSuchVersion", "NotFound"):
		return uri + " is gone", nil
	case err != nil:
		return "", fmt.Errorf("read retention of %s: %w", uri, err)
	case out.Retention == nil:
		return uri + " is not locked", nil
	}
	got, until := types.ObjectLockMode(out.Retention.Mode), aws.ToTime(out.Retention.RetainUntilDate)
	switch {
	case got != mode && got != types.ObjectLockModeCompliance:
		return fmt.Sprintf("%s is locked in mode %q, not %s", uri, got, mode), nil
	case until.Before(least):
		return fmt.Sprintf("%s is locked until %s only, not %s", uri, until.UTC().Format(time.RFC3339), least.Format(time.RFC3339)), nil
	}
	return "", nil
}

// tryDelete asks the store to delete a locked version by its id, which it must refuse: without the id any store says yes
// and writes a marker. It returns what is wrong, or "". Only a version whose lock was read back may be tried.
func tryDelete(ctx context.Context, api store, bucket string, v objects.Version) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, objects.CallTimeout)
	defer cancel()
	uri := objects.VersionURI(bucket, v.Key, v.ID)
	_, err := api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String(v.Key), VersionId: aws.String(v.ID)}, once)
	switch {
	case err == nil:
		return uri + " could be deleted in spite of its lock", nil
	case hasCode(err, "AccessDenied"):
		return "", nil
	}
	return "", fmt.Errorf("try to delete %s: %w", uri, err)
}

// fullSHA256 turns the checksum of a whole object into hexadecimal. One over the parts of a multipart upload is none.
func fullSHA256(checksum *string, kind types.ChecksumType) (string, bool) {
	if checksum == nil || kind == types.ChecksumTypeComposite {
		return "", false
	}
	raw, err := base64.StdEncoding.DecodeString(*checksum)
	if err != nil || len(raw) != sha256.Size {
		return "", false
	}
	return hex.EncodeToString(raw), true
}
