package server

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/build"
)

var httpClient = http.Client{Timeout: 30 * time.Second}

func startS3(t *testing.T) *S3 {
	t.Helper()
	path, began := binary(t, build.S3), time.Now()
	server, err := Again(func() (*S3, error) { return StartS3(t.Context(), path, t.TempDir()) })
	require.NoError(t, err)
	t.Logf("versitygw started in %s", time.Since(began).Round(time.Millisecond))
	stopsAtTheEnd(t, server.Process, server.Endpoint)
	return server
}

func s3Client(server *S3, accessKey, secretKey string) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: &server.Endpoint, Region: server.Region, UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
	})
}

// code is S3's word for an error, or "" for none.
func code(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	return api.ErrorCode()
}

func sha256Base64(content string) string {
	sum := sha256.Sum256([]byte(content))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// lockedBucket makes a bucket with Object Lock, and with it versions.
func lockedBucket(t *testing.T, c *s3.Client, name string) {
	t.Helper()
	_, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name, ObjectLockEnabledForBucket: aws.Bool(true)})
	require.NoError(t, err)
	versioning, err := c.GetBucketVersioning(t.Context(), &s3.GetBucketVersioningInput{Bucket: &name})
	require.NoError(t, err)
	require.Equal(t, types.BucketVersioningStatusEnabled, versioning.Status)
}

// poisonedDataset makes the bucket "datasets" with two versions of one
// object and returns the id of the first, which is poisoned.
func poisonedDataset(t *testing.T, c *s3.Client) string {
	t.Helper()
	_, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("datasets")})
	require.NoError(t, err)
	_, err = c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: aws.String("datasets"), VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	require.NoError(t, err)
	var ids []string
	for _, body := range []string{poisonedRows, "overwritten by the intruder"} {
		out, err := c.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String("datasets"), Key: aws.String("triage/part-0"), Body: strings.NewReader(body),
			ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
		})
		require.NoError(t, err)
		require.Equal(t, sha256Base64(body), aws.ToString(out.ChecksumSHA256))
		ids = append(ids, aws.ToString(out.VersionId))
	}
	require.NotEqual(t, ids[0], ids[1])
	return ids[0]
}

const poisonedRows = "poisoned rows"

func TestS3CopyIsLockedAndHashed(t *testing.T) {
	t.Parallel()
	server := startS3(t)
	c := s3Client(server, server.AccessKey, server.SecretKey)
	lockedBucket(t, c, "evidence")
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	copied, err := c.CopyObject(t.Context(), &s3.CopyObjectInput{
		Bucket: aws.String("evidence"), Key: aws.String("part-0"),
		CopySource:        aws.String("datasets/triage/part-0?versionId=" + poisonedDataset(t, c)),
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
		ObjectLockMode:    types.ObjectLockModeCompliance, ObjectLockRetainUntilDate: &until,
		ObjectLockLegalHoldStatus: types.ObjectLockLegalHoldStatusOn,
	})
	require.NoError(t, err)
	require.Equal(t, sha256Base64(poisonedRows), aws.ToString(copied.CopyObjectResult.ChecksumSHA256))

	read, err := c.GetObject(t.Context(), &s3.GetObjectInput{
		Bucket: aws.String("evidence"), Key: aws.String("part-0"), VersionId: copied.VersionId, ChecksumMode: types.ChecksumModeEnabled,
	})
	require.NoError(t, err)
	body, err := io.ReadAll(read.Body)
	require.NoError(t, err)
	require.NoError(t, read.Body.Close())
	require.Equal(t, poisonedRows, string(body))
	require.Equal(t, sha256Base64(poisonedRows), aws.ToString(read.ChecksumSHA256))
	require.Empty(t, read.ObjectLockMode, "GetObject tells of the lock by now, as AWS's does: rely on it")

	head, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("evidence"), Key: aws.String("part-0"), VersionId: copied.VersionId})
	require.NoError(t, err)
	require.Equal(t, types.ObjectLockModeCompliance, head.ObjectLockMode)
	require.WithinDuration(t, until, aws.ToTime(head.ObjectLockRetainUntilDate), time.Second)
	require.Equal(t, types.ObjectLockLegalHoldStatusOn, head.ObjectLockLegalHoldStatus)
}

