package ingest

import (
	"fmt"
	"io"
	"net"
	"sync"
)

// Relay passes TCP connections on to a server, until it is cut.
type Relay struct {
	Address string

	listener net.Listener
	to       string
	mu       sync.Mutex
	cut      bool
	open     map[net.Conn]struct{}
	running  sync.WaitGroup
}

// NewRelay listens on a free port.
func NewRelay(to string) (*Relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for relay: %w", err)
	}
	r := &Relay{Address: l.Addr().String(), listener: l, to: to, open: map[net.Conn]struct{}{}}
	r.running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.running.Go(func() { r.pass(c) })
		}
	})
	return r, nil
}

func (r *Relay) pass(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", r.to)
	if err != nil {
		return
	}
	defer server.Close()
	if !r.hold(client, server) {
		return
	}
	defer r.release(client, server)
	var up sync.WaitGroup
	up.Go(func() {
		_, _ = io.Copy(server, client)
		server.Close()
	})
	_, _ = io.Copy(client, server)
	client.Close()
	up.Wait()
}

func (r *Relay) hold(cs ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range cs {
		r.open[c] = struct{}{}
	}
	return !r.cut
}

func (r *Relay) release(cs ...net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range cs {
		delete(r.open, c)
	}
}

// Cut ends every connection, and every new one at once, until Mend.
func (r *Relay) Cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = true
	for c := range r.open {
		c.Close()
	}
}

// Mend lets connections through again.
func (r *Relay) Mend() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = false
}

// Close ends the relay.
func (r *Relay) Close() error {
	err := r.listener.Close()
	r.Cut()
	r.running.Wait()
	return err
}
