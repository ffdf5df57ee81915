// Package modelserver stands in for KServe's controller, for its predictor
// runtime, and for the node and the network that its pods run in: it watches
// InferenceServices at a Kubernetes API, loads the checkpoints that they name
// from S3, answers predictions with them, and lets nobody in whom a
// NetworkPolicy keeps out.
//
// The digest that it states is computed here, from the bytes that it loaded,
// and by code of its own: a proof that compares it with the product's figure
// compares two independent computations.
package modelserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// objectStore is what a checkpoint is loaded with; *s3.Client is one.
type objectStore interface {
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// Options say what the server watches, loads from and answers as.
type Options struct {
	// KubernetesURL is the API's base, such as "https://127.0.0.1:6443".
	KubernetesURL string
	// Token is the bearer token for it; empty for none.
	Token string
	// CAPool verifies the API's certificate; nil means the system's authorities.
	CAPool *x509.CertPool
	// HTTPClient replaces the client that CAPool would be set up in. Its Timeout
	// is not used: it would cut watches.
	HTTPClient *http.Client
	// S3 is where storageUri points; a *s3.Client.
	S3 objectStore
	// BaseURL is where this handler is reachable: status.url is
	// BaseURL/<namespace>/<name>.
	BaseURL string
	// Authorize decides on the x-api-key of a prediction; nil lets everybody in.
	// Its error is answered as HTTP 503.
	Authorize func(ctx context.Context, namespace, name, key string) (bool, error)
	// Record receives each prediction request that reached a loaded model; see
	// RecordTo. Nil drops them.
	Record func(Request)
	// PodToken is what the API server proves itself with to Pods; empty refuses everybody.
	PodToken string
	// Logger is slog.Default() if nil.
	Logger *slog.Logger
	// Now is the clock of request records and conditions; time.Now if nil.
	Now func() time.Time
}

// Server is the controller (Run) and the runtime (ServeHTTP) in one.
type Server struct {
	opts   Options
	log    *slog.Logger
	now    func() time.Time
	kube   *kubernetes
	mux    *http.ServeMux
	loops  sync.WaitGroup
	faults faults

	mu        sync.RWMutex
	endpoints map[endpointKey]*endpoint
	policies  []networkPolicy
}

type endpointKey struct{ namespace, name string }

// New returns a server that serves nothing until Run has seen the API.
func New(opts Options) *Server {
	s := &Server{
		opts: opts, log: opts.Logger, now: opts.Now, mux: http.NewServeMux(),
		endpoints: make(map[endpointKey]*endpoint),
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.now == nil {
		s.now = time.Now
	}
	client := http.Client{}
	if opts.HTTPClient != nil {
		client = *opts.HTTPClient
		client.Timeout = 0
	} else {
		client.Transport = &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: opts.CAPool, MinVersion: tls.VersionTLS12},
		}
	}
	s.kube = &kubernetes{base: strings.TrimSuffix(opts.KubernetesURL, "/"), token: opts.Token, client: &client}
	s.routes()
	return s
}

// Backoff of the list and watch loop, and of a checkpoint that does not load.
const (
	firstPause = 100 * time.Millisecond
	longPause  = 5 * time.Second
)

// Run follows the API until ctx ends and then returns nil, with all work
// stopped; models that are loaded go on answering. The API may be down or
// without the CRD at first: Run tries again. It returns an error only for
// options that cannot work.
func (s *Server) Run(ctx context.Context) error {
	if u, err := url.Parse(s.opts.KubernetesURL); err != nil || u.Host == "" {
		return fmt.Errorf("watch inference services: kubernetes url %q is not a url", s.opts.KubernetesURL)
	}
	if s.opts.S3 == nil {
		return errors.New("load checkpoints: no s3 client given")
	}
	defer s.loops.Wait()
	s.loops.Go(func() { s.enforce(ctx) })
	pause := firstPause
	for ctx.Err() == nil {
		err := s.follow(ctx)
		if err == nil || errors.Is(err, errExpired) {
			pause = firstPause
			sleep(ctx, pause) // a server that ends every stream at once is not hammered
			continue
		}
		if ctx.Err() != nil {
			return nil
		}
		s.log.WarnContext(ctx, "follow inference services", "error", err, "retry_in", pause)
		sleep(ctx, pause)
		pause = min(2*pause, longPause)
	}
	return nil
}

// follow lists once and watches until the stream ends. A stream that ends or
// that is too old is followed by a new list, so nothing is ever missed.
func (s *Server) follow(ctx context.Context) error {
	list, err := s.kube.list(ctx)
	if err != nil {
		return err
	}
	present := make(map[endpointKey]bool, len(list.Items))
	for i := range list.Items {
		present[list.Items[i].key()] = true
		s.deliver(ctx, list.Items[i].key(), &list.Items[i])
	}
	for _, key := range s.known() {
		if !present[key] {
			s.deliver(ctx, key, nil)
		}
	}
	return s.kube.watch(ctx, list.Metadata.ResourceVersion, func(seen watchEvent, service *inferenceService) {
		if seen == deleted {
			s.deliver(ctx, service.key(), nil)
			return
		}
		s.deliver(ctx, service.key(), service)
	})
}

// deliver hands the newest state of one InferenceService to its own loop, so
// that a slow load holds up no other. Nil means that it was deleted.
func (s *Server) deliver(ctx context.Context, key endpointKey, service *inferenceService) {
	s.mu.Lock()
	e, ok := s.endpoints[key]
	if !ok {
		e = newEndpoint(key)
		s.endpoints[key] = e
	}
	s.mu.Unlock()
	if e.want(service) {
		s.loops.Go(func() { s.loop(ctx, e) })
	}
}

func (s *Server) known() []endpointKey {
	s.mu.RLock()
	defer s.mu.RUnlock()
	keys := make([]endpointKey, 0, len(s.endpoints))
	for key := range s.endpoints {
		keys = append(keys, key)
	}
	return keys
}

func (s *Server) endpoint(key endpointKey) *endpoint {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.endpoints[key]
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
