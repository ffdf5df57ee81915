package standin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"firebreak/deploy/sandbox/build"
	"firebreak/deploy/sandbox/server"
)

// Server is a real Temporal server with nothing else beside it.
type Server struct {
	Client client.Client
	// Repository is the folder of firebreak's source.
	Repository string

	temporal *server.Temporal
	data     string
}

// StartServer builds the Temporal server if it is not in the cache, starts it with its data in a temporary folder, and
// connects. Builds are reported to out.
func StartServer(ctx context.Context, out io.Writer) (*Server, error) {
	b, err := build.New(ctx, out)
	if err != nil {
		return nil, err
	}
	binary, err := b.Server(ctx, build.Temporal)
	if err != nil {
		return nil, err
	}
	s := &Server{Repository: filepath.Join(b.Dir, "..", "..")}
	if s.data, err = os.MkdirTemp("", "firebreak-temporal-"); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	if s.temporal, err = server.Again(func() (*server.Temporal, error) { return server.StartTemporal(ctx, binary, s.data, nil) }); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	s.Client, err = client.DialContext(ctx, client.Options{
		HostPort: s.temporal.Address, Namespace: s.temporal.Namespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connect to Temporal: %w", err), s.Stop())
	}
	return s, nil
}

// Stop ends the server and removes its data.
func (s *Server) Stop() error {
	var errs []error
	if s.Client != nil {
		s.Client.Close()
	}
	if s.temporal != nil {
		errs = append(errs, s.temporal.Stop())
	}
	return errors.Join(append(errs, os.RemoveAll(s.data))...)
}
