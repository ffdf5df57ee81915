package alert

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func mac(secret, text string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(text))
	return "v1=" + hex.EncodeToString(m.Sum(nil))
}

func TestVerifySignatures(t *testing.T) {
	t.Parallel()
	body := []byte(`{"event":{}}`)
	secrets := [][]byte{[]byte("old-secret"), []byte("new-secret")}
	good := mac("new-secret", string(body))
	tests := map[string]struct {
		header string
		ok     bool
	}{
		"the new secret":      {good, true},
		"the old secret":      {mac("old-secret", string(body)), true},
		"second of two":       {mac("other", string(body)) + "," + good, true},
		"with space":          {mac("other", "") + ", " + good, true},
		"eighth":              {strings.Repeat("v1=00,", 7) + good, true},
		"ninth":               {strings.Repeat("v1=00,", 8) + good, false},
		"missing":             {"", false},
		"another secret":      {mac("other", string(body)), false},
		"another body":        {mac("new-secret", string(body)+" "), false},
		"another version":     {strings.Replace(good, "v1", "v0", 1), false},
		"cut off":             {good[:len(good)-2], false},
		"without the version": {good[3:], false},
		"not hexadecimal":     {"v1=zz", false},
		"empty":               {"v1=", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := VerifySignatures(tt.header, body, secrets)
			if tt.ok {
				require.NoError(t, err)
				return
			}
			require.Equal(t, ErrSignature, err, "it says nothing of what would be right")
		})
	}
	require.ErrorIs(t, VerifySignatures(good, body, nil), ErrSignature)
}

func TestVerifyTimed(t *testing.T) {
	t.Parallel()
	const body = `{"id":"x"}`
	secrets := [][]byte{[]byte("old-secret"), []byte("new-secret")}
	at := func(d time.Duration) string { return strconv.FormatInt(received.Add(d).Unix(), 10) }
	tests := map[string]struct {
		timestamp string
		signed    string
		secret    string
		err       error
	}{
		"now":                {at(0), "", "new-secret", nil},
		"by the old secret":  {at(0), "", "old-secret", nil},
		"five minutes old":   {at(-Window), "", "new-secret", nil},
		"five minutes ahead": {at(Window), "", "new-secret", nil},
		"stale":              {at(-Window - time.Second), "", "new-secret", ErrStale},
		"in the future":      {at(Window + time.Second), "", "new-secret", ErrStale},
		"no time":            {"", "", "new-secret", ErrStale},
		"no number":          {"now", "", "new-secret", ErrStale},
		"far away":           {"9223372036854775807", "", "new-secret", ErrStale},
		"negative":           {"-9223372036854775808", "", "new-secret", ErrStale},
		"of another time":    {at(time.Second), at(0), "new-secret", ErrSignature},
		"by another secret":  {at(0), "", "another", ErrSignature},
		"of the body alone":  {at(0), "-", "new-secret", ErrSignature},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signed := tt.timestamp
			if tt.signed != "" {
				signed = tt.signed
			}
			text := "v1:" + signed + ":" + body
			if tt.signed == "-" {
				text = body
			}
			err := VerifyTimed(mac(tt.secret, text), tt.timestamp, []byte(body), secrets, received)
			require.Equal(t, tt.err, err)
		})
	}
}
