package sns

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/alert"
)

const (
	testTopic = "arn:aws:sns:eu-central-1:210987654321:firebreak"
	certURL   = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
	caURL     = "http://crt.r2m02.amazontrust.com/r2m02.cer"
)

var at = time.Date(2026, 9, 14, 6, 0, 36, 0, time.UTC)

// authorityFake is a certificate authority with an intermediate, and the signer that it issues to SNS.
type authorityFake struct {
	roots        *x509.CertPool
	intermediate []byte
	caKey        *rsa.PrivateKey
	ca           *x509.Certificate
	key          *rsa.PrivateKey
	serial       int64
}

func issue(t *testing.T, serial int64, name string, isCA bool, parent *x509.Certificate, key *rsa.PrivateKey, parentKey *rsa.PrivateKey, change func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: at.Add(-time.Hour), NotAfter: at.Add(48 * time.Hour),
		IsCA: isCA, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if isCA {
		c.KeyUsage = x509.KeyUsageCertSign
	} else {
		c.DNSNames = []string{name}
	}
	if change != nil {
		change(c)
	}
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, parentKey)
	require.NoError(t, err)
	out, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return out
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return k
}

func newAuthority(t *testing.T) *authorityFake {
	t.Helper()
	rootKey := newKey(t)
	a := &authorityFake{caKey: newKey(t), key: newKey(t), roots: x509.NewCertPool(), serial: 10}
	root := issue(t, 1, "Test Root", true, nil, rootKey, rootKey, nil)
	a.ca = issue(t, 2, "Test Intermediate", true, root, a.caKey, rootKey, nil)
	a.intermediate = a.ca.Raw
	a.roots.AddCert(root)
	return a
}

// signer is a certificate for SNS, changed as a test wants.
func (a *authorityFake) signer(t *testing.T, name string, change func(*x509.Certificate)) []byte {
	t.Helper()
	a.serial++
	c := issue(t, a.serial, name, false, a.ca, a.key, a.caKey, func(c *x509.Certificate) {
		c.IssuingCertificateURL = []string{caURL}
		if change != nil {
			change(c)
		}
	})
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// web answers GETs from a table and counts them.
type web struct {
	mu    sync.Mutex
	pages map[string][]byte
	codes map[string]int
	fail  error
	asked []string
}

func (w *web) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, r.URL.String())
	if err := cmp.Or(r.Context().Err(), w.fail); err != nil {
		return nil, err
	}
	code := http.StatusOK
	page, ok := w.pages[r.URL.String()]
	if !ok {
		code = http.StatusNotFound
	}
	if c := w.codes[r.URL.String()]; c != 0 {
		code = c
	}
	return &http.Response{StatusCode: code, Status: http.StatusText(code), Header: http.Header{"Location": {"https://evil.example/"}}, Body: io.NopCloser(bytes.NewReader(page)), Request: r}, nil
}

func newVerifier(t *testing.T, a *authorityFake, w *web) *Verifier {
	t.Helper()
	v, err := New([]string{testTopic}, w, a.roots, func() time.Time { return at })
	require.NoError(t, err)
	return v
}

func good(a *authorityFake, t *testing.T) *web {
	return &web{pages: map[string][]byte{certURL: a.signer(t, "sns.amazonaws.com", nil), caURL: a.intermediate}, codes: map[string]int{}}
}

// message is a notification signed by SNS's key.
func message(t *testing.T, key *rsa.PrivateKey, version string, change func(*alert.Envelope)) *alert.Envelope {
	t.Helper()
	subject := "ALARM"
	e := &alert.Envelope{
		Type: alert.SNSNotification, MessageID: "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", TopicArn: testTopic, Subject: &subject, Message: "hello\nthere",
		Timestamp: "2026-09-14T06:00:30.127Z", SignatureVersion: version, SigningCertURL: certURL,
	}
	if change != nil {
		change(e)
	}
	sign(t, key, e)
	return e
}

