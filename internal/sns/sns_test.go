package sns

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
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
