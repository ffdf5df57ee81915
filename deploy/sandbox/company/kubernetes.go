package company

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"firebreak/deploy/sandbox/server"
	"firebreak/internal/inventory"
)

// Operator is the Kubernetes user that deploys the company's endpoints; Responder is the worker's.
const (
	Operator  = "operator"
	Responder = "firebreak"
)

// deploy creates an InferenceService for every endpoint, serving the checkpoint that the inventory says it serves.
func (c *Company) deploy(ctx context.Context, k *server.Kubernetes) error {
	client, err := k.Client()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	for i := range c.Assets.Endpoints {
		e := &c.Assets.Endpoints[i]
		object := map[string]any{
			"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
			"metadata": map[string]any{"name": e.Serving.Name, "namespace": e.Serving.Namespace},
			"spec": map[string]any{"predictor": map[string]any{"model": map[string]any{
				"modelFormat": map[string]any{"name": "custom"}, "storageUri": c.served(e.Model).URI}}},
		}
		url := fmt.Sprintf("%s/apis/serving.kserve.io/v1beta1/namespaces/%s/inferenceservices", k.URL, e.Serving.Namespace)
		if err := post(ctx, client, url, k.Tokens[Operator], object); err != nil {
			return fmt.Errorf("deploy %s: %w", e.ID, err)
		}
	}
	return nil
}

// served is the checkpoint of a model that is in production.
func (c *Company) served(model string) *inventory.Checkpoint {
	for i := range c.Assets.Checkpoints {
		k := &c.Assets.Checkpoints[i]
		if k.Model != model {
			continue
		}
		for _, s := range k.Served {
			if s.To == nil {
				return k
			}
		}
	}
	return nil
}

func post(ctx context.Context, client *http.Client, url, token string, object any) error {
	raw, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("encode object: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("call Kubernetes: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		body, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10))
		return fmt.Errorf("create object: the API server answered %d: %s", res.StatusCode, body)
	}
	return nil
}