func sign(t *testing.T, key *rsa.PrivateKey, e *alert.Envelope) {
	t.Helper()
	text := []byte(toSign(e))
	hash, sum := crypto.SHA1, sha1.Sum(text)
	digest := sum[:]
	if e.SignatureVersion == "2" {
		sum := sha256.Sum256(text)
		hash, digest = crypto.SHA256, sum[:]
	}
	raw, err := rsa.SignPKCS1v15(rand.Reader, key, hash, digest)
	require.NoError(t, err)
	e.Signature = base64.StdEncoding.EncodeToString(raw)
}

// TestToSign holds the text against the examples of SNS's documentation.
func TestToSign(t *testing.T) {
	t.Parallel()
	subject := "My First Message"
	e := &alert.Envelope{
		Type: alert.SNSNotification, MessageID: "id", TopicArn: "arn", Subject: &subject, Message: "Hello world!", Timestamp: "2012-05-02T00:54:06.655Z",
	}
	require.Equal(t, "Message\nHello world!\nMessageId\nid\nSubject\nMy First Message\nTimestamp\n2012-05-02T00:54:06.655Z\nTopicArn\narn\nType\nNotification\n", toSign(e))
	e.Subject = nil
	require.Equal(t, "Message\nHello world!\nMessageId\nid\nTimestamp\n2012-05-02T00:54:06.655Z\nTopicArn\narn\nType\nNotification\n", toSign(e))
	e.Type, e.SubscribeURL, e.Token = alert.SNSSubscribe, "https://x", "tok"
	require.Equal(t, "Message\nHello world!\nMessageId\nid\nSubscribeURL\nhttps://x\nTimestamp\n2012-05-02T00:54:06.655Z\nToken\ntok\nTopicArn\narn\nType\nSubscriptionConfirmation\n", toSign(e))
}

