package e2e_test

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/company"
	"firebreak/deploy/sandbox/fault"
	"firebreak/deploy/sandbox/stack"
	"firebreak/internal/incident"
)

const (
	// workerPart is the size of the parts that the worker copies, and the server's limit of one copy.
	workerPart = 128 * mebibyte
	killParts  = 6
	killSize   = (killParts-1)*workerPart + 3*mebibyte
	killKey    = "loan-applications/2026-07-31/extra.parquet"
)

// The worker is killed when one part of a large object is copied and others are on the way. The next attempt must not copy
// again what was copied, and must leave no upload behind.
func TestWorkerKilledInTheMiddleOfAMultipartCopy(t *testing.T) {
	t.Parallel()
	s, err := stack.Start(t.Context(), stack.Options{Data: t.TempDir(), Log: io.Discard, S3Options: []string{"--copy-object-threshold", strconv.Itoa(workerPart)}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	ctx := bounded(t)
	client := company.S3Client(s.S3.Endpoint, s.S3.Region, company.Key{Access: s.S3.AccessKey, Secret: s.S3.SecretKey})
	uploadLarge(t, client)

	number := regexp.MustCompile(`partNumber=(\d+)`)
	ledger := &partLedger{begun: map[string]int{}, before: map[string]bool{}}
	var killed atomic.Bool
	s.S3Proxy.Add(fault.Rule{
		Name: "part", Method: http.MethodPut, Path: number,
		Action: fault.Sequence(fault.Before(func(r *http.Request) { ledger.begin(number.FindStringSubmatch(r.URL.RawQuery)[1]) }),
			fault.After(func(r *http.Request, status int) {
				if status != http.StatusOK {
					return
				}
				ledger.copied(number.FindStringSubmatch(r.URL.RawQuery)[1])
				if ledger.count() < 2 || !killed.CompareAndSwap(false, true) {
					return
				}
				ledger.kill()
				if err := s.Worker.Kill(); err != nil {
					t.Errorf("kill worker: %v", err)
				}
				go func() {
					if err := s.Worker.Restart(ctx); err != nil {
						t.Errorf("restart worker: %v", err)
					}
				}()
			})),
	})
	_, rec := play(t, ctx, s, incident.DatasetCompromise)
	require.True(t, killed.Load())
	require.Equal(t, incident.Contained, rec.Verdict, gaps(rec))
	require.True(t, step(t, rec, "snapshot-datasets", "loan-applications@2026-07-31").Verified)

	again := ledger.sentAgain()
	t.Logf("%d parts of %d bytes; %d were on the way at the kill; copied again: %v", killParts, workerPart, ledger.onTheWay, again)
	require.LessOrEqual(t, len(again), ledger.onTheWay, "at most one part for each stream is copied again")
	for part, n := range again {
		require.Equal(t, 2, n, part)
		require.False(t, ledger.before[part], "part %s was there before the kill", part)
	}
	uploads, err := client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String("nordwall-evidence")})
	require.NoError(t, err)
	require.Empty(t, uploads.Uploads, "there is an orphan upload")
	require.Equal(t, 1, versionsOfSize(t, client, killSize))
}

// partLedger counts what was asked of the server for each part.
type partLedger struct {
	mu       sync.Mutex
	begun    map[string]int
	done     int
	onTheWay int
	// before has the parts that the server had copied before the kill.
	before map[string]bool
	killed bool
}

func (l *partLedger) begin(part string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun[part]++
}

func (l *partLedger) copied(part string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done++
	if !l.killed {
		l.before[part] = true
	}
}

func (l *partLedger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done
}

func (l *partLedger) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.killed = true
	l.onTheWay = len(l.begun) - l.done
}

func (l *partLedger) sentAgain() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]int{}
	for part, n := range l.begun {
		if n > 1 {
			out[part] = n
		}
	}
	return out
}

func uploadLarge(t *testing.T, client *s3.Client) {
	t.Helper()
	bucket, key := aws.String("nordwall-data"), aws.String(killKey)
	upload, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
	require.NoError(t, err)
	var parts []types.CompletedPart
	for from := int64(0); from < killSize; from += workerPart {
		n := int32(len(parts) + 1)
		body := bytes.Repeat([]byte{byte(n)}, int(min(workerPart, killSize-from)))
		out, err := client.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: bucket, Key: key, UploadId: upload.UploadId, PartNumber: &n, Body: bytes.NewReader(body)})
		require.NoError(t, err)
		parts = append(parts, types.CompletedPart{PartNumber: &n, ETag: out.ETag})
	}
	_, err = client.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: upload.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
	require.NoError(t, err)
}

func versionsOfSize(t *testing.T, client *s3.Client, size int64) int {
	t.Helper()
	list, err := client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String("nordwall-evidence")})
	require.NoError(t, err)
	n := 0
	for _, v := range list.Versions {
		if *v.Size == size {
			n++
		}
	}
	return n
}
