package fault_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/fault"
)

const region = "eu-central-1"

func credentials() aws.Credentials {
	return aws.Credentials{AccessKeyID: "AKIASANDBOX", SecretAccessKey: "not-a-secret"}
}

// verifier is a server that signs each request again, with the headers that
// the client says it signed, and refuses what does not come out the same.
type verifier struct {
	mu   sync.Mutex
	seen []http.Header
}

func (v *verifier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	v.seen = append(v.seen, r.Header.Clone())
	v.mu.Unlock()
	given := r.Header.Get("Authorization")
	_, list, _ := strings.Cut(given, "SignedHeaders=")
	list, _, _ = strings.Cut(list, ",")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		http.Error(w, "no date", http.StatusForbidden)
		return
	}
	again := &http.Request{Method: r.Method, Host: r.Host, Header: http.Header{}, URL: &url.URL{
		Scheme: "http", Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery,
	}}
	for name := range strings.SplitSeq(list, ";") {
		switch name {
		case "host":
		case "content-length":
			again.ContentLength = r.ContentLength
		default:
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	payload := r.Header.Get("X-Amz-Content-Sha256")
	err = signer.SignHTTP(r.Context(), credentials(), again, payload, "s3", region, at)
	if err != nil || again.Header.Get("Authorization") != given {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `<Error><Code>SignatureDoesNotMatch</Code></Error>`)
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	if r.Header.Get("X-Amz-Copy-Source") != "" {
		_, _ = io.WriteString(w, `<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>`)
	}
}

func (v *verifier) last() http.Header {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.seen[len(v.seen)-1]
}

func s3Client(base string, keys aws.Credentials) *s3.Client {
	return s3.New(s3.Options{
		Region: region, BaseEndpoint: &base, UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return keys, nil }),
	})
}

func lockedCopy(ctx context.Context, client *s3.Client) error {
	_, err := client.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: aws.String("evidence"), Key: aws.String("inc 1/données+x.bin"), CopySource: aws.String("data/train%20set.bin?versionId=v1"),
		ObjectLockMode: types.ObjectLockModeCompliance, ObjectLockRetainUntilDate: aws.Time(time.Unix(1_800_000_000, 0)),
		ObjectLockLegalHoldStatus: types.ObjectLockLegalHoldStatusOn,
	})
	return err
}

func TestSignaturesSurviveTheProxy(t *testing.T) {
	t.Parallel()
	wrong := credentials()
	wrong.SecretAccessKey = "another"
	temporary := credentials()
	temporary.SessionToken = "session"
	tests := map[string]struct {
		keys   aws.Credentials
		strip  bool
		ok     bool
		locked bool
	}{
		"untouched":               {keys: credentials(), ok: true, locked: true},
		"wrong key":               {keys: wrong, ok: false, locked: true},
		"stripped and re-signed":  {keys: credentials(), strip: true, ok: true, locked: false},
		"stripped, session token": {keys: temporary, strip: true, ok: true, locked: false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &verifier{}
			upstream := httptest.NewServer(server)
			defer upstream.Close()
			at, err := url.Parse(upstream.URL)
			require.NoError(t, err)
			p := fault.NewProxy(at, nil)
			base, _ := listen(t, p)
			if tc.strip {
				p.Add(fault.Rule{Action: fault.StripObjectLock(credentials(), region)})
			}
			err = lockedCopy(t.Context(), s3Client(base, tc.keys))
			if tc.ok {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, "SignatureDoesNotMatch")
			}
			for _, header := range []string{"X-Amz-Object-Lock-Mode", "X-Amz-Object-Lock-Retain-Until-Date", "X-Amz-Object-Lock-Legal-Hold"} {
				require.Equal(t, tc.locked, server.last().Get(header) != "", header)
			}
			require.NotEmpty(t, server.last().Get("X-Amz-Copy-Source"))

			_, err = s3Client(base, credentials()).PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String("evidence"), Key: aws.String("a b"), Body: bytes.NewReader([]byte("bytes")),
			})
			require.NoError(t, err, "a body passes, with and without the rule")
		})
	}
}

func TestStripObjectLockRefusesWhatItCannotSign(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		header http.Header
		want   string
	}{
		"not signed": {http.Header{}, "no AWS4-HMAC-SHA256 Authorization header"},
		"no list":    {http.Header{"Authorization": {"AWS4-HMAC-SHA256 Credential=x"}}, "no AWS4-HMAC-SHA256 Authorization header"},
		"chunks":     {http.Header{"X-Amz-Content-Sha256": {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}}, "chained to its old signature"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newTarget(t)
			p := fault.NewProxy(server.URL, nil)
			base, client := listen(t, p)
			p.Add(fault.Rule{Action: fault.StripObjectLock(credentials(), region)})
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, base+"/b/k", nil)
			require.NoError(t, err)
			req.Header = tc.header
			req.Header.Set("X-Amz-Object-Lock-Mode", "COMPLIANCE")
			res, err := client.Do(req)
			require.NoError(t, err)
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.Equal(t, http.StatusBadGateway, res.StatusCode)
			require.Contains(t, string(body), tc.want)
			require.Empty(t, server.requests())
		})
	}
}
