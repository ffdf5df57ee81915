package mail

import (
	"fmt"
	"io"
	"time"

	"github.com/emersion/go-smtp"
)

// session is one conversation.
type session struct {
	server *Server
	conn   *smtp.Conn
	mail   Mail
}

func (s *Server) greet(c *smtp.Conn) (smtp.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "not available, try later"}
	}
	return &session{server: s, conn: c}, nil
}

// Reset forgets the mail that was begun.
func (s *session) Reset() { s.mail = Mail{} }

// Logout ends the conversation.
func (s *session) Logout() error { return nil }

// Mail begins a mail.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.mail = Mail{From: from}
	return nil
}

// Rcpt adds somebody whom it goes to.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if s.server.refused[to] {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user here"}
	}
	s.mail.To = append(s.mail.To, to)
	return nil
}

// Data takes the mail over and answers with its number in the queue.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.server.mu.Lock()
	stall := s.server.stall
	s.server.mu.Unlock()
	time.Sleep(stall)
	s.mail.Raw = string(raw)
	told, err := s.server.take(&s.mail)
	if err != nil {
		return err
	}
	if !told {
		_ = s.conn.Conn().Close()
	}
	return &smtp.SMTPError{Code: 250, EnhancedCode: smtp.EnhancedCode{2, 0, 0}, Message: fmt.Sprintf("OK: queued as %s", s.mail.Queue)}
}
