package main

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"

	genericapiserver "k8s.io/apiserver/pkg/server"
)

// podsPath is where a cluster serves pods and events, and forwards logs and remote commands to its kubelets.
const podsPath = "/api/v1/"

// servePods forwards the core API to whoever runs the pods. The request has passed this server's authentication and
// authorisation; the token that opened it does not go along, but the server's own.
func servePods(server *genericapiserver.GenericAPIServer, backend, tokenFile string) error {
	if backend == "" {
		return nil
	}
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return fmt.Errorf("forward pods: read token: %w", err)
	}
	target, err := url.Parse(backend)
	if err != nil || target.Host == "" {
		return fmt.Errorf("forward pods: %q is no URL", backend)
	}
	server.Handler.NonGoRestfulMux.HandlePrefix(podsPath, &httputil.ReverseProxy{
		FlushInterval: -1, // a log is read as it is written
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			http.Error(w, "who runs the pods does not answer", http.StatusBadGateway)
		},
	})
	return nil
}
