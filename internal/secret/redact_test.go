package secret_test

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/secret"
)

func TestText(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, in, want string }{
		{"a Vault service token", "token hv" + "s.CAESIJ0123456789 was refused", "token [redacted] was refused"},
		{"a Vault batch token", "hv" + "b.AAAAAQ0123456789", "[redacted]"},
		{"a Slack bot token", "xox" + "b-1234567890-abcdef", "[redacted]"},
		{"an AWS access key id", "key AK" + "IAIOSFODNN7EXAMPLE", "key [redacted]"},
		{"a JSON web token", "ey" + "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "[redacted]"},
		{"a password in a URL", "dial http://user:pass@vault:8200/v1", "dial http[redacted]vault:8200/v1"},
		{"ordinary text", "credit-api answered 5 of 5", "credit-api answered 5 of 5"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, secret.NewRedactor().Text(c.in))
		})
	}
}

func TestAttrRedactsErrors(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: secret.NewRedactor().Attr}))
	log.Info("login", "error", errors.New("hv"+"s.CAESIJ0123456789"), "n", 1)
	require.NotContains(t, out.String(), "CAESIJ")
	require.Contains(t, out.String(), "[redacted]")
}
