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
	lines := bufio.NewReader(c)
	var taken mailTaken
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, rest, _ := strings.Cut(strings.ToUpper(line), " ")
		f.mu.Lock()
		f.commands = append(f.commands, verb)
		login := f.login
		f.mu.Unlock()
		goesOn := true
		switch verb {
		case "EHLO":
			extensions := "250-mail.nordwall.example\r\n250-8BITMIME"
			if !encrypted {
				extensions += "\r\n250-STARTTLS"
			}
			if login && encrypted {
				extensions += "\r\n250-AUTH PLAIN"
			}
			goesOn = f.say(c, verb, extensions+"\r\n250 SIZE 1000000")
		case "STARTTLS":
			if goesOn = f.say(c, verb, "220 go ahead"); goesOn {
				c = tls.Server(c, f.tls)
				lines, encrypted = bufio.NewReader(c), true
			}
		case "AUTH":
			secret, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(line, "AUTH PLAIN "))
			answer := "535 5.7.8 no: " + strings.ReplaceAll(string(secret), "\x00", " ")
			if string(secret) == "\x00firebreak\x00"+mailPasswordForTests {
				answer = "235 2.7.0 welcome"
			}
			goesOn = f.say(c, verb, answer)
		case "MAIL":
			taken = mailTaken{from: rest}
			goesOn = f.say(c, verb, "250 2.1.0 ok")
		case "RCPT":
			address := strings.ToLower(strings.Trim(strings.TrimPrefix(rest, "TO:"), "<>"))
			f.mu.Lock()
			_, refused := f.answers[address]
			f.mu.Unlock()
			if refused {
				verb = address
			} else {
				taken.to = append(taken.to, address)
			}
			goesOn = f.say(c, verb, "250 2.1.5 ok")
		case "DATA":
			if goesOn = f.say(c, verb, "354 go ahead"); goesOn {
				goesOn = f.data(c, lines, taken)
			}
		case "QUIT":
			f.say(c, verb, "221 bye")
			return
		default:
			goesOn = f.say(c, verb, "500 5.5.1 what?")
		}
		if !goesOn {
			return
		}
	}
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
