package notify

import (
	stdmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMailerOfTheEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(file, []byte(mailPasswordForTests+"\n"), 0o600))
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, []byte("\n"), 0o600))
	tests := []struct {
		name                          string
		address, from, username, file string
		server                        string
		wrong                         []string
	}{
		{"nothing", "", "", "", "", "", nil},
		{"a server", "smtp.nordwall.example:2525", "f@nordwall.example", "", "", "smtp.nordwall.example:2525", nil},
		{"a server without a port", "smtp.nordwall.example", "f@nordwall.example", "", "", "smtp.nordwall.example:587", nil},
		{"an IPv6 address", "[::1]:25", "f@nordwall.example", "", "", "[::1]:25", nil},
		{"an IPv6 address without a port", "::1", "f@nordwall.example", "", "", "[::1]:587", nil},
		{"a login", "smtp.nordwall.example:465", "f@nordwall.example", "f", file, "smtp.nordwall.example:465", nil},
		{"no server", "", "f@nordwall.example", "", "", "", []string{"SMTP_FROM is set and SMTP_ADDRESS is not"}},
		{"no server but a login", "", "", "f", "", "", []string{"SMTP_USERNAME is set and SMTP_ADDRESS is not"}},
		{"a URL", "smtp://x:25", "f@nordwall.example", "", "", "", []string{"SMTP_ADDRESS is not a mail server's host:port"}},
		{"no host", ":25", "f@nordwall.example", "", "", "", []string{"SMTP_ADDRESS is not"}},
		{"a port that is none", "x:99999", "f@nordwall.example", "", "", "", []string{"SMTP_ADDRESS is not"}},
		{"no sender", "x:25", "", "", "", "", []string{"SMTP_FROM, the sender's address: there is no address"}},
		{"a sender with a name", "x:25", "F <f@nordwall.example>", "", "", "", []string{"not a bare mail address"}},
		{"a sender that brings a header", "x:25", "f@nordwall.example\r\nBcc: e@evil.example", "", "", "", []string{"not a bare mail address"}},
		{"a user without a password", "x:25", "f@nordwall.example", "f", "", "", []string{"belong together"}},
		{"no password file", "x:25", "f@nordwall.example", "f", "/does/not/exist", "", []string{"read SMTP_PASSWORD_FILE: open /does/not/exist"}},
		{"an empty password", "x:25", "f@nordwall.example", "f", empty, "", []string{"does not hold a password"}},
		{"all at once", "x:0", "nobody", "f", "", "", []string{"SMTP_ADDRESS", "SMTP_FROM", "SMTP_PASSWORD_FILE"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, value := range map[string]string{"SMTP_ADDRESS": tt.address, "SMTP_FROM": tt.from, "SMTP_USERNAME": tt.username, "SMTP_PASSWORD_FILE": tt.file} {
				t.Setenv(name, value)
			}
			m, err := NewMailer()
			for _, want := range tt.wrong {
				require.ErrorContains(t, err, want)
				require.NotContains(t, err.Error(), "canary")
			}
			if tt.wrong != nil {
				return
			}
			require.NoError(t, err)
			if tt.server == "" {
				require.Nil(t, m)
				return
			}
			require.Equal(t, tt.server, m.Server())
		})
	}
}

func TestOnlyBareAddresses(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"legal@nordwall.example", "o'neil+ir@sub.nordwall.example"} {
		require.NoError(t, checkAddress(good))
	}
	for _, bad := range []string{
		"", "legal", "legal@", "Legal <legal@nordwall.example>", "a@nordwall.example, b@nordwall.example", "legal@nordwall.example\r\nBcc: e@evil.example",
		"legal@nordwall.example\x00", strings.Repeat("a", 250) + "@nordwall.example", " legal@nordwall.example",
	} {
		require.Error(t, checkAddress(bad), bad)
	}
}

// An address that the inventory takes must not be refused when the mail is written.
func FuzzAddress(f *testing.F) {
	for _, a := range []string{"legal@nordwall.example", "o'neil+ir@sub.nordwall.example", "a@b", ".a@b", "a@b\r\nX: y"} {
		f.Add(a)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if checkAddress(text) != nil {
			return
		}
		parsed, err := stdmail.ParseAddress(text)
		require.NoError(t, err)
		require.Equal(t, text, parsed.Address)
		require.NotContains(t, text, "\n")
	})
}

func TestLoopbackNeedsNoEncryption(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{"localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "10.0.0.1": false, "smtp.nordwall.example": false, "localhost.evil.example": false} {
		require.Equal(t, want, (&Mailer{host: host}).loopback(), host)
	}
}
