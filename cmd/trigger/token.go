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
	return loadToken("alert token", "--alert-token-file", file, env.get(tokenVariable), tokenVariable)
}

// loadToken reads a token from the file, or takes the one of the variable if no file is named.
func loadToken(what, flag, file, token, variable string) (bearer, error) {
	from := variable
	if file != "" {
		raw, err := os.ReadFile(file)
		if err != nil {
			return bearer{}, fmt.Errorf("read the %s (%s): %w", what, flag, err)
		}
		token, from = string(raw), file
	}
	token = strings.TrimSpace(token)
	switch {
	case token == "" && variable == "":
		return bearer{}, fmt.Errorf("the %s in %s (%s) is empty: put a secret of at least %d characters there", what, from, flag, minTokenLength)
	case token == "":
		return bearer{}, fmt.Errorf("the %s is empty: set %s or %s to a secret of at least %d characters, "+
			"the same as in Alertmanager's http_config.authorization.credentials", what, flag, variable, minTokenLength)
	case len(token) < minTokenLength:
		return bearer{}, fmt.Errorf("the %s in %s has fewer than %d characters: choose a longer one", what, from, minTokenLength)
	case strings.ContainsAny(token, " \t\r\n"):
		return bearer{}, fmt.Errorf("the %s in %s has white space in it: it must be one word", what, from)
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
