package modelserver

import (
	"context"
	"sync"
	"time"
)

// endpoint is one InferenceService: what is wanted of it and what it serves.
type endpoint struct {
	key  endpointKey
	kick chan struct{} // holds one kick; a loop that is awake already sees the newest state

	mu      sync.Mutex
	looping bool
	desired *inferenceService
	serving *checkpoint
	last    *checkpoint // what was loaded last, kept for ServeStale
	pod     *pod        // what serves; nil while nothing does
}

func newEndpoint(key endpointKey) *endpoint { return &endpoint{key: key, kick: make(chan struct{}, 1)} }

// want sets what is desired and says whether a loop must be started for it.
func (e *endpoint) want(service *inferenceService) (startLoop bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.desired = service
	startLoop = !e.looping
	e.looping = true
	e.wake()
	return startLoop
}

func (e *endpoint) loopEnded() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.looping = false
}

func (e *endpoint) wake() {
	select {
	case e.kick <- struct{}{}:
	default:
	}
}

func (e *endpoint) state() (desired *inferenceService, serving, last *checkpoint) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.desired, e.serving, e.last
}

// serve starts a pod that serves c in the place of the one that ran, or stops
// that one if c is nil.
func (e *endpoint) serve(c *checkpoint, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.serving, e.pod = c, nil
	if c != nil {
		e.last, e.pod = c, newPod(e.key, c, now)
	}
}

func (e *endpoint) running() *pod {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.pod
}

// loop reconciles one endpoint whenever it is kicked, and again after a pause
// when that went wrong. A kick that brings no other intent, such as the echo of
// a status written here, does not shorten the pause.
func (s *Server) loop(ctx context.Context, e *endpoint) {
	defer e.loopEnded()
	pause := firstPause
	var wrong *intent // what the last reconcile could not do
	retry := time.NewTimer(pause)
	retry.Stop()
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.kick:
			if wrong != nil && *wrong == e.intent() {
				continue
			}
			pause = firstPause
		case <-retry.C:
		}
		tried := e.intent()
		err := s.reconcile(ctx, e)
		if err == nil || ctx.Err() != nil {
			wrong = nil
			retry.Stop()
			continue
		}
		s.log.WarnContext(ctx, "reconcile inference service",
			"namespace", e.key.namespace, "name", e.key.name, "error", err, "retry_in", pause)
		wrong = &tried
		retry.Reset(pause)
		pause = min(2*pause, longPause)
	}
}

// intent is the part of an InferenceService that a reconcile acts on.
type intent struct {
	exists, stopped, frozen bool
	storageURI              string
}

func (e *endpoint) intent() intent {
	desired, _, _ := e.state()
	if desired == nil {
		return intent{}
	}
	return intent{true, desired.stopped(), desired.autoUpdateDisabled(), desired.storageURI()}
}

// reconcile makes what is served follow what is desired.
func (s *Server) reconcile(ctx context.Context, e *endpoint) error {
	desired, serving, last := e.state()
	switch {
	case desired == nil:
		e.serve(nil, s.now())
		return nil
	case desired.autoUpdateDisabled() && desired.ready() && serving != nil:
		// KServe's controller returns early here: a stop is silently ignored.
		return nil
	case desired.stopped():
		if !s.faults.ignoresStop(e.key) {
			e.serve(nil, s.now())
		}
		return s.publish(ctx, desired, stoppedStatus())
	}
	stale := s.faults.servesStale(e.key)
	if stale && serving == nil && last != nil {
		e.serve(last, s.now())
		serving = last
	}
	if serving == nil || (serving.uri != desired.storageURI() && !stale) {
		isCurrent, err := s.load(ctx, e, desired, serving != nil)
		if err != nil || !isCurrent {
			return err
		}
	}
	return s.publish(ctx, desired, s.loadedStatus(desired))
}

// loadTimeout bounds one load; the next try starts afresh.
const loadTimeout = time.Minute

// load loads what desired names and serves it. It is not current, and nothing
// is changed, when something else was desired in the meantime.
func (s *Server) load(ctx context.Context, e *endpoint, desired *inferenceService, replaces bool) (isCurrent bool, err error) {
	if !desired.failedToLoad() {
		if err := s.publish(ctx, desired, s.loadingStatus(desired, replaces)); err != nil {
			return false, err
		}
	}
	bounded, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	loaded, err := loadCheckpoint(bounded, s.opts.S3, desired.storageURI())
	newest, _, _ := e.state()
	if newest == nil || newest.stopped() || newest.storageURI() != desired.storageURI() {
		return false, nil
	}
	if err != nil {
		if published := s.publish(ctx, desired, s.failedStatus(desired, replaces, err)); published != nil {
			return false, published
		}
		return false, err
	}
	e.serve(loaded, s.now())
	s.log.InfoContext(ctx, "checkpoint loaded", "namespace", e.key.namespace, "name", e.key.name,
		"storage_uri", loaded.uri, "digest", loaded.digest, "files", len(loaded.files))
	return true, nil
}
