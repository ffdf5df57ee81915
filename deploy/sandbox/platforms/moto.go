package platforms

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"firebreak/deploy/sandbox/process"
)

// Moto is moto's server: AWS's API as far as moto has it.
type Moto struct {
	URL string

	process *process.Process
}

// StartMoto starts a server with an empty account; it keeps everything in memory.
func StartMoto(ctx context.Context, bin, dir string) (*Moto, error) {
	port, err := process.FreePort()
	if err != nil {
		return nil, err
	}
	m := &Moto{URL: fmt.Sprintf("http://127.0.0.1:%d", port)}
	m.process, err = process.Start(ctx, process.Command{
		Name: "moto", Path: filepath.Join(bin, "moto_server"), Dir: dir, LogFile: filepath.Join(dir, "moto.log"),
		Args:  []string{"--host", "127.0.0.1", "--port", fmt.Sprint(port)},
		Env:   append(process.BaseEnv(dir), "PYTHONDONTWRITEBYTECODE=1"),
		Ready: m.ready, ReadyWithin: 2 * time.Minute,
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Stop ends the server.
func (m *Moto) Stop() error { return m.process.Stop() }

func (m *Moto) ready(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.URL+"/moto-api/data.json", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("moto answers %s", answer.Status)
	}
	return nil
}
