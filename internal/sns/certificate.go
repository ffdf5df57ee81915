package sns

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	// maxCertificateBytes is far more than a certificate and its chain have.
	maxCertificateBytes = 64 << 10
	// keep is how long a certificate is used before it is fetched again, keepFailure how long it is not asked for again.
	keep, keepFailure = 24 * time.Hour, 30 * time.Second
	maxKnown          = 64
	maxIntermediates  = 3
)

// certificate is one that was fetched and found good, or why not.
type certificate struct {
	*x509.Certificate
	err   error
	until time.Time
}

// certificatePath is where SNS keeps its certificates.
var certificatePath = regexp.MustCompile(`^/SimpleNotificationService-[0-9a-f]{32}\.pem$`)

// certificate returns the certificate at the URL, if it is one of SNS.
func (v *Verifier) certificate(ctx context.Context, t topic, text string) (*x509.Certificate, error) {
	u, err := t.ours(text)
	if err != nil {
		return nil, err
	}
	if !certificatePath.MatchString(u.Path) || u.RawQuery != "" {
		return nil, fmt.Errorf("%w: the URL of the certificate is none of SNS", ErrUntrusted)
	}
	if c := v.lookUp(u.String()); c != nil {
		return c.Certificate, c.err
	}
	select {
	case v.slots <- struct{}{}:
		defer func() { <-v.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
	// Somebody else may have fetched it meanwhile.
	if c := v.lookUp(u.String()); c != nil {
		return c.Certificate, c.err
	}
	c := &certificate{until: v.now().Add(keep)}
	if c.Certificate, c.err = v.fetch(ctx, t, u); c.err != nil {
		c.until = v.now().Add(keepFailure)
	} else if c.NotAfter.Before(c.until) {
		c.until = c.NotAfter
	}
	// A sender that went away says nothing about the certificate.
	if ctx.Err() == nil {
		v.remember(u.String(), c)
	}
	return c.Certificate, c.err
}

func (v *Verifier) lookUp(u string) *certificate {
	v.mu.Lock()
	defer v.mu.Unlock()
	if c := v.known[u]; c != nil && v.now().Before(c.until) {
		return c
	}
	return nil
}

// remember keeps a certificate. Failures never push out what is good: anybody can name certificates that are not there.
func (v *Verifier) remember(u string, c *certificate) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.known) >= maxKnown {
		for k, old := range v.known {
			if old.err != nil || !v.now().Before(old.until) {
				delete(v.known, k)
			}
		}
	}
	if len(v.known) < maxKnown {
		v.known[u] = c
	}
}

// fetch downloads a certificate and verifies its name and its chain.
func (v *Verifier) fetch(ctx context.Context, t topic, u *url.URL) (*x509.Certificate, error) {
	raw, err := v.get(ctx, u.String())
	if err != nil {
		return nil, err
	}
	certs, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUntrusted, err)
	}
	leaf := certs[0]
	named := func(name string) bool { return leaf.Subject.CommonName == name || leaf.VerifyHostname(name) == nil }
	if !slices.ContainsFunc(t.signers(), named) {
		return nil, fmt.Errorf("%w: the certificate is not issued to SNS", ErrUntrusted)
	}
	return leaf, v.chain(ctx, leaf, certs[1:])
}

// get downloads a small file.
func (v *Verifier) get(ctx context.Context, u string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUntrusted, err)
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxCertificateBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: read %s: %w", ErrUnavailable, req.URL.Host, err)
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		return nil, fmt.Errorf("%w: %s answers %s", ErrUnavailable, req.URL.Host, resp.Status)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%w: %s answers %s", ErrUntrusted, req.URL.Host, resp.Status)
	case len(raw) > maxCertificateBytes:
		return nil, fmt.Errorf("%w: %s answers more than %d bytes", ErrUntrusted, req.URL.Host, maxCertificateBytes)
	}
	return raw, nil
}

// parse reads certificates in PEM, or one in DER.
func parse(raw []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for rest := raw; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("parse the certificate: %w", err)
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		c, err := x509.ParseCertificate(raw)
		if err != nil {
			return nil, errors.New("there is no certificate in it")
		}
		out = append(out, c)
	}
	return out, nil
}

// chain verifies the certificate up to a trusted root. SNS serves it without its issuer, so that the issuer's certificate
// is fetched from where the certificate says, if that is one of the authorities that Amazon uses. What is fetched need not
// be trusted: it must fit between the two.
func (v *Verifier) chain(ctx context.Context, leaf *x509.Certificate, more []*x509.Certificate) error {
	pool := x509.NewCertPool()
	for _, c := range more {
		pool.AddCert(c)
	}
	last := leaf
	for range maxIntermediates {
		_, err := leaf.Verify(x509.VerifyOptions{
			Roots: v.roots, Intermediates: pool, CurrentTime: v.now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		})
		if err == nil {
			return nil
		}
		var unknown x509.UnknownAuthorityError
		if !errors.As(err, &unknown) {
			return fmt.Errorf("%w: %w", ErrUntrusted, err)
		}
		issuer, err := v.issuer(ctx, last)
		if err != nil {
			return err
		}
		pool.AddCert(issuer)
		last = issuer
	}
	return fmt.Errorf("%w: the certificate has no trusted root", ErrUntrusted)
}

// issuer fetches the certificate of the authority that issued another.
func (v *Verifier) issuer(ctx context.Context, c *x509.Certificate) (*x509.Certificate, error) {
	for _, text := range c.IssuingCertificateURL {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" || u.Port() != "" || u.User != nil || !authority(u.Host) {
			continue
		}
		raw, err := v.get(ctx, u.String())
		if err != nil {
			return nil, err
		}
		certs, err := parse(raw)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUntrusted, err)
		}
		return certs[0], nil
	}
	return nil, fmt.Errorf("%w: the certificate has no trusted issuer", ErrUntrusted)
}

// authority reports whether a host is a download host of the authorities that issue to Amazon.
func authority(host string) bool {
	return strings.HasSuffix(host, ".amazontrust.com") || strings.HasSuffix(host, ".digicert.com")
}
