package vault

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/hashicorp/vault/api"
	"golang.org/x/crypto/ocsp"
)

// publishedLimit bounds what is read of a CRL or an answer of OCSP.
const publishedLimit = 32 << 20

// issuerRef is how a path names the issuer of a certificate.
func issuerRef(known *certificate) string {
	if known.Issuer == "" {
		return "default"
	}
	return known.Issuer
}

func (c *certificates) issuer(ctx context.Context, anyone server, known *certificate) (*x509.Certificate, error) {
	path := c.mount + "/issuer/" + issuerRef(known) + "/json"
	secret, err := anyone.read(ctx, path)
	if err != nil {
		return nil, err
	}
	if secret == nil {
		return nil, fmt.Errorf("read %s: there is no such issuer", path)
	}
	text, _ := secret.Data["certificate"].(string)
	issuer, err := parseCertificate(text)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return issuer, nil
}

// responder asks by OCSP. Its answer counts only with the issuer's signature.
func (c *certificates) responder(ctx context.Context, anyone server, known *certificate, issuer *x509.Certificate) (revoked bool, said string, err error) {
	request, err := ocsp.CreateRequest(known.parsed, issuer, nil)
	if err != nil {
		return false, "", fmt.Errorf("make OCSP request for %s: %w", known.Serial, err)
	}
	body, err := anyone.ocsp(ctx, c.mount+"/ocsp", request)
	if err != nil {
		return false, "", err
	}
	answer, err := ocsp.ParseResponseForCert(body, known.parsed, issuer)
	var refused ocsp.ResponseError
	switch {
	case errors.As(err, &refused):
		return false, "OCSP answers " + refused.Status.String(), nil
	case err != nil:
		return false, "", fmt.Errorf("check OCSP answer for %s: %w", known.Serial, err)
	case answer.Status == ocsp.Revoked:
		return true, "OCSP answers revoked, signed by the issuer", nil
	default:
		return false, "OCSP does not answer revoked", nil
	}
}

// listed reads the issuer's CRL.
func (c *certificates) listed(ctx context.Context, anyone server, known *certificate, issuer *x509.Certificate) (revoked bool, said string, err error) {
	path := c.mount + "/issuer/" + issuerRef(known) + "/crl"
	secret, err := anyone.read(ctx, path)
	if err != nil {
		return false, "", err
	}
	var text string
	if secret != nil {
		text, _ = secret.Data["crl"].(string)
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return false, "there is no CRL", nil
	}
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		return false, "", fmt.Errorf("read %s: %w", path, err)
	}
	if err := list.CheckSignatureFrom(issuer); err != nil {
		return false, "", fmt.Errorf("check signature of %s: %w", path, err)
	}
	for _, entry := range list.RevokedCertificateEntries {
		if entry.SerialNumber.Cmp(known.parsed.SerialNumber) == 0 {
			return true, "it is on the CRL, signed by the issuer", nil
		}
	}
	return false, "it is not on the CRL", nil
}

// ocsp posts a request to a responder, as its verifiers do: without a token, and in no format of Vault's own, which is
// why Vault's client is no help.
func (s server) ocsp(ctx context.Context, path string, request []byte) ([]byte, error) {
	asked := call{verb: "ask", path: path, capability: "update"}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(s.client.Address(), "/")+"/v1/"+path, bytes.NewReader(request))
	if err != nil {
		return nil, s.explain(ctx, asked, errors.New("its address cannot be asked"))
	}
	post.Header.Set("Content-Type", "application/ocsp-request")
	if namespace := s.client.Namespace(); namespace != "" {
		post.Header.Set(api.NamespaceHeaderName, namespace)
	}
	response, err := s.client.CloneConfig().HttpClient.Do(post)
	if err != nil {
		return nil, s.explain(ctx, asked, err)
	}
	defer response.Body.Close()
	// A responder that is switched off says so with 401 and an answer of OCSP.
	if response.Header.Get("Content-Type") != "application/ocsp-response" {
		return nil, s.explain(ctx, asked, &api.ResponseError{StatusCode: response.StatusCode})
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, publishedLimit))
	if err != nil {
		return nil, s.explain(ctx, asked, err)
	}
	return body, nil
}
