package stack

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"firebreak/deploy/sandbox/company"
	"firebreak/deploy/sandbox/fault"
	"firebreak/deploy/sandbox/mail"
	"firebreak/deploy/sandbox/modelserver"
	"firebreak/deploy/sandbox/slack"
)

// modelController is the Kubernetes user of the model server, which writes the status of InferenceServices.
const modelController = "kserve"

// nodes opens the address at which the API server will find the pods: it must know it before there are any.
func (s *Stack) nodes(context.Context) error {
	s.podsToken = rand.Text()
	listener, err := fault.Listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Models == nil {
			http.Error(w, "no node is there yet", http.StatusServiceUnavailable)
			return
		}
		s.Models.Pods().ServeHTTP(w, r)
	}))
	if err != nil {
		return err
	}
	s.atStop(listener.Close)
	s.endpoint.pods = listener.URL
	return nil
}

// models starts the model server, which stands in for KServe's controller and runtime, and the Slack look-alike.
func (s *Stack) models(ctx context.Context) error {
	kubernetes, err := s.Kubernetes.Client()
	if err != nil {
		return err
	}
	kubernetes.Timeout = 0 // a watch lives as long as it likes
	listener, err := fault.Listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.Models.ServeHTTP(w, r) }))
	if err != nil {
		return err
	}
	s.atStop(listener.Close)
	s.Models = modelserver.New(modelserver.Options{
		KubernetesURL: s.Kubernetes.URL, Token: s.Kubernetes.Tokens[modelController], HTTPClient: kubernetes,
		S3:      company.S3Client(s.S3.Endpoint, s.S3.Region, company.Key{Access: s.S3.AccessKey, Secret: s.S3.SecretKey}),
		BaseURL: listener.URL, Authorize: s.authorize, PodToken: s.podsToken, Logger: slog.New(slog.DiscardHandler),
	})
	s.modelURL = listener.URL
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- s.Models.Run(ctx) }()
	s.atStop(func() error {
		cancel()
		kubernetes.CloseIdleConnections()
		return <-done
	})
	return s.workspace()
}

// authorize lets callers of credit-api in by their API key, a Vault token. The other endpoints take no key.
func (s *Stack) authorize(ctx context.Context, namespace, name, key string) (bool, error) {
	if namespace != "lending" || name != "credit-scorer" {
		return true, nil
	}
	client, err := company.VaultClient(s.Vault.Address, key)
	if err != nil {
		return false, err
	}
	_, err = client.Auth().Token().LookupSelfWithContext(ctx)
	return err == nil, nil
}

// workspace opens the Slack look-alike with the company's channels. People join once the company is founded.
func (s *Stack) workspace() error {
	s.Slack = slack.New(slack.Options{
		Tokens: []string{SlackToken}, Channels: []string{"incidents", "ir-legal", "drill-ir-legal"},
		App: slack.App{SocketMode: s.Options.SocketMode, AppTokens: []string{slackAppToken}},
	})
	listener, err := fault.Listen(s.Slack)
	if err != nil {
		return err
	}
	s.atStop(listener.Close)
	s.atStop(s.Slack.Close)
	s.SlackURL = listener.URL
	return s.mailServer()
}

// joinSlack lets the company's people in and tells Slack where the app is.
func (s *Stack) joinSlack(ctx context.Context) error {
	for _, p := range s.Company.Assets.People {
		s.Slack.AddUsers(slack.User{ID: p.Slack, Name: p.ID, RealName: p.ID + " (" + p.Role + ")", Email: p.IDP})
	}
	// An outsider: in the workspace, and not in the inventory.
	s.Slack.AddUsers(slack.User{ID: OutsiderSlack, Name: "mallory", RealName: "mallory (not in the inventory)", Email: "mallory@example.com"})
	app := slack.App{SigningSecret: slackSigningSecret, Commands: []string{"/incident"}, AppTokens: []string{slackAppToken}, SocketMode: s.Options.SocketMode, BaseURL: s.endpoint.slack}
	if !s.Options.SocketMode {
		app.CommandURL, app.InteractivityURL = s.TriggerURL+"/slack/commands", s.TriggerURL+"/slack/interactions"
		app.OptionsURL, app.EventsURL = s.TriggerURL+"/slack/options", s.TriggerURL+"/slack/events"
	}
	if err := s.Slack.Configure(ctx, app); err != nil {
		return fmt.Errorf("tell Slack where the app is: %w", err)
	}
	if !s.Options.SocketMode {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for s.Slack.Connections() == 0 {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the trigger's connection to Slack: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// OutsiderSlack is somebody of the workspace whom the inventory does not know.
const OutsiderSlack = "U0OUTSIDER1"

// mailServer starts the company's mail server, the way to people while Slack is down.
func (s *Stack) mailServer() error {
	var err error
	if s.Mail, err = mail.Start(filepath.Join(s.Options.Data, "mail")); err != nil {
		return err
	}
	s.atStop(s.Mail.Stop)
	return nil
}

// proxies puts a proxy before each server that the worker acts on.
func (s *Stack) proxies(context.Context) error {
	var err error
	if s.VaultProxy, s.endpoint.vault, err = s.proxy(s.Vault.Address, nil); err != nil {
		return err
	}
	if s.S3Proxy, s.endpoint.s3, err = s.proxy(s.S3.Endpoint, nil); err != nil {
		return err
	}
	if s.SlackProxy, s.endpoint.slack, err = s.proxy(s.SlackURL, nil); err != nil {
		return err
	}
	kubernetes, err := s.Kubernetes.Client()
	if err != nil {
		return err
	}
	target, err := url.Parse(s.Kubernetes.URL)
	if err != nil {
		return fmt.Errorf("parse URL: %w", err)
	}
	s.KubernetesProxy = fault.NewProxy(target, kubernetes.Transport)
	listener, err := fault.ListenTLS(s.KubernetesProxy)
	if err != nil {
		return err
	}
	s.atStop(func() error { kubernetes.CloseIdleConnections(); return listener.Close() })
	return s.writeKubeconfig(listener)
}

func (s *Stack) proxy(target string, transport http.RoundTripper) (*fault.Proxy, string, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, "", fmt.Errorf("parse URL: %w", err)
	}
	p := fault.NewProxy(u, transport)
	listener, err := fault.Listen(p)
	if err != nil {
		return nil, "", err
	}
	s.atStop(listener.Close)
	return p, listener.URL, nil
}

// writeKubeconfig gives the worker a context for each cluster of the inventory. In the sandbox both are one server.
func (s *Stack) writeKubeconfig(listener *fault.Listener) error {
	s.endpoint.kubeconfig = filepath.Join(s.Options.Data, "worker.kubeconfig")
	ca := filepath.Join(s.Options.Data, "worker-ca.crt")
	if err := os.WriteFile(ca, listener.CAPEM(), 0o600); err != nil {
		return fmt.Errorf("write certificate: %w", err)
	}
	config := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
  - {name: sandbox, cluster: {server: %q, certificate-authority: %q}}
users:
  - {name: firebreak, user: {token: %q}}
contexts:
  - {name: eu-1, context: {cluster: sandbox, user: firebreak}}
  - {name: eu-stg, context: {cluster: sandbox, user: firebreak}}
current-context: eu-1
`, listener.URL, ca, s.Kubernetes.Tokens[company.Responder])
	if err := os.WriteFile(s.endpoint.kubeconfig, []byte(config), 0o600); err != nil {
		return fmt.Errorf("write kubeconfig: %w", err)
	}
	return nil
}
