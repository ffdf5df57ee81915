package evidence

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"firebreak/activities/evidence/objects"
)

// problem says what is wrong with the lock that a store tells of a version, or "".
func (l lock) problem(uri string, mode types.ObjectLockMode, until time.Time, hold types.ObjectLockLegalHoldStatus, least time.Time) string {
	switch {
	case l.hold && hold != types.ObjectLockLegalHoldStatusOn:
		return uri + " is not under legal hold"
	case l.mode == "":
		return ""
	case mode == "":
		return uri + " is not locked"
	case mode != l.mode && mode != types.ObjectLockModeCompliance:
		return fmt.Sprintf("%s is locked in mode %q, not %s", uri, mode, l.mode)
	case until.Before(least):
		return fmt.Sprintf("%s is locked until %s only, not %s", uri, until.UTC().Format(time.RFC3339), least.Format(time.RFC3339))
	}
	return ""
}

// checkHold reads a version's legal hold back and returns what is wrong with it, or "".
func checkHold(ctx context.Context, api store, bucket string, v objects.Version) (string, error) {
	uri := objects.VersionURI(bucket, v.Key, v.ID)
	out, err := api.GetObjectLegalHold(ctx, &s3.GetObjectLegalHoldInput{Bucket: aws.String(bucket), Key: aws.String(v.Key), VersionId: aws.String(v.ID)})
	switch {
	case hasCode(err, "NoSuchObjectLockConfiguration", "ObjectLockConfigurationNotFoundError", "InvalidRequest"):
		return uri + " is not under legal hold", nil
	case hasCode(err, "NoSuchKey", "NoSuchVersion", "NotFound"):
		return uri + " is gone", nil
	case err != nil:
		return "", fmt.Errorf("read legal hold of %s: %w", uri, err)
	case out.LegalHold == nil || out.LegalHold.Status != types.ObjectLockLegalHoldStatusOn:
		return uri + " is not under legal hold", nil
	}
	return "", nil
}
