package notify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"firebreak/activities/failure"
)

// letter is a mail before it is sent. It is made from the operation alone, so that a repetition reads the same.
type letter struct {
	// id identifies the mail, and with it every repetition of it. Mails of one thread have the same root; answers, if any, is
	// the id of the mail that this one belongs under.
	id, root, answers string
	subject, body     string
	to                []string
}

// accepted is what a mail server said when it took a mail over. It says nothing of whether anybody has read it.
type accepted struct {
	MessageID string `json:"message_id"`
	Server    string `json:"server"`
	// Answer is the server's last word, which most servers put the mail's number in their queue into.
	Answer string `json:"answer"`
	// To are the addresses that the server took; Refused are those it did not, with its reasons.
	To      []string  `json:"to"`
	Refused []string  `json:"refused,omitempty"`
	At      time.Time `json:"at"`
}

// messageID derives the id of a mail from what it is about. The same operation always has the same one, so that mail programs
// show a repetition once and people can tell that it is one.
func (m *Mailer) messageID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	_, domain, _ := strings.Cut(m.from, "@")
	return "<" + hex.EncodeToString(sum[:16]) + "@" + domain + ">"
}

// check refuses what must not be sent: nobody, too many, too much, or a line break where a header would end.
func (l *letter) check() error {
	switch {
	case len(l.to) == 0:
		return failure.New(failure.Invalid, "send mail: it goes to nobody")
	case len(l.to) > mostAddresses:
		return failure.New(failure.Invalid, "send mail: it goes to %d addresses, at most %d", len(l.to), mostAddresses)
	case len(l.body) > mostMailBytes:
		return failure.New(failure.Invalid, "send mail: it has %d bytes, at most %d", len(l.body), mostMailBytes)
	case strings.ContainsFunc(l.subject+l.id+l.root+l.answers, isControl):
		return failure.New(failure.Invalid, "send mail: a header has a line break or a control character in it")
	}
	for _, to := range l.to {
		if err := checkAddress(to); err != nil {
			return failure.New(failure.Invalid, "send mail: %w", err)
		}
	}
	return nil
}

// bytes is the mail as it goes over the line, in plain text.
func (m *Mailer) bytes(l *letter, now time.Time) ([]byte, error) {
	msg := mail.NewMsg(mail.WithEncoding(mail.EncodingQP), mail.WithNoDefaultUserAgent())
	err := errors.Join(msg.From(m.from), msg.To(l.to...))
	if err != nil {
		return nil, failure.New(failure.Invalid, "write mail: %w", err)
	}
	msg.Subject(l.subject)
	msg.SetMessageIDWithValue(strings.Trim(l.id, "<>"))
	msg.SetDateWithValue(now)
	msg.SetImportance(mail.ImportanceHigh)
	references := []string{l.root}
	if l.answers != "" {
		msg.SetGenHeader(mail.HeaderInReplyTo, l.answers)
		references = append(references, l.answers)
	}
	msg.SetGenHeaderPreformatted(mail.HeaderReferences, strings.Join(references, " "))
	// Nobody's absence note is an answer (RFC 3834).
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(mail.TypeTextPlain, l.body)
	var out bytes.Buffer
	if _, err := msg.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("write mail: %w", err)
	}
	return out.Bytes(), nil
}

// send hands the mail over and returns what the server said. One address that the server does not take does not keep the
// mail from the others. An error after the mail was sent means that the server may have it nevertheless.
func (m *Mailer) send(ctx context.Context, l *letter) (*accepted, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	raw, err := m.bytes(l, now)
	if err != nil {
		return nil, err
	}
	// The client leaves the line open if the server does not get as far as the mail.
	var line net.Conn
	client, err := m.client(func(ctx context.Context, network, address string) (net.Conn, error) {
		var err error
		line, err = m.dial(ctx, network, address)
		return line, err
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if line != nil {
			_ = line.Close()
		}
	}()
	conversation, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return nil, m.explain(ctx, "connect", err)
	}
	if err := conversation.UpdateDeadline(m.timeout); err != nil {
		return nil, m.explain(ctx, "connect", err)
	}
	defer context.AfterFunc(ctx, func() { _ = line.Close() })()
	out := &accepted{MessageID: l.id, Server: m.Server(), At: now}
	if err := m.envelope(ctx, conversation, l, out); err != nil {
		return nil, err
	}
	if out.Answer, err = m.transmit(ctx, conversation, raw); err != nil {
		return nil, err
	}
	leave(conversation)
	return out, nil
}

// leave ends the conversation. The mail is taken by then, so a server that does not say goodbye is not waited for.
func leave(conversation *smtp.Client) {
	if conversation.UpdateDeadline(time.Second) == nil {
		_ = conversation.Quit()
	}
}

// envelope names sender and receivers. It is an error only if nobody is left.
func (m *Mailer) envelope(ctx context.Context, conversation *smtp.Client, l *letter, out *accepted) error {
	if err := conversation.Mail(m.from); err != nil {
		return m.explain(ctx, "send as "+m.from, err)
	}
	var last error
	for _, to := range l.to {
		err := conversation.Rcpt(to)
		var refused *textproto.Error
		switch {
		case err == nil:
			out.To = append(out.To, to)
		case errors.As(err, &refused):
			last = err
			out.Refused = append(out.Refused, to+": "+m.answer(refused))
		default:
			return m.explain(ctx, "send to "+to, err)
		}
	}
	if len(out.To) == 0 {
		return m.explain(ctx, "send to any of "+strings.Join(l.to, ", "), last)
	}
	return nil
}

func (m *Mailer) transmit(ctx context.Context, conversation *smtp.Client, raw []byte) (answer string, err error) {
	w, err := conversation.Data()
	if err != nil {
		return "", m.explain(ctx, "send", err)
	}
	if _, err := w.Write(raw); err != nil {
		return "", m.explain(ctx, "send", err)
	}
	err = w.Close()
	var refused *textproto.Error
	if errors.As(err, &refused) {
		return "", m.explain(ctx, "send", err)
	}
	if err != nil {
		return "", fmt.Errorf("%w: whether it was taken is not known; it is sent again under the same Message-ID", m.explain(ctx, "send", err))
	}
	data, ok := w.(*smtp.DataCloser)
	if !ok {
		return "", nil
	}
	return m.clean(data.ServerResponse()), nil
}
