// Package stack is the sandbox assembled: the real servers, the company that lives in them, and firebreak's own worker and
// trigger, each a process of its own. Between the worker and every server it acts on stands a proxy of package fault, so
// that tests can break one thing at a time.
package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"golang.org/x/sync/errgroup"

	"firebreak/deploy/sandbox/build"
	"firebreak/deploy/sandbox/company"
	"firebreak/deploy/sandbox/fault"
	"firebreak/deploy/sandbox/mail"
	"firebreak/deploy/sandbox/modelserver"
	"firebreak/deploy/sandbox/process"
	"firebreak/deploy/sandbox/server"
	"firebreak/deploy/sandbox/slack"
)

// Options say how a stack is started.
type Options struct {
	// Data is the folder for everything the servers write. The caller removes it.
	Data string
	// Log receives the progress of builds and starts.
	Log io.Writer
	// S3Options are further options of the S3 server, such as --copy-object-threshold.
	S3Options []string
	// Playbooks is a folder of playbooks for the worker; empty for the built-in ones.
	Playbooks string
	// SocketMode lets Slack reach the trigger through the connections that it opens, instead of over HTTP.
	SocketMode bool
}

// Stack is a running sandbox.
type Stack struct {
	Options Options

	Temporal   *server.Temporal
	Vault      *server.Vault
	S3         *server.S3
	Kubernetes *server.Kubernetes
	Slack      *slack.Server
	Mail       *mail.Server
	Models     *modelserver.Server
	Company    *company.Company

	// The proxies stand between the worker and the servers.
	VaultProxy, S3Proxy, KubernetesProxy, SlackProxy *fault.Proxy
	// SlackURL is the look-alike's page; TriggerURL is where alerts are posted.
	SlackURL, TriggerURL string
	// AlertToken is the bearer token for alerts, PageToken the one with which somebody looks at the incident page.
	AlertToken, PageToken string

	Worker, Trigger *process.Process
	Client          client.Client

	binaries binaries
	endpoint endpoints
	modelURL string
	// podsToken is what the API server proves itself with to whoever runs the pods.
	podsToken string
	// stops are run in reverse order.
	mu    sync.Mutex
	stops []func() error
}

// binaries are the paths of everything that is run. vaultPlugin is empty unless Vault is an installed one.
type binaries struct{ temporal, vault, vaultPlugin, s3, kubernetes, worker, trigger, repository string }

// endpoints are what the worker is told the servers' addresses are: the proxies'; pods is where the API server finds those.
type endpoints struct{ vault, s3, kubeconfig, slack, pods string }

// The secrets of the sandbox's workspace. They open nothing anywhere else.
const (
	SlackToken         = "xoxb-" + "sandbox-bot-token"
	slackAppToken      = "xapp-" + "sandbox-app-level-token"
	slackSigningSecret = "0123456789abcdef" + "fedcba9876543210"
)

