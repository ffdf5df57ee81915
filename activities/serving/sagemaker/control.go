// Package sagemaker controls endpoints of Amazon SageMaker.
//
// SageMaker has no switch for an endpoint, so that what can be done depends on how it was built:
//
//   - An inference component (serving.component) is stopped: its scaling is suspended and its copies are set to none. Its
//     memory is lost.
//   - A variant beside one that only refuses (serving.parked) is isolated by its weight, within seconds, and lives on. Such
//     an endpoint can be opened in stages: what is not let in is refused.
//   - An endpoint whose disable.method is "endpoint-config" is parked: it gets the configuration that disable.config_ref
//     names, whose container only refuses. That takes minutes, and while it does, the model answers.
//
// Endpoints are never deleted: what refuses is in place before an incident, or a person must act.
//
// The API has no precondition on writes. A change reads first and refuses what it must not touch, and SageMaker itself
// refuses a second change while one is under way; two writers within the same second are not told apart.
package sagemaker

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"firebreak/activities/failure"
	"firebreak/activities/serving"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// Control is serving.Control for SageMaker.
type Control struct{ client *Client }

// New returns the control of every endpoint that the client's credentials reach.
func New(client *Client) *Control { return &Control{client: client} }

var (
	_ serving.Control  = (*Control)(nil)
	_ serving.Splitter = (*Control)(nil)
)

// Modes are stop for an inference component, isolate for an endpoint with a variant that refuses, and stop for one with a
// configuration that refuses. There is none for any other endpoint.
func (c *Control) Modes(e *inventory.Endpoint) []serving.Mode {
	if e.Serving.Component != "" {
		return []serving.Mode{serving.Stop}
	}
	var modes []serving.Mode
	if e.Serving.Parked != "" {
		modes = append(modes, serving.Isolate)
	}
	if parkingConfig(e) != "" {
		modes = append(modes, serving.Stop)
	}
	return modes
}

// parkingConfig is the configuration that refuses, or "".
func parkingConfig(e *inventory.Endpoint) string {
	if e.Disable.Method != "endpoint-config" {
		return ""
	}
	return e.Disable.ConfigRef
}

// Address is the prefix of the checkpoint's files, or the archive.
func (c *Control) Address(_ *inventory.Endpoint, k *inventory.Checkpoint) (string, error) {
	address := serving.PlainURI(k.URI)
	if !strings.HasPrefix(address, "s3://") {
		return "", failure.New(failure.Unsupported, "%s is not in S3", address)
	}
	return address, nil
}

// Describe names the endpoint, or the inference component on it.
func (c *Control) Describe(e *inventory.Endpoint) string {
	text := "SageMaker endpoint " + e.Serving.Name
	if e.Serving.Component != "" {
		text = fmt.Sprintf("inference component %s of %s", e.Serving.Component, text)
	}
	if e.Serving.Cluster != "" {
		text += " in " + e.Serving.Cluster
	}
	return text
}

// Capture reads the endpoint and what Restore needs of it.
func (c *Control) Capture(ctx context.Context, op *playbooks.Operation) (serving.State, json.RawMessage, error) {
	r, err := c.region(op)
	if err != nil {
		return serving.State{}, nil, err
	}
	now, err := r.read(ctx, op.Target.Endpoint)
	if err != nil {
		return serving.State{}, nil, err
	}
	content, err := json.Marshal(now.saved())
	if err != nil {
		return serving.State{}, nil, fmt.Errorf("encode state of %s: %w", op.Target.ID, err)
	}
	return now.state(op), content, nil
}

// Observe reads the endpoint.
func (c *Control) Observe(ctx context.Context, op *playbooks.Operation) (serving.State, error) {
	r, err := c.region(op)
	if err != nil {
		return serving.State{}, err
	}
	now, err := r.read(ctx, op.Target.Endpoint)
	if err != nil {
		return serving.State{}, err
	}
	return now.state(op), nil
}
