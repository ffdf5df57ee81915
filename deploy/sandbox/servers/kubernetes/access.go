package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/group"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"
	"k8s.io/apiserver/pkg/authentication/token/tokenfile"
	"k8s.io/apiserver/pkg/authentication/user"
)

// credential is one line of the token file.
type credential struct {
	token, user string
}

// readTokens reads lines of `token,user`; blank lines and lines that start
// with # are skipped.
func readTokens(path string) ([]credential, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open token file: %w", err)
	}
	defer file.Close()
	var all []credential
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		token, name, ok := strings.Cut(line, ",")
		token, name = strings.TrimSpace(token), strings.TrimSpace(name)
		if !ok || token == "" || name == "" {
			return nil, fmt.Errorf("read token file: line %d is not token,user", number)
		}
		all = append(all, credential{token: token, user: name})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read token file: %w", err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("read token file: no token in it")
	}
	return all, nil
}

// requestAuthenticator accepts the bearer tokens of the file and nothing else: a
// request without one is answered 401, for there is no anonymous user.
func requestAuthenticator(all []credential) authenticator.Request {
	users := make(map[string]*user.DefaultInfo, len(all))
	for _, c := range all {
		users[c.token] = &user.DefaultInfo{Name: c.user, UID: c.user}
	}
	return group.NewAuthenticatedGroupAdder(bearertoken.New(tokenfile.New(users)))
}
