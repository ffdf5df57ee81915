package e2e_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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

var (
	partCopy = regexp.MustCompile(`partNumber=\d+`)
	complete = regexp.MustCompile(`/objects/[0-9a-f]+\?.*uploadId=`)
)

func xmlError(code string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>` + code + `</Code><Message>` + code + `</Message></Error>`
}

func TestSnapshotSurvivesFaultsOfTheStore(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		tries  int
		breaks func(*vault)
	}{
		"every second request is told to slow down": {1, func(v *vault) {
			var n atomic.Int64
			v.proxy.Add(fault.Rule{Name: "slow", Match: func(*http.Request) bool { return n.Add(1)%2 == 0 },
				Action: fault.Answer(http.StatusServiceUnavailable, http.Header{"Content-Type": {"application/xml"}}, xmlError("SlowDown"))})
		}},
		"the connection breaks in the middle of a part": {1, func(v *vault) {
			v.proxy.Add(fault.Rule{Name: "break", Method: http.MethodPut, Path: partCopy, Times: 2, Action: fault.Refuse()})
		}},
		"a part is copied and the answer lost": {1, func(v *vault) {
			v.proxy.Add(fault.Rule{Name: "lose", Method: http.MethodPut, Path: partCopy, Times: 2, Action: fault.DoneButTimedOut()})
		}},
		"the upload is completed and the answer lost": {1, func(v *vault) {
			v.proxy.Add(fault.Rule{Name: "lose", Method: http.MethodPost, Path: complete, Times: 1, Action: fault.DoneButTimedOut()})
		}},
		"the upload is begun and the answer lost": {1, func(v *vault) {
			v.proxy.Add(fault.Rule{Name: "lose", Method: http.MethodPost, Path: regexp.MustCompile(`\?uploads`), Times: 1, Action: fault.DoneButTimedOut()})
		}},
		"a small copy is made and the answer lost": {1, func(v *vault) {
			v.proxy.Add(fault.Rule{Name: "lose", Method: http.MethodPut, Path: regexp.MustCompile(`/objects/[0-9a-f]+(\?x-id=CopyObject)?$`), Times: 3, Action: fault.DoneButTimedOut()})
		}},
		"the manifest is written and the answer lost": {2, func(v *vault) {
			v.proxy.Add(fault.Rule{Name: "lose", Method: http.MethodPut, Path: regexp.MustCompile(`/manifest`), Times: 1, Action: fault.DoneButTimedOut()})
		}},
		"reading the source breaks": {1, func(v *vault) {
			v.proxy.Add(fault.Rule{Name: "break", Method: http.MethodGet, Path: regexp.MustCompile(`^/data/d/large`), Times: 2, Action: fault.Refuse()})
		}},
		"the store is out of order for one attempt": {2, func(v *vault) {
			v.proxy.Add(fault.Rule{Name: "broken", Method: http.MethodPut, Path: partCopy, Times: 8,
				Action: fault.Answer(http.StatusInternalServerError, http.Header{"Content-Type": {"application/xml"}}, xmlError("InternalError"))})
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := startVault(t, true)
			tt.breaks(v)
			v.do(tt.tries)
			proof := v.verify()
			require.True(t, proof.Proved, proof.Method)
			v.whole()
			met := 0
			for _, c := range v.proxy.Calls() {
				if c.Rule != "" {
					met++
				}
			}
			require.Positive(t, met, "the fault took place")
		})
	}
}

func TestSnapshotIsNeverProvedUnlessItIs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		breaks func(*vault)
		// err is the end of Do, or else method that of Verify.
		err, method string
	}{
		"the store tells another checksum": {breaks: func(v *vault) {
			v.tamper(regexp.MustCompile(`x-id=CopyObject|/objects/[0-9a-f]{64}$`), regexp.MustCompile(`<ChecksumSHA256>.`), `<ChecksumSHA256>A`)
		}, method: "hashes to"},
		"the bucket takes no lock": {breaks: func(v *vault) { v.op.Store.Bucket = "unlocked" }, err: "Object"},
		"locking is denied": {breaks: func(v *vault) {
			v.proxy.Add(fault.Rule{Name: "deny", Match: func(r *http.Request) bool { return r.Header.Get("X-Amz-Object-Lock-Mode") != "" },
				Action: fault.Answer(http.StatusForbidden, http.Header{"Content-Type": {"application/xml"}}, xmlError("AccessDenied"))})
		}, err: "AccessDenied"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := startVault(t, true)
			tt.breaks(v)
			effect, err := v.snapshot.Do(t.Context(), v.op)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				list, err := v.client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(v.op.Store.Bucket)})
				require.NoError(t, err)
				for _, o := range list.Versions {
					require.NotContains(t, *o.Key, "manifest")
				}
				return
			}
			require.NoError(t, err)
			v.op.Effect = effect
			proof := v.verify()
			require.False(t, proof.Proved, proof.Method)
			require.Contains(t, proof.Method, tt.method)
		})
	}
}

// tamper changes the text of answers to copies.
func (v *vault) tamper(path, pattern *regexp.Regexp, replacement string) {
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut || !path.MatchString(r.URL.RequestURI()) {
			v.proxy.ServeHTTP(w, r)
			return
		}
		kept := httptest.NewRecorder()
		v.proxy.ServeHTTP(kept, r)
		for name, values := range kept.Header() {
			w.Header()[name] = values
		}
		w.Header().Del("Content-Length")
		w.WriteHeader(kept.Code)
		_, _ = w.Write(pattern.ReplaceAll(kept.Body.Bytes(), []byte(replacement))) // an error means that the client has gone
	})
	v.front.Store(&h)
}

// Without versions nothing is pinned but by its ETag: an object that is replaced while its parts are copied gives no copy
// of both.
func TestSnapshotOfAnObjectThatChanges(t *testing.T) {
	t.Parallel()
	v := startVault(t, false)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(v.large) // never fails
	v.proxy.Add(fault.Rule{Name: "change", Method: http.MethodPut, Path: regexp.MustCompile(`partNumber=3`), Times: 1,
		Action: fault.Before(func(*http.Request) { v.put("d/large", v.large) })})
	errs := v.do(2)
	require.Len(t, errs, 1, "the first attempt saw the change")
	proof := v.verify()
	require.True(t, proof.Proved, proof.Method)
	v.whole()
}

func TestSnapshotReportsDriftAndWhatWasTried(t *testing.T) {
	t.Parallel()
	v := startVault(t, true)
	v.do(1)
	time.Sleep(time.Millisecond)
	v.put("d/late", []byte("late"))
	proof := v.verify()
	require.True(t, proof.Proved, proof.Method)
	require.Equal(t, "1 versions came and 0 went since", proof.Facts[evidence.FactDrift])
	require.Contains(t, proof.Method, "7 of 7 deletions by version id refused (tried on the manifest and 6 of 6 copies)")
}
