package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

const (
	tokenVariable = "FIREBREAK_ALERT_TOKEN"
	// minTokenLength keeps out empty and guessable secrets; 32 random characters are a better choice.
	minTokenLength = 16
	// minTokenVariety keeps out secrets of one character repeated.
	minTokenVariety = 6
	// maxSecrets bounds the secrets of one source: each is tried for each post.
	maxSecrets     = 32
	maxSecretBytes = 64 << 10
)

// placeholders are what documentation writes in place of a secret.
var placeholders = []string{"changeme", "change-me", "change_me", "changethis", "password", "placeholder", "your-secret", "yoursecret", "your-token", "example"}

// secretHint says where secrets come from, and is the same for each source.
const secretHint = "make one with: openssl rand -hex 24"

// readSecrets reads the secrets in a file, one a line: two of one sender while one replaces the other. What names the flag
// or variable for errors; a secret itself is never in one.
func readSecrets(what, file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the %s: %w", what, err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxSecretBytes))
	if err != nil {
		return nil, fmt.Errorf("read the %s: %w", what, err)
	}
	return checkSecrets(what, file, string(raw))
}

// checkSecrets refuses secrets that are empty, short, guessable, or more than one word.
func checkSecrets(what, from, text string) ([]string, error) {
	var out []string
	for line := range strings.Lines(text) {
		secret := strings.TrimSpace(line)
		if secret == "" {
			continue
		}
		if err := checkSecret(what, from, secret); err != nil {
			return nil, err
		}
		out = append(out, secret)
	}
	switch {
	case len(out) == 0:
		return nil, fmt.Errorf("the %s is empty: put a secret of at least %d characters into %s (%s)", what, minTokenLength, from, secretHint)
	case len(out) > maxSecrets:
		return nil, fmt.Errorf("the %s in %s has %d secrets, at most %d", what, from, len(out), maxSecrets)
	}
	return out, nil
}

func checkSecret(what, from, secret string) error {
	variety := map[rune]bool{}
	for _, r := range secret {
		variety[r] = true
	}
	lower := strings.ToLower(secret)
	switch {
	case strings.ContainsAny(secret, " \t\r"):
		return fmt.Errorf("the %s in %s has white space in it: it must be one word", what, from)
	case len(secret) < minTokenLength:
		return fmt.Errorf("the %s in %s has fewer than %d characters: choose a longer one (%s)", what, from, minTokenLength, secretHint)
	case len(variety) < minTokenVariety:
		return fmt.Errorf("the %s in %s repeats fewer than %d characters: choose a random one (%s)", what, from, minTokenVariety, secretHint)
	}
	for _, p := range placeholders {
		if strings.Contains(lower, p) {
			return fmt.Errorf("the %s in %s is a placeholder of documentation: choose a random one (%s)", what, from, secretHint)
		}
	}
	return nil
}

// bearer holds the digests of the tokens that senders may show. The tokens themselves are not kept.
type bearer [][sha256.Size]byte

func newBearer(secrets []string) bearer {
	b := make(bearer, 0, len(secrets))
	for _, s := range secrets {
		b = append(b, sha256.Sum256([]byte(s)))
	}
	return b
}

// admits reports whether the request bears one of the tokens. Digests are compared, each of them, so that neither content
// nor length leaks through time.
func (b bearer) admits(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	found := 0
	for i := range b {
		found |= subtle.ConstantTimeCompare(sum[:], b[i][:])
	}
	return found == 1 && strings.EqualFold(scheme, "Bearer")
}
