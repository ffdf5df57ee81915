package fault

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	lockHeaders   = "X-Amz-Object-Lock-"
	payloadHeader = "X-Amz-Content-Sha256"
)

var errNotSigned = errors.New("request has no AWS4-HMAC-SHA256 Authorization header")

// StripObjectLock takes the x-amz-object-lock-* headers off a request and
// signs it anew, so that an object or a copy is written without a lock and the
// writer is told that all went well. A request with none passes untouched.
//
// The body is not read: a body that is signed chunk by chunk hangs on the
// first signature and is refused with an error.
func StripObjectLock(creds aws.Credentials, region string) Action {
	return Rewrite(func(r *http.Request) error {
		locked := false
		for name := range r.Header {
			if strings.HasPrefix(name, lockHeaders) {
				locked = true
				r.Header.Del(name)
			}
		}
		if !locked {
			return nil
		}
		return sign(r, creds, region)
	})
}

// sign replaces the request's SigV4 signature by one over the same headers,
// less those that are gone (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
func sign(r *http.Request, creds aws.Credentials, region string) error {
	payload := r.Header.Get(payloadHeader)
	if strings.HasPrefix(payload, "STREAMING-AWS4") {
		return fmt.Errorf("sign request: body with payload hash %s is chained to its old signature", payload)
	}
	names, err := signedHeaders(r.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	// Only what the client signed is signed again: other headers may change on the way.
	shadow := &http.Request{
		Method: r.Method, Host: r.Host, Header: make(http.Header),
		URL: &url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery},
	}
	for _, name := range names {
		if name == "content-length" {
			shadow.ContentLength = r.ContentLength
			continue
		}
		if values := r.Header.Values(name); len(values) > 0 {
			shadow.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }) // S3 signs the path as it is
	if err := signer.SignHTTP(r.Context(), creds, shadow, payload, "s3", region, time.Now()); err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
		if value := shadow.Header.Get(name); value != "" {
			r.Header.Set(name, value)
		}
	}
	return nil
}

// signedHeaders reads SignedHeaders=a;b;c out of an Authorization header.
func signedHeaders(authorization string) ([]string, error) {
	fields, ok := strings.CutPrefix(authorization, "AWS4-HMAC-SHA256 ")
	if !ok {
		return nil, errNotSigned
	}
	for field := range strings.SplitSeq(fields, ",") {
		if names, ok := strings.CutPrefix(strings.TrimSpace(field), "SignedHeaders="); ok {
			return strings.Split(names, ";"), nil
		}
	}
	return nil, errNotSigned
}
