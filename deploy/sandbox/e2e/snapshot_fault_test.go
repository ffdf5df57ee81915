package e2e_test

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"firebreak/activities/evidence"
	"firebreak/deploy/sandbox/fault"
)

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
