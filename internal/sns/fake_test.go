package sns

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/alert"
)

// authorityFake is a certificate authority with an intermediate, and the signer that it issues to SNS.
type authorityFake struct {
	roots        *x509.CertPool
	intermediate []byte
	caKey        *rsa.PrivateKey
	ca           *x509.Certificate
	key          *rsa.PrivateKey
	serial       atomic.Int64
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
	a := &authorityFake{caKey: newKey(t), key: newKey(t), roots: x509.NewCertPool()}
	root := issue(t, 1, "Test Root", true, nil, rootKey, rootKey, nil)
	a.ca = issue(t, 2, "Test Intermediate", true, root, a.caKey, rootKey, nil)
	a.intermediate = a.ca.Raw
	a.roots.AddCert(root)
	return a
}

// signer is a certificate for SNS, changed as a test wants.
func (a *authorityFake) signer(t *testing.T, name string, change func(*x509.Certificate)) []byte {
	t.Helper()
	c := issue(t, 10+a.serial.Add(1), name, false, a.ca, a.key, a.caKey, func(c *x509.Certificate) {
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
