package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"firebreak/deploy/sandbox/ingest"
)

// repeated has many senders repeat the same alert, each as soon as the last one was answered. They write bytes that were
// made beforehand, so that the senders cost as little as may be.
type repeated struct {
	set  settings
	body []byte
	// spooled counts the answers that named the spool: durable on disk, and not yet in Temporal.
	spooled atomic.Int64
}

func (d *repeated) against(url string) contender {
	address := strings.TrimPrefix(url, "http://")
	request := fmt.Appendf(nil, "POST /alerts/alertmanager HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		address, ingest.Token, len(d.body), d.body)
	return func(ctx context.Context) (float64, error) {
		conns, err := connect(ctx, address, d.set.connections)
		defer func() {
			for _, c := range conns {
				c.Close()
			}
		}()
		if err != nil {
			return 0, err
		}
		var senders sync.WaitGroup
		var answered atomic.Int64
		var fault atomic.Pointer[error]
		// The senders begin one after the other, and are counted from when they are in full swing.
		measured, end := time.Now().Add(2*time.Second), time.Now().Add(2*time.Second+d.set.window)
		for _, c := range conns {
			senders.Go(func() {
				if err := d.repeat(c, request, measured, end, &answered); err != nil {
					fault.Store(&err)
				}
			})
		}
		senders.Wait()
		if err := fault.Load(); err != nil {
			return 0, *err
		}
		return float64(answered.Load()) / d.set.window.Seconds(), nil
	}
}

// connect opens the connections a few at a time: the queue of a listener is short.
func connect(ctx context.Context, address string, n int) ([]net.Conn, error) {
	var dialer net.Dialer
	conns := make([]net.Conn, 0, n)
	for range n {
		c, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return conns, fmt.Errorf("open connection %d: %w", len(conns), err)
		}
		conns = append(conns, c)
	}
	return conns, nil
}

func (d *repeated) repeat(c net.Conn, request []byte, measured, end time.Time, answered *atomic.Int64) error {
	in := bufio.NewReaderSize(c, 1024)
	for time.Now().Before(end) {
		if _, err := c.Write(request); err != nil {
			return fmt.Errorf("send: %w", err)
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		_, err = io.Copy(io.Discard, res.Body)
		if err == nil && res.StatusCode/100 != 2 {
			err = fmt.Errorf("answered %s", res.Status)
		}
		if err != nil {
			return err
		}
		if res.StatusCode == http.StatusAccepted {
			d.spooled.Add(1)
		}
		if now := time.Now(); now.After(measured) && now.Before(end) {
			answered.Add(1)
		}
	}
	return nil
}
