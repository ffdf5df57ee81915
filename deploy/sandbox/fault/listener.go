package fault

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"time"
)

// Listener serves a handler on a free port of 127.0.0.1.
type Listener struct {
	// URL is the base, such as "http://127.0.0.1:40001", without a final slash.
	URL string

	server *http.Server
	caPEM  []byte
}

// Listen serves h over plain HTTP.
func Listen(h http.Handler) (*Listener, error) { return listen(h, nil) }

// ListenTLS serves h over TLS with a certificate made now for 127.0.0.1, ::1
// and localhost; CAPEM is what a client must trust.
func ListenTLS(h http.Handler) (*Listener, error) {
	cert, err := selfSigned(time.Now())
	if err != nil {
		return nil, err
	}
	return listen(h, cert)
}

func listen(h http.Handler, cert *tls.Certificate) (*Listener, error) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen on a free port: %w", err)
	}
	l := &Listener{URL: "http://" + socket.Addr().String()}
	// HTTP/1 only: there a dropped connection is one request's, as the rules mean it.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	l.server = &http.Server{
		Handler: h, Protocols: protocols, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
	}
	if cert != nil {
		l.URL = "https://" + socket.Addr().String()
		l.caPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
		socket = tls.NewListener(socket, &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12})
	}
	go func() { _ = l.server.Serve(socket) }() // always ends with ErrServerClosed, after Close
	return l, nil
}

// CAPEM is the certificate in PEM, to trust as an authority; nil without TLS.
func (l *Listener) CAPEM() []byte { return l.caPEM }

// Close stops listening and cuts the open connections.
func (l *Listener) Close() error {
	if err := l.server.Close(); err != nil {
		return fmt.Errorf("close listener: %w", err)
	}
	return nil
}

func selfSigned(now time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "sandbox fault proxy"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(30 * 24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IsCA: true, BasicConstraintsValid: true,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("create certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
