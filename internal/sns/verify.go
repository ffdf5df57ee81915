package sns

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1" // SignatureVersion 1 is SHA-1 by the definition of SNS
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"firebreak/internal/alert"
)

// ErrUntrusted means that the message does not come from a pinned topic, or cannot be shown to: it stays so.
var ErrUntrusted = errors.New("not a message of a pinned SNS topic")

// ErrUnavailable means that it could not be found out now: SNS should send the message again.
var ErrUnavailable = errors.New("cannot verify the message now")

// The window of a message's time. SNS tries a message again for an hour at most.
const (
	maxAge   = time.Hour + 5*time.Minute
	maxAhead = 5 * time.Minute
)

const (
	fetchTimeout = 3 * time.Second
	// fetches bounds the certificates that are being fetched at the same time.
	fetches = 4
)

// Verifier verifies messages of pinned topics.
type Verifier struct {
	topics map[string]topic
	client *http.Client
	roots  *x509.CertPool
	now    func() time.Time

	slots chan struct{}
	mu    sync.Mutex
	known map[string]*certificate
}

// New makes a verifier. Roots are the system's if nil. The transport may be nil, for Go's own.
func New(topics []string, transport http.RoundTripper, roots *x509.CertPool, now func() time.Time) (*Verifier, error) {
	v := &Verifier{
		topics: map[string]topic{}, roots: roots, now: now, slots: make(chan struct{}, fetches), known: map[string]*certificate{},
		client: &http.Client{
			Transport: transport, Timeout: fetchTimeout,
			// Whatever is asked for must be where it was asked for.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	var errs []error
	for _, arn := range topics {
		t, err := parseTopic(arn)
		v.topics[arn], errs = t, append(errs, err)
	}
	return v, errors.Join(errs...)
}

// Verify returns nil if SNS signed the message for a pinned topic. Other errors wrap ErrUntrusted or ErrUnavailable.
func (v *Verifier) Verify(ctx context.Context, e *alert.Envelope) error {
	t, pinned := v.topics[e.TopicArn]
	if !pinned {
		return fmt.Errorf("%w: the topic is not one of --sns-topic", ErrUntrusted)
	}
	at, err := time.Parse(time.RFC3339Nano, e.Timestamp)
	if err != nil || v.now().Sub(at) > maxAge || at.Sub(v.now()) > maxAhead {
		return fmt.Errorf("%w: its time is missing, in the future or more than an hour old", ErrUntrusted)
	}
	signature, err := base64.StdEncoding.DecodeString(e.Signature)
	if err != nil || len(signature) == 0 || len(signature) > 1024 {
		return fmt.Errorf("%w: the signature is missing or no base64", ErrUntrusted)
	}
	hash, digest, err := digest(e)
	if err != nil {
		return err
	}
	cert, err := v.certificate(ctx, t, e.SigningCertURL)
	if err != nil {
		return err
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok || rsa.VerifyPKCS1v15(key, hash, digest, signature) != nil {
		return fmt.Errorf("%w: the signature is wrong", ErrUntrusted)
	}
	return nil
}

// digest hashes what SNS signs, by the version that the message names.
func digest(e *alert.Envelope) (crypto.Hash, []byte, error) {
	text := []byte(toSign(e))
	switch e.SignatureVersion {
	case "1":
		sum := sha1.Sum(text)
		return crypto.SHA1, sum[:], nil
	case "2":
		sum := sha256.Sum256(text)
		return crypto.SHA256, sum[:], nil
	}
	return 0, nil, fmt.Errorf("%w: SignatureVersion %.10q is neither 1 nor 2", ErrUntrusted, e.SignatureVersion)
}

// toSign is the text that SNS signs: names and values in the order that SNS documents, each on a line of its own.
func toSign(e *alert.Envelope) string {
	var b strings.Builder
	add := func(name, value string) { b.WriteString(name + "\n" + value + "\n") }
	add("Message", e.Message)
	add("MessageId", e.MessageID)
	if e.Type == alert.SNSNotification {
		if e.Subject != nil {
			add("Subject", *e.Subject)
		}
		add("Timestamp", e.Timestamp)
	} else {
		add("SubscribeURL", e.SubscribeURL)
		add("Timestamp", e.Timestamp)
		add("Token", e.Token)
	}
	add("TopicArn", e.TopicArn)
	add("Type", e.Type)
	return b.String()
}
