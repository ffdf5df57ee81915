package kube

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"
)

// Access is what a caller needs that speaks another protocol than Get and its like with a cluster, e.g. a WebSocket. Token
// is a secret.
type Access struct {
	Server string
	Token  string
	TLS    *tls.Config
	HTTP   *http.Client
}

// Access returns how a cluster of the kubeconfig is reached.
func (c *Client) Access(ctx context.Context, cluster string) (*Access, error) {
	in, client, err := c.client(cluster)
	if err != nil {
		return nil, err
	}
	token, err := in.bearer(ctx)
	if err != nil {
		return nil, err
	}
	settings, err := in.tls()
	if err != nil {
		return nil, err
	}
	return &Access{Server: strings.TrimRight(in.cluster.Server, "/"), Token: token, TLS: settings, HTTP: client}, nil
}
