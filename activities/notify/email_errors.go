package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"
)

// mostAnswer bounds how much of what a mail server says is repeated.
const mostAnswer = 200

// explain words an error of the conversation with the mail server. All of them are tried again: servers come back, and what
// is set wrong is mended.
func (m *Mailer) explain(ctx context.Context, what string, err error) error {
	what = "mail server " + m.Server() + ": " + what
	var (
		answer  *textproto.Error
		network net.Error
		trust   *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &answer):
		return fmt.Errorf("%s: it answered %s%s", what, m.answer(answer), mailRemedy(answer.Code))
	case ctx.Err() != nil:
		return fmt.Errorf("%s: it did not answer in time: %w", what, ctx.Err())
	case errors.As(err, &trust):
		return fmt.Errorf("%s: its certificate is not trusted: %s: name the server as its certificate does, or trust its authority with SSL_CERT_FILE", what, m.clean(trust.Err.Error()))
	case errors.As(err, &network) && network.Timeout():
		return fmt.Errorf("%s: it did not answer in time", what)
	case strings.Contains(err.Error(), "does not support STARTTLS"):
		return fmt.Errorf("%s: it offers no STARTTLS, and without encryption no mail is given to a server that is not on this machine", what)
	}
	return fmt.Errorf("%s: %s", what, m.clean(err.Error()))
}

func (m *Mailer) answer(e *textproto.Error) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", e.Code, m.clean(e.Msg)))
}

// clean makes text of the server's fit to be repeated. A server that repeats the password is not repeated in turn.
func (m *Mailer) clean(text string) string {
	if m.password != "" {
		text = strings.ReplaceAll(text, m.password, "[redacted]")
	}
	return plain(text, mostAnswer)
}

// mailRemedy says what to do about an answer (RFC 5321, 4.2.3; RFC 4954, 6).
func mailRemedy(code int) string {
	switch code {
	case 530, 535, 538, 454:
		return ": check SMTP_USERNAME and SMTP_PASSWORD_FILE"
	case 550, 551, 553:
		return ": check the addresses in the inventory, and that SMTP_FROM may send"
	case 552, 452, 422:
		return ": it has no room"
	case 421, 450, 451:
		return ": it asks to try later"
	}
	return ""
}
