package e2e_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"firebreak/activities/evidence"
	"firebreak/deploy/sandbox/build"
	"firebreak/deploy/sandbox/company"
	"firebreak/deploy/sandbox/fault"
	"firebreak/deploy/sandbox/server"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

const (
	mebibyte = 1 << 20
	// The server copies up to wholeLimit with one request, so that the large object needs parts of partLimit.
	wholeLimit = 8 * mebibyte
	partLimit  = 5 * mebibyte
	largeSize  = 23*mebibyte + 17
)

// vault is a real S3 server with one large object and some small ones, and a snapshot that reaches it through a proxy.
type vault struct {
	t        *testing.T
	client   *s3.Client
	proxy    *fault.Proxy
	snapshot *evidence.Snapshot
	op       *playbooks.Operation
	// front, if set, stands before the proxy.
	front atomic.Pointer[http.Handler]
	large []byte
}

func startVault(t *testing.T, versioned bool) *vault {
	t.Helper()
	binary, err := build.Server(t.Context(), build.S3, io.Discard)
	require.NoError(t, err)
	gateway, err := server.StartS3(t.Context(), binary, t.TempDir(), "--copy-object-threshold", strconv.Itoa(wholeLimit))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, gateway.Stop()) })
	target, err := url.Parse(gateway.Endpoint)
	require.NoError(t, err)
	v := &vault{t: t, proxy: fault.NewProxy(target, nil), large: make([]byte, largeSize)}
	listener, err := fault.Listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := v.front.Load(); h != nil {
			(*h).ServeHTTP(w, r)
			return
		}
		v.proxy.ServeHTTP(w, r)
	}))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	key := company.Key{Access: gateway.AccessKey, Secret: gateway.SecretKey}
	v.client = company.S3Client(gateway.Endpoint, gateway.Region, key)
	through := s3.New(company.S3Client(listener.URL, gateway.Region, key).Options(), func(o *s3.Options) {
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})
	v.snapshot = evidence.NewSnapshotWith(through, evidence.Limits{Part: partLimit})
	v.fill(versioned)
	v.op = &playbooks.Operation{ID: "i/preserve/d", IncidentID: "i", Step: "preserve", Action: "dataset.snapshot",
		Target: inventory.Target{ID: "d", Kind: inventory.ObjectsTarget, URI: "s3://data/d/"}}
	v.op.Store.ID, v.op.Store.Bucket, v.op.Store.Lock.Mode, v.op.Store.Lock.Days = "evidence", "evidence", "COMPLIANCE", 1
	v.op.Capture, err = v.snapshot.Capture(t.Context(), v.op)
	require.NoError(t, err)
	return v
}

func (v *vault) fill(versioned bool) {
	for name, locked := range map[string]bool{"data": false, "evidence": true, "unlocked": false} {
		_, err := v.client.CreateBucket(v.t.Context(), &s3.CreateBucketInput{Bucket: aws.String(name), ObjectLockEnabledForBucket: aws.Bool(locked)})
		require.NoError(v.t, err)
	}
	if versioned {
		_, err := v.client.PutBucketVersioning(v.t.Context(), &s3.PutBucketVersioningInput{Bucket: aws.String("data"),
			VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
		require.NoError(v.t, err)
	}
	_, _ = rand.NewChaCha8([32]byte{1}).Read(v.large) // never fails
	for i := range 5 {
		v.put("d/small-"+strconv.Itoa(i), []byte(strings.Repeat("x", i)))
	}
	v.put("d/large", v.large)
}

func (v *vault) put(key string, body []byte) {
	_, err := v.client.PutObject(v.t.Context(), &s3.PutObjectInput{Bucket: aws.String("data"), Key: aws.String(key), Body: bytes.NewReader(body)})
	require.NoError(v.t, err)
}

// do runs Do as the engine does: again until it succeeds, at most so often. It returns the errors before.
func (v *vault) do(tries int) (errs []string) {
	for range tries {
		ctx, cancel := context.WithTimeout(v.t.Context(), patience)
		effect, err := v.snapshot.Do(ctx, v.op)
		cancel()
		if err == nil {
			v.op.Effect = effect
			return errs
		}
		errs = append(errs, err.Error())
	}
	require.Failf(v.t, "no snapshot", "%d attempts: %s", tries, strings.Join(errs, "\n"))
	return nil
}

func (v *vault) verify() *incident.Proof {
	proof, err := v.snapshot.Verify(v.t.Context(), v.op)
	require.NoError(v.t, err)
	return proof
}

// whole checks from outside what the snapshot says of itself: no upload is left, each copy is there once, and the large
// one has the source's bytes.
func (v *vault) whole() {
	uploads, err := v.client.ListMultipartUploads(v.t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String("evidence")})
	require.NoError(v.t, err)
	require.Empty(v.t, uploads.Uploads, "there is an orphan upload")
	list, err := v.client.ListObjectVersions(v.t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String("evidence")})
	require.NoError(v.t, err)
	seen, large := map[string]int{}, 0
	for _, o := range list.Versions {
		seen[*o.Key]++
		require.Equal(v.t, 1, seen[*o.Key], *o.Key)
		if *o.Size != largeSize {
			continue
		}
		large++
		out, err := v.client.GetObject(v.t.Context(), &s3.GetObjectInput{Bucket: aws.String("evidence"), Key: o.Key, VersionId: o.VersionId})
		require.NoError(v.t, err)
		sum := sha256.New()
		_, err = io.Copy(sum, out.Body)
		require.NoError(v.t, err)
		require.NoError(v.t, out.Body.Close())
		want := sha256.Sum256(v.large)
		require.Equal(v.t, hex.EncodeToString(want[:]), hex.EncodeToString(sum.Sum(nil)))
	}
	require.Equal(v.t, 1, large)
}
