package platforms

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"firebreak/deploy/sandbox/process"
)

// MLflow is a real tracking server with its registry in SQLite.
type MLflow struct {
	URL string

	process *process.Process
}

// StartMLflow starts a server that keeps everything in dir.
func StartMLflow(ctx context.Context, bin, dir string) (*MLflow, error) {
	port, err := process.FreePort()
	if err != nil {
		return nil, err
	}
	m := &MLflow{URL: fmt.Sprintf("http://127.0.0.1:%d", port)}
	m.process, err = process.Start(ctx, process.Command{
		Name: "mlflow", Path: filepath.Join(bin, "mlflow"), Dir: dir, LogFile: filepath.Join(dir, "mlflow.log"),
		Args: []string{
			"server", "--host", "127.0.0.1", "--port", fmt.Sprint(port), "--workers", "1",
			"--backend-store-uri", "sqlite:///" + filepath.Join(dir, "mlflow.db"), "--artifacts-destination", filepath.Join(dir, "artifacts"),
		},
		Env:   append(process.BaseEnv(dir), "MLFLOW_DISABLE_TELEMETRY=true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false", "PYTHONDONTWRITEBYTECODE=1"),
		Ready: m.ready, ReadyWithin: 2 * time.Minute,
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Stop ends the server.
func (m *MLflow) Stop() error { return m.process.Stop() }

func (m *MLflow) ready(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.URL+"/health", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("mlflow answers %s", answer.Status)
	}
	return nil
}

// Call posts to the REST API as a data scientist's tool would, and returns the answer.
func (m *MLflow) Call(ctx context.Context, path string, in any) ([]byte, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL+"/api/2.0/mlflow/"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("call mlflow: %w", err)
	}
	defer answer.Body.Close()
	out, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("read answer of mlflow: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("mlflow answers %s: %s", answer.Status, out)
	}
	return out, nil
}
