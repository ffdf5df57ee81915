package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"

	"firebreak/activities/failure"
)

const (
	pluginTimeout = 20 * time.Second
	pluginLimit   = 1 << 20
	// leeway is how long before its end a token is not used any more.
	leeway = 30 * time.Second
)

// plugin is a command that issues credentials, e.g. `aws eks get-token`
// (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins).
type plugin struct {
	APIVersion string   `yaml:"apiVersion"`
	Command    string   `yaml:"command"`
	Args       []string `yaml:"args"`
	Env        []struct {
		Name  string `yaml:"name"`
		Value string `yaml:"value"`
	} `yaml:"env"`
}

// issued is the token that a plug-in issued last.
type issued struct {
	mu    sync.Mutex
	value string
	until time.Time
}

// token returns a token that holds for a while yet. One that names no end is asked for each time.
func (i *issued) token(ctx context.Context, p *plugin) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.value != "" && time.Now().Add(leeway).Before(i.until) {
		return i.value, nil
	}
	value, until, err := p.run(ctx)
	if err != nil {
		return "", fmt.Errorf("run credential plug-in %s: %w", p.Command, err)
	}
	i.value, i.until = value, until
	return value, nil
}

// run runs the command. What it prints is a secret and is never part of an error.
func (p *plugin) run(ctx context.Context) (string, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, pluginTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.Command, p.Args...)
	cmd.Env = append(os.Environ(), fmt.Sprintf(`KUBERNETES_EXEC_INFO={"apiVersion":%q,"kind":"ExecCredential","spec":{"interactive":false}}`, p.APIVersion))
	for _, e := range p.Env {
		cmd.Env = append(cmd.Env, e.Name+"="+e.Value)
	}
	out := &limited{left: pluginLimit}
	cmd.Stdout = out
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return "", time.Time{}, err
	}
	var credential struct {
		Status struct {
			Token       string    `json:"token"`
			Certificate string    `json:"clientCertificateData"`
			Until       time.Time `json:"expirationTimestamp"`
		} `json:"status"`
	}
	err := json.Unmarshal(out.Bytes(), &credential)
	switch {
	case err != nil:
		return "", time.Time{}, failure.New(failure.Invalid, "it did not print an ExecCredential")
	case credential.Status.Token == "" && credential.Status.Certificate != "":
		return "", time.Time{}, failure.New(failure.Unsupported, "it issues client certificates; only tokens are supported")
	case credential.Status.Token == "":
		return "", time.Time{}, failure.New(failure.Invalid, "it issued no token")
	}
	return credential.Status.Token, credential.Status.Until, nil
}

// limited keeps the first bytes written to it.
type limited struct {
	bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	l.Buffer.Write(p[:n])
	return len(p), nil
}
