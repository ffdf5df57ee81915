package modelserver

import "sync"

// faults are the ways in which a control plane's word and the data plane differ.
type faults struct {
	mu         sync.Mutex
	ignoreStop map[endpointKey]bool
	serveStale map[endpointKey]bool
	unfenced   map[endpointKey]bool
}

func (f *faults) ignoresStop(key endpointKey) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ignoreStop[key]
}

func (f *faults) servesStale(key endpointKey) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.serveStale[key]
}

func (f *faults) ignoresPolicies(key endpointKey) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.unfenced[key]
}

// IgnorePolicies makes the network let everything in to an endpoint's pods, as
// one whose plug-in enforces no policies does.
func (s *Server) IgnorePolicies(namespace, name string) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	if s.faults.unfenced == nil {
		s.faults.unfenced = make(map[endpointKey]bool)
	}
	s.faults.unfenced[endpointKey{namespace, name}] = true
}

// IgnoreStop makes an endpoint go on answering after it is stopped, while its
// status says Stopped. It must be called before the stop.
func (s *Server) IgnoreStop(namespace, name string) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	if s.faults.ignoreStop == nil {
		s.faults.ignoreStop = make(map[endpointKey]bool)
	}
	s.faults.ignoreStop[endpointKey{namespace, name}] = true
}

// ServeStale makes an endpoint go on serving the bytes that it loaded last,
// also after a stop and a start, while its status says that the new storageUri
// is loaded. It must be called before the change.
func (s *Server) ServeStale(namespace, name string) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	if s.faults.serveStale == nil {
		s.faults.serveStale = make(map[endpointKey]bool)
	}
	s.faults.serveStale[endpointKey{namespace, name}] = true
}

// ClearFaults makes every endpoint follow its InferenceService again.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	s.faults.ignoreStop, s.faults.serveStale, s.faults.unfenced = nil, nil, nil
	s.faults.mu.Unlock()
	for _, key := range s.known() {
		s.endpoint(key).wake()
	}
}
