package platforms

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"firebreak/deploy/sandbox/process"
)

// pythonServer is a running server of a virtual environment.
type pythonServer struct {
	// URL is the server's address.
	URL string

	process *process.Process
}

// startServer runs a program of the folder bin on a free port, with its files in dir, until health answers 200.
func startServer(ctx context.Context, bin, program, dir, health string, args, env []string) (pythonServer, error) {
	port, err := process.FreePort()
	if err != nil {
		return pythonServer{}, err
	}
	s := pythonServer{URL: fmt.Sprintf("http://127.0.0.1:%d", port)}
	s.process, err = process.Start(ctx, process.Command{
		Name: program, Path: filepath.Join(bin, program), Dir: dir, LogFile: filepath.Join(dir, program+".log"),
		Args:  append(args, "--host", "127.0.0.1", "--port", fmt.Sprint(port)),
		Env:   append(process.BaseEnv(dir), append(env, "PYTHONDONTWRITEBYTECODE=1")...),
		Ready: func(ctx context.Context) error { return s.answers(ctx, health) }, ReadyWithin: 2 * time.Minute,
	})
	return s, err
}

// Stop ends the server.
func (s *pythonServer) Stop() error { return s.process.Stop() }

func (s *pythonServer) answers(ctx context.Context, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", s.URL, answer.Status)
	}
	return nil
}