// Start builds what is missing, starts everything and waits until it is ready. On an error nothing is left running.
func Start(ctx context.Context, o Options) (*Stack, error) {
	s := &Stack{Options: o, AlertToken: "sandbox-alert-token-0123456789", PageToken: "sandbox-page-token-9876543210"}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context) error {
	if err := s.build(ctx); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{s.nodes, s.servers, s.models, s.found, s.proxies, s.connect, s.startWorker, s.startTrigger, s.joinSlack} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// build makes every binary, or finds it in the cache.
func (s *Stack) build(ctx context.Context) error {
	b, err := build.New(ctx, s.Options.Log)
	if err != nil {
		return err
	}
	s.binaries.repository = filepath.Join(b.Dir, "..", "..")
	for name, path := range map[string]*string{
		build.Temporal: &s.binaries.temporal, build.S3: &s.binaries.s3, build.Kubernetes: &s.binaries.kubernetes} {
		if *path, err = b.Server(ctx, name); err != nil {
			return err
		}
	}
	if s.binaries.vault, s.binaries.vaultPlugin, err = b.Vault(ctx); err != nil {
		return err
	}
	for pkg, path := range map[string]*string{"./cmd/worker": &s.binaries.worker, "./cmd/trigger": &s.binaries.trigger} {
		if *path, err = b.Product(ctx, pkg, filepath.Join(s.Options.Data, "bin")); err != nil {
			return err
		}
	}
	return nil
}

// servers starts the four real servers side by side.
func (s *Stack) servers(ctx context.Context) error {
	s.say("starting Temporal, Vault, S3 and the Kubernetes API")
	dir := func(name string) string { return filepath.Join(s.Options.Data, name) }
	var g errgroup.Group
	g.Go(func() (err error) {
		if s.Temporal, err = server.Again(func() (*server.Temporal, error) {
			return server.StartTemporal(ctx, s.binaries.temporal, dir("temporal"), nil)
		}); err == nil {
			s.atStop(s.Temporal.Stop)
		}
		return err
	})
	g.Go(func() (err error) {
		if s.Vault, err = server.Again(func() (*server.Vault, error) {
			return server.StartVault(ctx, s.binaries.vault, s.binaries.vaultPlugin, dir("vault"))
		}); err == nil {
			s.atStop(s.Vault.Stop)
		}
		return err
	})
	g.Go(func() (err error) {
		if s.S3, err = server.Again(func() (*server.S3, error) {
			return server.StartS3(ctx, s.binaries.s3, dir("s3"), s.Options.S3Options...)
		}); err == nil {
			s.atStop(s.S3.Stop)
		}
		return err
	})
	g.Go(func() (err error) {
		if s.Kubernetes, err = server.Again(func() (*server.Kubernetes, error) {
			return server.StartKubernetes(ctx, s.binaries.kubernetes, dir("kubernetes"), server.KubernetesOptions{
				Users: []string{company.Operator, company.Responder, modelController},
				Roles: map[string]string{company.Responder: filepath.Join(s.binaries.repository, "deploy", "kubernetes", "worker.yaml")},
				Pods:  s.endpoint.pods, PodsToken: s.podsToken,
			})
		}); err == nil {
			s.atStop(s.Kubernetes.Stop)
		}
		return err
	})
	return g.Wait()
}

// found creates the company and waits until each of its endpoints answers.
func (s *Stack) found(ctx context.Context) error {
	s.say("founding the company: datasets, checkpoints, endpoints, credentials, people")
	var err error
	s.Company, err = company.Found(ctx, filepath.Join(s.binaries.repository, "testdata", "inventory", "nordwall.yaml"), s.Options.Data, s.binaries.repository, company.Servers{
		Vault: s.Vault, S3: s.S3, Kubernetes: s.Kubernetes, ModelURL: s.modelURL})
	if err != nil {
		return fmt.Errorf("found the company: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for _, e := range s.Company.Assets.Endpoints {
		if err := waitAnswer(ctx, e.Probe.URL); err != nil {
			return fmt.Errorf("wait for endpoint %s: %w", e.ID, err)
		}
	}
	return nil
}

func waitAnswer(ctx context.Context, url string) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return fmt.Errorf("make request: %w", err)
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", url, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// connect opens the sandbox's own client to Temporal, with which it reads status as the incident page would.
func (s *Stack) connect(ctx context.Context) error {
	var err error
	s.Client, err = client.DialContext(ctx, client.Options{
		HostPort: s.Temporal.Address, Namespace: s.Temporal.Namespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return fmt.Errorf("connect to Temporal: %w", err)
	}
	s.atStop(func() error { s.Client.Close(); return nil })
	return nil
}

// Stop ends everything, the last started first.
func (s *Stack) Stop() error {
	s.mu.Lock()
	stops := s.stops
	s.stops = nil
	s.mu.Unlock()
	var errs []error
	for i := len(stops) - 1; i >= 0; i-- {
		errs = append(errs, stops[i]())
	}
	return errors.Join(errs...)
}

func (s *Stack) atStop(f func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stops = append(s.stops, f)
}

func (s *Stack) say(format string, args ...any) {
	fmt.Fprintf(s.Options.Log, format+"\n", args...)
}

// TemporaryData makes a folder for a stack's data and returns what removes it.
func TemporaryData() (dir string, remove func() error, err error) {
	dir, err = os.MkdirTemp("", "firebreak-sandbox-")
	if err != nil {
		return "", nil, fmt.Errorf("make data folder: %w", err)
	}
	return dir, func() error { return os.RemoveAll(dir) }, nil
}
