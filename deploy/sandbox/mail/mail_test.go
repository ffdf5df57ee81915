package mail_test

import (
	"net/smtp"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/mail"
)

const text = "Subject: hello\r\n\r\nLegal brief\r\n"

func send(s *mail.Server, to ...string) error {
	return smtp.SendMail(s.Address, nil, "firebreak@nordwall.example", to, []byte(text))
}

func start(t *testing.T) (*mail.Server, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := mail.Start(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	return s, dir
}

func TestServerKeepsWhatItTakes(t *testing.T) {
	t.Parallel()
	s, dir := start(t)
	require.NoError(t, send(s, "legal@nordwall.example", "privacy@nordwall.example"))
	got := s.Mails()
	require.Equal(t, []mail.Mail{{From: "firebreak@nordwall.example", To: []string{"legal@nordwall.example", "privacy@nordwall.example"}, Raw: text, Queue: "Q1"}}, got)
	raw, err := os.ReadFile(filepath.Join(dir, "Q1.eml"))
	require.NoError(t, err)
	require.Equal(t, text, string(raw))
}

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		plan  func(*mail.Server)
		wrong string
		taken int
	}{
		"down":               {func(s *mail.Server) { s.Down(true) }, "421", 0},
		"refused":            {func(s *mail.Server) { s.Refuse("legal@nordwall.example") }, "550", 0},
		"taken, and silent":  {func(s *mail.Server) { s.TimeoutAfterTaking(1) }, "EOF", 1},
		"slow":               {func(s *mail.Server) { s.Stall(50 * time.Millisecond) }, "", 1},
		"down and up again":  {func(s *mail.Server) { s.Down(true); s.Down(false) }, "", 1},
		"another is refused": {func(s *mail.Server) { s.Refuse("x@nordwall.example") }, "", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := start(t)
			tt.plan(s)
			err := send(s, "legal@nordwall.example")
			if tt.wrong == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tt.wrong)
			}
			require.Len(t, s.Mails(), tt.taken)
		})
	}
}
