package kube

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
)

// bearer returns the bearer token. A token file is read anew each time, for service accounts' tokens are rotated.
func (c configContext) bearer(ctx context.Context) (string, error) {
	if c.user.Exec != nil {
		return c.issued.token(ctx, c.user.Exec)
	}
	if c.user.TokenFile == "" {
		return c.user.Token, nil
	}
	content, err := os.ReadFile(c.user.TokenFile)
	if err != nil {
		return "", fmt.Errorf("read token file: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}

// tls returns the TLS settings of the context.
func (c configContext) tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.cluster.ServerName}
	authority, err := material(c.cluster.AuthorityData, c.cluster.Authority)
	if err != nil {
		return nil, fmt.Errorf("read certificate authority: %w", err)
	}
	if authority != nil {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(authority) {
			return nil, errors.New("read certificate authority: there is no certificate in it")
		}
	}
	certificate, err := material(c.user.CertificateData, c.user.Certificate)
	if err != nil {
		return nil, fmt.Errorf("read client certificate: %w", err)
	}
	key, err := material(c.user.KeyData, c.user.Key)
	if err != nil {
		return nil, fmt.Errorf("read client key: %w", err)
	}
	if certificate == nil && key == nil {
		return config, nil
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("read client certificate: %w", err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

// material returns inline base64 data, which comes before a file as for kubectl, or the file's content, or nil. Its
// errors never quote the data.
func material(data, file string) ([]byte, error) {
	switch {
	case data != "":
		content, err := base64.StdEncoding.DecodeString(data)
		if err != nil {
			return nil, errors.New("the data is not base64")
		}
		return content, nil
	case file != "":
		return os.ReadFile(file)
	}
	return nil, nil
}
