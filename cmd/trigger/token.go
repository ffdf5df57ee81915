package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"os"
	"strings"
)

const (
	tokenVariable = "FIREBREAK_ALERT_TOKEN"
	// minTokenLength keeps out empty, default and guessable tokens; 32 random characters are a better choice.
	minTokenLength = 16
)

// bearer is the digest of the token that senders of alerts must show. The token itself is not kept.
type bearer [sha256.Size]byte

// loadBearer reads the token from the file, or from the environment if no file is named.
func loadBearer(file string, env environment) (bearer, error) {
	token, from := env.get(tokenVariable), tokenVariable
	if file != "" {
		raw, err := os.ReadFile(file)
		if err != nil {
			return bearer{}, fmt.Errorf("read the alert token (--alert-token-file): %w", err)
		}
		token, from = string(raw), file
	}
	token = strings.TrimSpace(token)
	switch {
	case token == "":
		return bearer{}, fmt.Errorf("the alert token is empty: set --alert-token-file or %s to a secret of at least %d characters, "+
			"the same as in Alertmanager's http_config.authorization.credentials", tokenVariable, minTokenLength)
	case len(token) < minTokenLength:
		return bearer{}, fmt.Errorf("the alert token in %s has fewer than %d characters: choose a longer one", from, minTokenLength)
	case strings.ContainsAny(token, " \t\r\n"):
		return bearer{}, fmt.Errorf("the alert token in %s has white space in it: it must be one word", from)
	}
	return sha256.Sum256([]byte(token)), nil
}

// admits reports whether the request bears the token. Digests are compared, so that neither content nor length leaks
// through time.
func (b bearer) admits(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	return subtle.ConstantTimeCompare(sum[:], b[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}