func TestVerify(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	for _, version := range []string{"1", "2"} {
		w := good(a, t)
		v := newVerifier(t, a, w)
		for range 3 {
			require.NoError(t, v.Verify(t.Context(), message(t, a.key, version, nil)))
		}
		require.Equal(t, []string{certURL, caURL}, w.asked, "certificates are fetched once")
		require.NoError(t, v.Verify(t.Context(), message(t, a.key, version, func(e *alert.Envelope) { e.Subject = nil })))
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	other := newAuthority(t)
	set := func(f func(*alert.Envelope)) func(*alert.Envelope, *web) {
		return func(e *alert.Envelope, _ *web) { f(e) }
	}
	page := func(raw []byte) func(*alert.Envelope, *web) {
		return func(_ *alert.Envelope, w *web) { w.pages[certURL] = raw }
	}
	url := func(u string) func(*alert.Envelope, *web) {
		return set(func(e *alert.Envelope) { e.SigningCertURL = u })
	}
	tests := map[string]struct {
		change func(*alert.Envelope, *web)
		err    error
		text   string
	}{
		"another topic":     {set(func(e *alert.Envelope) { e.TopicArn += "2" }), ErrUntrusted, "not one of --sns-topic"},
		"changed message":   {set(func(e *alert.Envelope) { e.Message += "!" }), ErrUntrusted, "the signature is wrong"},
		"changed subject":   {set(func(e *alert.Envelope) { e.Subject = nil }), ErrUntrusted, "the signature is wrong"},
		"changed type":      {set(func(e *alert.Envelope) { e.Type = alert.SNSSubscribe }), ErrUntrusted, "the signature is wrong"},
		"another version":   {set(func(e *alert.Envelope) { e.SignatureVersion = "1" }), ErrUntrusted, "the signature is wrong"},
		"unknown version":   {set(func(e *alert.Envelope) { e.SignatureVersion = "3" }), ErrUntrusted, "neither 1 nor 2"},
		"no signature":      {set(func(e *alert.Envelope) { e.Signature = "" }), ErrUntrusted, "missing or no base64"},
		"not base64":        {set(func(e *alert.Envelope) { e.Signature = "*" }), ErrUntrusted, "missing or no base64"},
		"an hour old":       {set(func(e *alert.Envelope) { e.Timestamp = "2026-09-14T04:55:30Z" }), ErrUntrusted, "more than an hour old"},
		"in the future":     {set(func(e *alert.Envelope) { e.Timestamp = "2026-09-14T06:05:40Z" }), ErrUntrusted, "in the future"},
		"no time":           {set(func(e *alert.Envelope) { e.Timestamp = "now" }), ErrUntrusted, "its time is missing"},
		"plain HTTP":        {url(strings.Replace(certURL, "https", "http", 1)), ErrUntrusted, "does not lead to https://sns.eu-central-1.amazonaws.com"},
		"another host":      {url("https://sns.eu-central-1.amazonaws.com.evil.example/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"), ErrUntrusted, "does not lead to"},
		"another region":    {url(strings.Replace(certURL, "eu-central-1", "us-east-1", 1)), ErrUntrusted, "does not lead to"},
		"a bucket":          {url("https://s3.amazonaws.com/sns.eu-central-1.amazonaws.com/x.pem"), ErrUntrusted, "does not lead to"},
		"a user":            {url(strings.Replace(certURL, "https://", "https://sns.eu-central-1.amazonaws.com@", 1)), ErrUntrusted, "does not lead to"},
		"a port":            {url(strings.Replace(certURL, ".com/", ".com:8443/", 1)), ErrUntrusted, "does not lead to"},
		"another path":      {url("https://sns.eu-central-1.amazonaws.com/?Action=Publish"), ErrUntrusted, "none of SNS"},
		"a query":           {url(certURL + "?x=y"), ErrUntrusted, "none of SNS"},
		"no URL":            {url(""), ErrUntrusted, "does not lead to"},
		"absent":            {url(strings.Replace(certURL, "0123", "4567", 1)), ErrUntrusted, "answers Not Found"},
		"issued to another": {page(a.signer(t, "sqs.amazonaws.com", nil)), ErrUntrusted, "not issued to SNS"},
		"another authority": {page(other.signer(t, "sns.amazonaws.com", nil)), ErrUntrusted, ""},
		"expired":           {page(a.signer(t, "sns.amazonaws.com", func(c *x509.Certificate) { c.NotAfter = at.Add(-time.Minute) })), ErrUntrusted, "expired"},
		"issuer elsewhere": {page(a.signer(t, "sns.amazonaws.com", func(c *x509.Certificate) {
			c.IssuingCertificateURL = []string{"http://169.254.169.254/latest", "https://crt.r2m02.amazontrust.com/x", "http://amazontrust.com.evil.example/"}
		})), ErrUntrusted, "no trusted issuer"},
		"no certificate":      {page([]byte("hello")), ErrUntrusted, "there is no certificate in it"},
		"large":               {page(bytes.Repeat([]byte("x"), maxCertificateBytes+1)), ErrUntrusted, "more than 65536 bytes"},
		"redirected":          {func(_ *alert.Envelope, w *web) { w.codes[certURL] = http.StatusFound }, ErrUntrusted, "answers Found"},
		"SNS is down":         {func(_ *alert.Envelope, w *web) { w.codes[certURL] = http.StatusServiceUnavailable }, ErrUnavailable, "answers Service Unavailable"},
		"authority throttles": {func(_ *alert.Envelope, w *web) { w.codes[caURL] = http.StatusTooManyRequests }, ErrUnavailable, "amazontrust.com answers"},
		"no network":          {func(_ *alert.Envelope, w *web) { w.fail = errors.New("no route to host") }, ErrUnavailable, "no route"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := good(a, t)
			e := message(t, a.key, "2", nil)
			tt.change(e, w)
			err := newVerifier(t, a, w).Verify(t.Context(), e)
			require.ErrorIs(t, err, tt.err)
			require.ErrorContains(t, err, tt.text)
			for _, u := range w.asked {
				require.True(t, strings.HasPrefix(u, "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-") || u == caURL, u)
			}
		})
	}
}

