package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"
)

// Reasons of refusals that come without an HTTP status.
const (
	// ReasonNoListener means that nothing listens at the endpoint's address.
	ReasonNoListener = "connection refused"
	// ReasonNoHost means that the endpoint's name does not exist. It proves little if the name never existed.
	ReasonNoHost = "no such host"
	// ReasonNoRoute means that the server at the address does not serve the endpoint's name (TLS alert 112, RFC 6066).
	ReasonNoRoute = "unrecognized name"
)

// refusal tells an endpoint that refused from a call that failed. The error never has the URL in it, whose query may
// hold a key.
func refusal(ctx context.Context, host string, err error) (Answer, error) {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case ctx.Err() != nil:
		return Answer{}, fmt.Errorf("call endpoint at %s: %w", host, ctx.Err())
	case errors.Is(err, syscall.ECONNREFUSED):
		return Answer{Reason: ReasonNoListener}, nil
	case errors.As(err, &dns) && dns.IsNotFound:
		return Answer{Reason: ReasonNoHost}, nil
	case errors.As(err, &op) && op.Op == "remote error" && strings.Contains(op.Error(), ReasonNoRoute):
		return Answer{Reason: ReasonNoRoute}, nil
	}
	return Answer{}, fmt.Errorf("call endpoint at %s: %w", host, err)
}
