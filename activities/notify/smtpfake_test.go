package notify

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"mime/quotedprintable"
	"net"
	stdmail "net/mail"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const mailPasswordForTests = "canary-mail-password"

// smtpFake is a mail server that speaks the protocol on a real connection (RFC 5321) and can fail in each of its places.
type smtpFake struct {
	t        *testing.T
	listener net.Listener
	tls      *tls.Config
	wg       sync.WaitGroup

	mu    sync.Mutex
	mails []mailTaken
	// answers replaces the answer to a command, by its verb; "greeting", "accepted" and an address after RCPT count as verbs.
	answers map[string]string
	// stall lets the server fall silent at a verb, drop closes the connection instead of answering it. A mail that was
	// dropped at "accepted" was taken all the same.
	stall, drop string
	// login makes the server ask for a password; implicit makes it encrypt from the first byte.
	login, implicit bool
	commands        []string
}

type mailTaken struct {
	from string
	to   []string
	raw  string
}

// newMailFake starts a server that offers STARTTLS, and a mailer that trusts it.
func newMailFake(t *testing.T) (*smtpFake, *Mailer) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server, client := certificates(t)
	f := &smtpFake{t: t, listener: listener, tls: server, answers: map[string]string{}}
	f.wg.Go(f.accept)
	t.Cleanup(func() { _ = listener.Close(); f.wg.Wait() })
	host, port, err := mailServer(listener.Addr().String())
	require.NoError(t, err)
	return f, &Mailer{host: host, port: port, from: "firebreak@nordwall.example", encryption: client, timeout: 2 * time.Second}
}

func certificates(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
}

func (f *smtpFake) accept() {
	for {
		c, err := f.listener.Accept()
		if err != nil {
			return
		}
		f.wg.Go(func() {
			defer func() { _ = c.Close() }()
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			f.converse(c)
		})
	}
}

// say answers a verb, unless the server is to stall or drop there. It reports whether the conversation goes on.
func (f *smtpFake) say(c net.Conn, verb, usual string) bool {
	f.mu.Lock()
	answer, other := f.answers[verb]
	stall, drop := f.stall == verb, f.drop == verb
	f.mu.Unlock()
	switch {
	case drop:
		return false
	case stall:
		_, _ = io.Copy(io.Discard, c) // until the client gives up
		return false
	case other:
		usual = answer
	}
	_, err := fmt.Fprint(c, usual+"\r\n")
	return err == nil
}

func (f *smtpFake) converse(c net.Conn) {
	f.mu.Lock()
	encrypted := f.implicit
	f.mu.Unlock()
	if encrypted {
		c = tls.Server(c, f.tls)
	}
	if !f.say(c, "greeting", "220 mail.nordwall.example ESMTP") {
		return
	}
	talk := &smtpTalk{f: f, c: c, lines: bufio.NewReader(c), encrypted: encrypted}
	for {
		line, err := talk.lines.ReadString('\n')
		if err != nil || !talk.answer(strings.TrimRight(line, "\r\n")) {
			return
		}
	}
}

// smtpTalk is one conversation.
type smtpTalk struct {
	f         *smtpFake
	c         net.Conn
	lines     *bufio.Reader
	encrypted bool
	taken     mailTaken
}

// answer answers one line and reports whether the conversation goes on.
func (s *smtpTalk) answer(line string) bool {
	verb, rest, _ := strings.Cut(strings.ToUpper(line), " ")
	s.f.set(func() { s.f.commands = append(s.f.commands, verb) })
	switch verb {
	case "EHLO":
		return s.f.say(s.c, verb, s.extensions())
	case "STARTTLS":
		if !s.f.say(s.c, verb, "220 go ahead") {
			return false
		}
		s.c = tls.Server(s.c, s.f.tls)
		s.lines, s.encrypted = bufio.NewReader(s.c), true
		return true
	case "AUTH":
		secret, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(line, "AUTH PLAIN "))
		if string(secret) == "\x00firebreak\x00"+mailPasswordForTests {
			return s.f.say(s.c, verb, "235 2.7.0 welcome")
		}
		return s.f.say(s.c, verb, "535 5.7.8 no: "+strings.ReplaceAll(string(secret), "\x00", " "))
	case "MAIL":
		s.taken = mailTaken{from: rest}
		return s.f.say(s.c, verb, "250 2.1.0 ok")
	case "RCPT":
		return s.recipient(strings.ToLower(strings.Trim(strings.TrimPrefix(rest, "TO:"), "<>")))
	case "DATA":
		return s.f.say(s.c, verb, "354 go ahead") && s.f.data(s.c, s.lines, s.taken)
	case "QUIT":
		s.f.say(s.c, verb, "221 bye")
		return false
	}
	return s.f.say(s.c, verb, "500 5.5.1 what?")
}

func (s *smtpTalk) extensions() string {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	out := "250-mail.nordwall.example\r\n250-8BITMIME"
	if !s.encrypted {
		out += "\r\n250-STARTTLS"
	}
	if s.f.login && s.encrypted {
		out += "\r\n250-AUTH PLAIN"
	}
	return out + "\r\n250 SIZE 1000000"
}

func (s *smtpTalk) recipient(address string) bool {
	s.f.mu.Lock()
	_, refused := s.f.answers[address]
	s.f.mu.Unlock()
	if refused {
		return s.f.say(s.c, address, "")
	}
	s.taken.to = append(s.taken.to, address)
	return s.f.say(s.c, "RCPT", "250 2.1.5 ok")
}

func (f *smtpFake) data(c net.Conn, lines *bufio.Reader, taken mailTaken) bool {
	var raw strings.Builder
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		raw.WriteString(strings.TrimPrefix(line, "."))
	}
	taken.raw = raw.String()
	f.mu.Lock()
	if answer := f.answers["accepted"]; answer == "" || strings.HasPrefix(answer, "2") {
		f.mails = append(f.mails, taken)
	}
	number := len(f.mails)
	f.mu.Unlock()
	return f.say(c, "accepted", "250 2.0.0 Ok: queued as 4XYZ"+strconv.Itoa(number))
}

func (f *smtpFake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// sent returns the mails that the server took, whether or not its answer arrived.
func (f *smtpFake) sent() []mailTaken {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]mailTaken(nil), f.mails...)
}

// read returns a mail's headers and its text.
func (m mailTaken) read(t *testing.T) (stdmail.Header, string) {
	t.Helper()
	parsed, err := stdmail.ReadMessage(strings.NewReader(m.raw))
	require.NoError(t, err)
	require.Equal(t, "quoted-printable", parsed.Header.Get("Content-Transfer-Encoding"))
	text, err := io.ReadAll(quotedprintable.NewReader(parsed.Body))
	require.NoError(t, err)
	return parsed.Header, strings.ReplaceAll(string(text), "\r\n", "\n")
}
