// Package mail is the sandbox's mail server: a real SMTP server on a free port of this machine that keeps what it takes and
// delivers it to nobody. It can be told to fail in the ways in which mail servers do.
package mail

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Limits of what the server takes.
const (
	mostBytes      = 1 << 20
	mostRecipients = 50
	lineTimeout    = time.Minute
)

// Mail is one that the server took.
type Mail struct {
	From string
	To   []string
	// Raw is the mail as it came: headers, an empty line, the text.
	Raw string
	// Queue is the number that the server answered with.
	Queue string
}

// Server is the mail server. Its faults may be changed while it serves.
type Server struct {
	// Address is host:port.
	Address string

	dir    string
	server *smtp.Server
	done   chan error

	mu    sync.Mutex
	mails []Mail
	fault
}

// fault is what clients meet. The zero value is a healthy server.
type fault struct {
	down    bool
	refused map[string]bool
	// hangUps is how many mails are taken without a word to the client, stall for how long each answer to a mail is held back.
	hangUps int
	stall   time.Duration
}

// Start starts the server. Each mail is also written to the folder, as a file that mail programs open.
func Start(dir string) (*Server, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder for mails: %w", err)
	}
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen on a free port: %w", err)
	}
	s := &Server{Address: socket.Addr().String(), dir: dir, done: make(chan error, 1)}
	s.server = smtp.NewServer(smtp.BackendFunc(s.greet))
	s.server.Domain, s.server.MaxMessageBytes, s.server.MaxRecipients = "mail.nordwall.example", mostBytes, mostRecipients
	s.server.ReadTimeout, s.server.WriteTimeout = lineTimeout, lineTimeout
	s.server.ErrorLog = log.New(io.Discard, "", 0)
	go func() { s.done <- s.server.Serve(socket) }()
	return s, nil
}

// Stop ends the server and every conversation.
func (s *Server) Stop() error {
	err := s.server.Close()
	if served := <-s.done; err == nil && served != nil && served != smtp.ErrServerClosed {
		err = fmt.Errorf("serve mail: %w", served)
	}
	return err
}

// Mails returns what the server took, oldest first, also if the client was never told.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// Down makes the server send every client away with a 421 until it is called with false.
func (s *Server) Down(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// Refuse makes the server refuse mail for an address with a 550 for good.
func (s *Server) Refuse(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused == nil {
		s.refused = map[string]bool{}
	}
	s.refused[address] = true
}

// TimeoutAfterTaking takes the next n mails and closes the connection without an answer: the client cannot know it.
func (s *Server) TimeoutAfterTaking(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hangUps = n
}

// Stall holds the answer to each mail back for so long, and takes it only then.
func (s *Server) Stall(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stall = d
}

// take keeps a mail and reports whether the client is told.
func (s *Server) take(m *Mail) (told bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.Queue = "Q" + strconv.Itoa(len(s.mails)+1)
	if err := os.WriteFile(filepath.Join(s.dir, m.Queue+".eml"), []byte(m.Raw), 0o600); err != nil {
		return false, fmt.Errorf("write mail: %w", err)
	}
	s.mails = append(s.mails, *m)
	if s.hangUps > 0 {
		s.hangUps--
		return false, nil
	}
	return true, nil
}
