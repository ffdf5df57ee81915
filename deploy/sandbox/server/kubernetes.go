package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"firebreak/deploy/sandbox/process"
)

// Kubernetes is a running API server with KServe's InferenceService and the
// NetworkPolicy. Its state survives a Restart.
type Kubernetes struct {
	*process.Process
	// URL is https and of 127.0.0.1.
	URL string
	// CAFile holds the certificate to trust, PEM.
	CAFile string
	// Kubeconfig is a file with a context for each user.
	Kubeconfig string
	// Tokens are the bearer tokens by user.
	Tokens map[string]string
	// AuditLog is the file of mutating requests: one audit.k8s.io/v1 Event a
	// line, written before the request is answered.
	AuditLog string
}

// KubernetesOptions say who may do what, and who runs the pods.
type KubernetesOptions struct {
	// Users get a bearer token each; the first is the kubeconfig's current one.
	Users []string
	// Roles are files with the ClusterRole that bounds a user; a user without
	// may do everything.
	Roles map[string]string
	// Pods is the URL of what serves pods, with PodsToken; empty for none.
	Pods, PodsToken string
}

// StartKubernetes starts binary, the sandbox's own Kubernetes API server.
func StartKubernetes(ctx context.Context, binary, data string, o KubernetesOptions) (*Kubernetes, error) {
	users := o.Users
	if len(users) == 0 {
		return nil, errors.New("start Kubernetes: it needs a user")
	}
	data, err := makeFolders(data)
	if err != nil {
		return nil, err
	}
	port, err := process.FreePort()
	if err != nil {
		return nil, err
	}
	k := &Kubernetes{
		URL:        fmt.Sprintf("https://127.0.0.1:%d", port),
		CAFile:     filepath.Join(data, "certificates", "apiserver.crt"),
		Kubeconfig: filepath.Join(data, "kubeconfig"),
		Tokens:     make(map[string]string, len(users)),
		AuditLog:   filepath.Join(data, "audit.log"),
	}
	var lines strings.Builder
	for _, user := range users {
		k.Tokens[user] = newSecret("")
		fmt.Fprintf(&lines, "%s,%s\n", k.Tokens[user], user)
	}
	tokenFile := filepath.Join(data, "tokens")
	if err := os.WriteFile(tokenFile, []byte(lines.String()), 0o600); err != nil {
		return nil, fmt.Errorf("write token file: %w", err)
	}
	args := []string{
		"--listen-port", strconv.Itoa(port), "--data", data, "--kubeconfig-out", k.Kubeconfig,
		"--audit-log", k.AuditLog, "--token-file", tokenFile,
	}
	for user, file := range o.Roles {
		if file, err = filepath.Abs(file); err != nil {
			return nil, fmt.Errorf("resolve role of %s: %w", user, err)
		}
		args = append(args, "--role", user+"="+file)
	}
	if o.Pods != "" {
		file := filepath.Join(data, "pods-token")
		if err := os.WriteFile(file, []byte(o.PodsToken), 0o600); err != nil {
			return nil, fmt.Errorf("write token file: %w", err)
		}
		args = append(args, "--pods", o.Pods, "--pods-token-file", file)
	}
	k.Process, err = process.Start(ctx, process.Command{
		Name: "Kubernetes", Path: binary,
		Args: args, Env: process.BaseEnv(data), Dir: data, LogFile: filepath.Join(data, "kubernetes.log"),
		Ready: func(ctx context.Context) error { return k.ready(ctx, users[0]) },
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

// Client is an HTTP client that trusts the server's certificate and nothing
// else. Its connections are its own: close them with CloseIdleConnections.
func (k *Kubernetes) Client() (*http.Client, error) {
	authority, err := os.ReadFile(k.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("read certificate: %s holds none", k.CAFile)
	}
	return &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}},
	}, nil
}

// ready lists the inference services: the resource is served only once the
// server has installed it. The kubeconfig is the last thing it makes.
func (k *Kubernetes) ready(ctx context.Context, user string) error {
	if _, err := os.Stat(k.Kubeconfig); err != nil {
		return err
	}
	client, err := k.Client()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	header := http.Header{"Authorization": {"Bearer " + k.Tokens[user]}}
	return answersOK(client, k.URL+"/apis/serving.kserve.io/v1beta1/inferenceservices", header)(ctx)
}