func TestFailureIsNotAskedForAgainAtOnce(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	w := good(a, t)
	w.codes[certURL] = http.StatusServiceUnavailable
	now := at
	v, err := New([]string{testTopic}, w, a.roots, func() time.Time { return now })
	require.NoError(t, err)
	for range 5 {
		require.ErrorIs(t, v.Verify(t.Context(), message(t, a.key, "2", nil)), ErrUnavailable)
	}
	require.Len(t, w.asked, 1)
	w.codes[certURL], now = 0, now.Add(keepFailure)
	require.NoError(t, v.Verify(t.Context(), message(t, a.key, "2", nil)))
	for i := range 3 * maxKnown {
		e := message(t, a.key, "2", nil)
		e.SigningCertURL = strings.Replace(certURL, "0123456789", strings.Repeat(string("0123456789abcdef"[i%16]), 10), 1)
		e.SigningCertURL = strings.Replace(e.SigningCertURL, "abcdef0123", strings.Repeat(string("0123456789abcdef"[i/16]), 10), 1)
		require.Error(t, v.Verify(t.Context(), e))
	}
	require.LessOrEqual(t, len(v.known), maxKnown)
	before := len(w.asked)
	require.NoError(t, v.Verify(t.Context(), message(t, a.key, "2", nil)))
	require.Len(t, w.asked, before, "certificates that are not there push out none that is good")
}

func TestSenderThatGoesAwaySaysNothingOfTheCertificate(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	w := good(a, t)
	v := newVerifier(t, a, w)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, v.Verify(ctx, message(t, a.key, "2", nil)), ErrUnavailable)
	require.NoError(t, v.Verify(t.Context(), message(t, a.key, "2", nil)))
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	const subscribe = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=" + testTopic + "&Token=2336412f37"
	tests := map[string]struct {
		url  string
		err  error
		code int
	}{
		"good":           {subscribe, nil, 0},
		"another host":   {"https://evil.example/?Action=ConfirmSubscription&TopicArn=" + testTopic + "&Token=2336412f37", ErrUntrusted, 0},
		"plain HTTP":     {strings.Replace(subscribe, "https", "http", 1), ErrUntrusted, 0},
		"another region": {strings.Replace(subscribe, "eu-central-1.ama", "us-east-1.ama", 1), ErrUntrusted, 0},
		"another topic":  {strings.Replace(subscribe, ":firebreak", ":other", 1), ErrUntrusted, 0},
		"another act":    {strings.Replace(subscribe, "ConfirmSubscription", "Publish", 1), ErrUntrusted, 0},
		"another token":  {subscribe + "0", ErrUntrusted, 0},
		"metadata":       {"http://169.254.169.254/latest/meta-data", ErrUntrusted, 0},
		"refused":        {subscribe, ErrUntrusted, http.StatusForbidden},
		"down":           {subscribe, ErrUnavailable, http.StatusInternalServerError},
	}
	a := newAuthority(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := good(a, t)
			w.pages[subscribe], w.codes[subscribe] = []byte("<ConfirmSubscriptionResponse/>"), tt.code
			v := newVerifier(t, a, w)
			e := message(t, a.key, "2", func(e *alert.Envelope) {
				e.Type, e.Subject, e.SubscribeURL, e.Token = alert.SNSSubscribe, nil, tt.url, "2336412f37"
			})
			require.NoError(t, v.Verify(t.Context(), e))
			w.asked = nil
			err := v.Confirm(t.Context(), e)
			if tt.err == nil {
				require.NoError(t, err)
				require.Equal(t, []string{subscribe}, w.asked)
				return
			}
			require.ErrorIs(t, err, tt.err)
			if tt.code == 0 {
				require.Empty(t, w.asked, "it is not visited")
			}
		})
	}
}

func TestTopics(t *testing.T) {
	t.Parallel()
	for arn, host := range map[string]string{
		testTopic: "sns.eu-central-1.amazonaws.com",
		"arn:aws-cn:sns:cn-north-1:210987654321:a":             "sns.cn-north-1.amazonaws.com.cn",
		"arn:aws-us-gov:sns:us-gov-west-1:210987654321:a":      "sns.us-gov-west-1.amazonaws.com",
		"arn:aws:sqs:eu-central-1:210987654321:firebreak":      "",
		"arn:aws:sns:eu-central-1.evil.example:210987654321:a": "",
		"": "",
	} {
		topic, err := parseTopic(arn)
		if host == "" {
			require.Error(t, err, arn)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, host, topic.host())
	}
	_, err := New([]string{"x"}, nil, nil, time.Now)
	require.ErrorContains(t, err, `"x" is no ARN of an SNS topic`)
}
