// Package probe calls endpoints from outside, as their users do, and says whether they answered.
//
// It is the path by which serving's acts are proved: what a platform says of itself is not proof that nobody can still
// get a prediction.
package probe

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"firebreak/internal/inventory"
)

const (
	callTimeout = 3 * time.Second
	// bodyLimit bounds what is read of an answer; its status and headers decide.
	bodyLimit = 64 << 10
)

// Answer is the outcome of one call. Answered is true for a status of 2xx; otherwise the endpoint refused, and Reason
// says how. Digest is what the endpoint says it answered with, from the header that the inventory names.
type Answer struct {
	Status   int
	Digest   string
	Answered bool
	Reason   string
}

// Client calls endpoints. Its zero value is not usable; use New.
type Client struct {
	timeout time.Duration
}

// New returns a client that gives each call three seconds.
func New() *Client { return &Client{timeout: callTimeout} }

// Call calls the endpoint once, with a connection of its own: one that was open before an endpoint was disabled may
// outlive it and proves nothing. Redirects are not followed and no proxy is used, because another server's answer is
// not the endpoint's.
//
// An error means that the call tells nothing about the endpoint: it timed out or was cut off, or the answer (401, 408,
// 429, a redirect, a certificate that does not verify) is about the caller. It is never to be counted as a refusal.
func (c *Client) Call(ctx context.Context, p inventory.Probe) (Answer, error) {
	target, err := url.Parse(p.URL)
	if err != nil || target.Host == "" || (target.Scheme != "http" && target.Scheme != "https") {
		return Answer{}, fmt.Errorf("call endpoint: its probe url is not an http or https address")
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL, nil)
	if err != nil {
		return Answer{}, fmt.Errorf("call endpoint at %s: build request", target.Host)
	}
	for name, value := range p.Headers {
		request.Header.Set(name, value)
	}
	response, err := c.fresh().Do(request)
	if err != nil {
		return refusal(ctx, target.Host, err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, bodyLimit)); err != nil && response.StatusCode/100 == 2 {
		return Answer{}, fmt.Errorf("call endpoint at %s: the answer was cut off", target.Host)
	}
	return judge(target.Host, p, response)
}

// fresh returns a client that shares no connection with any other call.
func (c *Client) fresh() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:           (&net.Dialer{Timeout: c.timeout}).DialContext,
			TLSHandshakeTimeout:   c.timeout,
			ResponseHeaderTimeout: c.timeout,
			DisableKeepAlives:     true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func judge(host string, p inventory.Probe, response *http.Response) (Answer, error) {
	a := Answer{Status: response.StatusCode, Reason: fmt.Sprintf("HTTP %d", response.StatusCode)}
	if p.ExpectDigestHeader != "" {
		a.Digest = strings.TrimSpace(response.Header.Get(p.ExpectDigestHeader))
	}
	switch {
	case a.Status/100 == 2:
		a.Answered = true
		return a, nil
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusRequestTimeout, a.Status == http.StatusTooManyRequests:
		return a, fmt.Errorf("call endpoint at %s: HTTP %d is about the caller; check the probe's headers in the inventory", host, a.Status)
	case a.Status >= 400:
		return a, nil
	}
	return a, fmt.Errorf("call endpoint at %s: HTTP %d is neither an answer nor a refusal; probe the address it leads to", host, a.Status)
}