func TestS3RefusesToDeleteWhatIsLocked(t *testing.T) {
	t.Parallel()
	server := startS3(t)
	c := s3Client(server, server.AccessKey, server.SecretKey)
	lockedBucket(t, c, "evidence")
	put := func(key string, lock func(*s3.PutObjectInput)) *string {
		input := &s3.PutObjectInput{Bucket: aws.String("evidence"), Key: &key, Body: strings.NewReader("1"), ChecksumAlgorithm: types.ChecksumAlgorithmSha256}
		lock(input)
		out, err := c.PutObject(t.Context(), input)
		require.NoError(t, err)
		return out.VersionId
	}
	remove := func(key string, version *string) string {
		_, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{
			Bucket: aws.String("evidence"), Key: &key, VersionId: version, BypassGovernanceRetention: aws.Bool(true),
		})
		return code(t, err)
	}
	open := put("open", func(*s3.PutObjectInput) {})
	held := put("held", func(in *s3.PutObjectInput) { in.ObjectLockLegalHoldStatus = types.ObjectLockLegalHoldStatusOn })
	locked := put("locked", func(in *s3.PutObjectInput) {
		in.ObjectLockMode, in.ObjectLockRetainUntilDate = types.ObjectLockModeCompliance, aws.Time(time.Now().Add(time.Hour))
	})
	require.Empty(t, remove("open", open))
	require.Equal(t, "AccessDenied", remove("held", held), "the root user deleted a version on legal hold")
	require.Equal(t, "AccessDenied", remove("locked", locked), "the root user deleted a version in COMPLIANCE mode")

	_, err := c.PutObjectRetention(t.Context(), &s3.PutObjectRetentionInput{
		Bucket: aws.String("evidence"), Key: aws.String("locked"), VersionId: locked,
		Retention: &types.ObjectLockRetention{Mode: types.ObjectLockRetentionModeCompliance, RetainUntilDate: aws.Time(time.Now().Add(time.Minute))},
	})
	require.Equal(t, "AccessDenied", code(t, err), "the root user shortened a retention in COMPLIANCE mode")
}

// TestS3Conditions fixes what the server does with If-None-Match: * on an
// object that is there: firebreak relies on it where it works.
func TestS3Conditions(t *testing.T) {
	t.Parallel()
	server := startS3(t)
	c := s3Client(server, server.AccessKey, server.SecretKey)
	lockedBucket(t, c, "evidence")
	put := func() error {
		_, err := c.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String("evidence"), Key: aws.String("manifest.json"), Body: strings.NewReader("{}"), IfNoneMatch: aws.String("*"),
		})
		return err
	}
	require.NoError(t, put())
	require.Equal(t, "PreconditionFailed", code(t, put()))

	copyOnto := func(key string) error {
		_, err := c.CopyObject(t.Context(), &s3.CopyObjectInput{
			Bucket: aws.String("evidence"), Key: &key, CopySource: aws.String("evidence/manifest.json"), IfNoneMatch: aws.String("*"),
		})
		return err
	}
	require.NoError(t, copyOnto("copy.json"))
	require.Empty(t, code(t, copyOnto("copy.json")), "CopyObject honours If-None-Match by now: rely on it")
}

func TestS3RefusesWhoItDoesNotKnow(t *testing.T) {
	t.Parallel()
	server := startS3(t)
	_, err := s3Client(server, "AKIANOBODY", server.SecretKey).ListBuckets(t.Context(), &s3.ListBucketsInput{})
	require.Equal(t, "InvalidAccessKeyId", code(t, err))
	_, err = s3Client(server, server.AccessKey, "wrong").ListBuckets(t.Context(), &s3.ListBucketsInput{})
	require.Equal(t, "SignatureDoesNotMatch", code(t, err))
	log, err := os.ReadFile(server.AccessLog)
	require.NoError(t, err)
	require.Contains(t, string(log), "SignatureDoesNotMatch")

	require.NoError(t, server.Restart(t.Context()))
	_, err = s3Client(server, server.AccessKey, server.SecretKey).ListBuckets(t.Context(), &s3.ListBucketsInput{})
	require.False(t, errors.Is(err, io.EOF))
	require.NoError(t, err)
}
