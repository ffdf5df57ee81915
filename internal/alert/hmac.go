package alert

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Window is how far the time of a signed post may be from ours, in both directions.
const Window = 5 * time.Minute

// Errors of a signature. None of them says what would have been right.
var (
	// ErrSignature means that no signature of the post is one by any secret of ours.
	ErrSignature = errors.New("the signature is missing or wrong")
	// ErrStale means that the time of the post is more than Window from ours.
	ErrStale = errors.New("the timestamp is missing, or more than five minutes from this clock")
)

// maxCandidates bounds the signatures of one post that are compared: more than any rotation needs.
const maxCandidates = 8

// VerifySignatures checks the header X-PagerDuty-Signature, "v1=hex,v1=hex" of HMAC-SHA256 over the body, one for each
// secret that the sender knows. One that is right is enough.
func VerifySignatures(header string, body []byte, secrets [][]byte) error {
	return verify(header, secrets, body)
}

// VerifyTimed checks the headers of firebreak's own form: the seconds since 1970, and "v1=hex" of HMAC-SHA256 over
// "v1:seconds:body".
func VerifyTimed(header, timestamp string, body []byte, secrets [][]byte, now time.Time) error {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return ErrStale
	}
	// The bound comes before the subtraction, which would wrap for times that far away.
	if away := now.Unix() - seconds; seconds < 0 || away > int64(Window/time.Second) || away < -int64(Window/time.Second) {
		return ErrStale
	}
	return verify(header, secrets, []byte("v1:"+timestamp+":"), body)
}

// verify compares each candidate with the signature by each secret. All are compared, whichever fits.
func verify(header string, secrets [][]byte, parts ...[]byte) error {
	candidates := strings.SplitN(header, ",", maxCandidates+1)
	if len(candidates) > maxCandidates {
		return ErrSignature
	}
	good := false
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		for _, p := range parts {
			mac.Write(p)
		}
		want := mac.Sum(nil)
		for _, c := range candidates {
			text, versioned := strings.CutPrefix(strings.TrimSpace(c), "v1=")
			got, err := hex.DecodeString(text)
			if versioned && err == nil && hmac.Equal(got, want) {
				good = true
			}
		}
	}
	if !good {
		return ErrSignature
	}
	return nil
}
