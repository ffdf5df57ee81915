package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"firebreak/internal/inventory"
)

// Limits of a mail and of the talk with the mail server.
const (
	mailTimeout   = 10 * time.Second // for greeting, encryption and login, and again for the mail itself
	mostMailBytes = 64 << 10
	mostAddresses = 50
	mostPassword  = 4 << 10
)

// The ports that are understood without a word: submission, where encryption is asked for, and the one where it is there
// from the first byte (RFC 8314).
const (
	submissionPort = 587
	implicitPort   = 465
)

// Mailer hands mails to one mail server. It connects for each of them, since mail is the way out when other ways are broken.
type Mailer struct {
	host string
	port int
	// implicit is true if the line is encrypted from its first byte.
	implicit bool
	from     string
	username string
	password string
	// encryption is nil but in tests, which have an authority of their own and want it on this machine too. Otherwise the
	// system's authorities are trusted, or those of SSL_CERT_FILE.
	encryption *tls.Config
	// timeout is mailTimeout but in tests.
	timeout time.Duration
}

// NewMailer reads SMTP_ADDRESS (host:port), SMTP_FROM, and for a server that wants a login SMTP_USERNAME and
// SMTP_PASSWORD_FILE. It calls nothing. Without SMTP_ADDRESS there is no mailer: it returns nil. The error says what to set,
// and never holds the password.
func NewMailer() (*Mailer, error) {
	address := os.Getenv("SMTP_ADDRESS")
	if address == "" {
		for _, name := range []string{"SMTP_FROM", "SMTP_USERNAME", "SMTP_PASSWORD_FILE"} {
			if os.Getenv(name) != "" {
				return nil, fmt.Errorf("%s is set and SMTP_ADDRESS is not: set it to the mail server's host:port, or unset both", name)
			}
		}
		return nil, nil
	}
	m := &Mailer{from: os.Getenv("SMTP_FROM"), username: os.Getenv("SMTP_USERNAME"), timeout: mailTimeout}
	var faults []error
	var err error
	if m.host, m.port, err = mailServer(address); err != nil {
		faults = append(faults, err)
	}
	m.implicit = m.port == implicitPort
	if err := checkAddress(m.from); err != nil {
		faults = append(faults, fmt.Errorf("SMTP_FROM, the sender's address: %w", err))
	}
	if m.password, err = mailPassword(m.username, os.Getenv("SMTP_PASSWORD_FILE")); err != nil {
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return m, nil
}

// Server is the mail server's address, for messages.
func (m *Mailer) Server() string { return net.JoinHostPort(m.host, strconv.Itoa(m.port)) }

// Name says in words where mail goes, also for no mailer.
func (m *Mailer) Name() string {
	if m == nil {
		return "no, SMTP_ADDRESS is not set"
	}
	return "through " + m.Server() + " as " + m.from
}

func mailServer(address string) (host string, port int, err error) {
	wrong := errors.New("SMTP_ADDRESS is not a mail server's host:port, such as smtp.example.com:587")
	host, number, err := net.SplitHostPort(address)
	if err != nil {
		host, number = strings.Trim(address, "[]"), strconv.Itoa(submissionPort)
	}
	port, err = strconv.Atoi(number)
	if err != nil || port < 1 || port > 65535 || host == "" || strings.ContainsAny(host, " \t\r\n/@") {
		return "", 0, wrong
	}
	if strings.Contains(host, ":") && net.ParseIP(host) == nil {
		return "", 0, wrong
	}
	return host, port, nil
}

func mailPassword(username, file string) (string, error) {
	switch {
	case username == "" && file == "":
		return "", nil
	case username == "" || file == "":
		return "", errors.New("SMTP_USERNAME and SMTP_PASSWORD_FILE belong together: set both, or neither for a server that wants no login")
	case strings.ContainsFunc(username, isControl):
		return "", errors.New("SMTP_USERNAME has a control character in it")
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read SMTP_PASSWORD_FILE: %w", err)
	}
	password := strings.TrimRight(string(content), "\r\n")
	if password == "" || len(password) > mostPassword || strings.ContainsFunc(password, isControl) {
		return "", errors.New("SMTP_PASSWORD_FILE does not hold a password on one line")
	}
	return password, nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// checkAddress returns an error unless the text is one bare mail address: nothing else can get into a header or a command by
// way of it.
func checkAddress(text string) error {
	switch {
	case text == "":
		return errors.New("there is no address")
	case !inventory.IsEmail(text):
		return fmt.Errorf("%q is not a bare mail address such as legal@example.com", plain(text, mostName))
	}
	return nil
}

// loopback reports whether the mail server is on this machine, where nothing can listen in between.
func (m *Mailer) loopback() bool {
	ip := net.ParseIP(m.host)
	return m.host == "localhost" || ip != nil && ip.IsLoopback()
}

// client returns a client for one conversation on the line that dial opens. Encryption is required, and the server's
// certificate checked, for every server that is not on this machine: the password and the brief must not be readable on the way.
func (m *Mailer) client(dial mail.DialContextFunc) (*mail.Client, error) {
	options := []mail.Option{
		mail.WithPort(m.port), mail.WithTimeout(m.timeout), mail.WithTLSConfig(m.tlsConfig()), mail.WithoutSMTPUTF8(), mail.WithDialContextFunc(dial),
	}
	login := mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover)
	switch {
	case m.implicit:
		// The client does not see that the line is encrypted from its start, and would not offer the password by itself.
		options = append(options, mail.WithSSL())
		login = mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin)
	case m.loopback() && m.encryption == nil:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
		login = mail.WithSMTPAuth(mail.SMTPAuthPlain)
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if m.username != "" {
		options = append(options, login, mail.WithUsername(m.username), mail.WithPassword(m.password))
	}
	c, err := mail.NewClient(m.host, options...)
	if err != nil {
		return nil, fmt.Errorf("make mail client: %w", err)
	}
	return c, nil
}

func (m *Mailer) tlsConfig() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if m.encryption != nil {
		c = m.encryption.Clone()
	}
	c.ServerName = m.host
	return c
}

// dial opens the line to the server.
func (m *Mailer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{}
	if m.implicit {
		return (&tls.Dialer{NetDialer: d, Config: m.tlsConfig()}).DialContext(ctx, network, address)
	}
	return d.DialContext(ctx, network, address)
}
