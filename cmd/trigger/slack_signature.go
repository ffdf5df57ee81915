package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// signatureWindow is how far Slack's time stamp may be from ours, in both directions.
	signatureWindow = 300 * time.Second
	signatureHeader = "X-Slack-Signature"
	timestampHeader = "X-Slack-Request-Timestamp"
)

// signingSecrets are those with which Slack may have signed a request; there are two while one replaces the other.
type signingSecrets [][]byte

// signature is what a request claims about itself. Nothing of it is believed before verify.
type signature struct {
	timestamp string
	mac       []byte
}

// claimed reads the signature's headers. It reports false for a request that no body could make genuine, so that none is
// read.
func claimed(h http.Header, now time.Time) (signature, bool) {
	var s signature
	if len(h[http.CanonicalHeaderKey(timestampHeader)]) != 1 || len(h[http.CanonicalHeaderKey(signatureHeader)]) != 1 {
		return s, false
	}
	s.timestamp = h.Get(timestampHeader)
	// ParseUint takes no sign and no blanks: one instant is written in one way.
	seconds, err := strconv.ParseUint(s.timestamp, 10, 40)
	if err != nil {
		return s, false
	}
	if now.Sub(time.Unix(int64(seconds), 0)).Abs() > signatureWindow {
		return s, false
	}
	digits, ok := strings.CutPrefix(h.Get(signatureHeader), "v0=")
	if !ok || len(digits) != hex.EncodedLen(sha256.Size) {
		return s, false
	}
	s.mac, err = hex.DecodeString(digits)
	return s, err == nil
}

// verify reports whether one of the secrets made the signature over these very bytes. Every secret is tried, and each
// comparison takes the same time.
func (secrets signingSecrets) verify(s signature, body []byte) bool {
	genuine := false
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte("v0:" + s.timestamp + ":"))
		mac.Write(body)
		if hmac.Equal(mac.Sum(nil), s.mac) {
			genuine = true
		}
	}
	return genuine
}
