package platforms

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
)

// MLflow is a real tracking server with its registry in SQLite.
type MLflow struct{ pythonServer }

// StartMLflow starts a server that keeps everything in dir.
func StartMLflow(ctx context.Context, bin, dir string) (*MLflow, error) {
	s, err := startServer(ctx, bin, "mlflow", dir, "/health", []string{
		"server", "--workers", "1", "--backend-store-uri", "sqlite:///" + filepath.Join(dir, "mlflow.db"), "--artifacts-destination", filepath.Join(dir, "artifacts"),
	}, []string{"MLFLOW_DISABLE_TELEMETRY=true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false"})
	if err != nil {
		return nil, err
	}
	return &MLflow{s}, nil
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
