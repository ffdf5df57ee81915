package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"firebreak/deploy/sandbox/build"
	"firebreak/deploy/sandbox/process"
	"firebreak/deploy/sandbox/server"
)

// Token is the bearer token for alerts.
const Token = "sandbox-alert-token-0123456789"

// Options say how a rig is started.
type Options struct {
	// Data is the folder for everything that is written; the caller removes it.
	Data string
	// Assets is how many datasets the inventory has beside the company's own; Asset names them.
	Assets int
	// Spool is whether the trigger keeps what Temporal does not confirm.
	Spool bool
	// Direct leaves the relay out.
	Direct bool
	Log    io.Writer
}

// Rig is a running trigger with the Temporal that it delivers to.
type Rig struct {
	Temporal *server.Temporal
	Client   client.Client
	Trigger  *process.Process
	// Relay stands between the trigger and Temporal.
	Relay *Relay
	// URL is where alerts are posted, Metrics where the trigger counts them.
	URL, Metrics string

	stops []func() error
}

// Asset is the id of the nth dataset.
func Asset(n int) string { return fmt.Sprintf("unit-%05d", n) }

// Start builds what is missing and starts everything. On an error nothing is left running.
func Start(ctx context.Context, o Options) (*Rig, error) {
	r := &Rig{}
	if err := r.start(ctx, o); err != nil {
		return nil, errors.Join(err, r.Stop())
	}
	return r, nil
}

func (r *Rig) start(ctx context.Context, o Options) error {
	b, err := build.New(ctx, o.Log)
	if err != nil {
		return err
	}
	temporal, err := b.Server(ctx, build.Temporal)
	if err != nil {
		return err
	}
	trigger, err := b.Product(ctx, "./cmd/trigger", filepath.Join(o.Data, "bin"))
	if err != nil {
		return err
	}
	if r.Temporal, err = server.Again(func() (*server.Temporal, error) {
		return server.StartTemporal(ctx, temporal, filepath.Join(o.Data, "temporal"), nil)
	}); err != nil {
		return err
	}
	r.stops = append(r.stops, r.Temporal.Stop)
	r.Client, err = client.DialContext(ctx, client.Options{
		HostPort: r.Temporal.Address, Namespace: r.Temporal.Namespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return fmt.Errorf("connect to Temporal: %w", err)
	}
	r.stops = append(r.stops, func() error { r.Client.Close(); return nil })
	if r.Relay, err = NewRelay(r.Temporal.Address); err != nil {
		return err
	}
	r.stops = append(r.stops, r.Relay.Close)
	return r.startTrigger(ctx, trigger, filepath.Join(b.Dir, "..", ".."), o)
}

func (r *Rig) startTrigger(ctx context.Context, binary, repository string, o Options) error {
	inventory := filepath.Join(o.Data, "assets.yaml")
	if err := writeInventory(filepath.Join(repository, "testdata", "inventory", "nordwall.yaml"), inventory, o.Assets); err != nil {
		return err
	}
	// The ports stay the same over a restart, as a service's would.
	temporal := r.Relay.Address
	if o.Direct {
		temporal = r.Temporal.Address
	}
	ports, err := process.FreePorts(2)
	if err != nil {
		return err
	}
	listen, metrics := "127.0.0.1:"+strconv.Itoa(ports[0]), "127.0.0.1:"+strconv.Itoa(ports[1])
	r.URL, r.Metrics = "http://"+listen, "http://"+metrics+"/metrics"
	args := []string{"serve", "--listen", listen, "--metrics-listen", metrics, "--inventory", inventory}
	if o.Spool {
		args = append(args, "--spool", filepath.Join(o.Data, "spool"))
	}
	r.Trigger, err = process.Start(ctx, process.Command{
		Name: "trigger", Path: binary, Args: args, LogFile: filepath.Join(o.Data, "trigger.log"),
		Env: append(process.BaseEnv(o.Data), "TEMPORAL_ADDRESS="+temporal, "TEMPORAL_NAMESPACE="+r.Temporal.Namespace,
			"FIREBREAK_ALERT_TOKEN="+Token),
		Ready: func(ctx context.Context) error {
			_, err := get(ctx, r.URL+"/healthz")
			return err
		},
	})
	if err == nil {
		r.stops = append(r.stops, r.Trigger.Stop)
	}
	return err
}

// Stop ends everything, the last started first.
func (r *Rig) Stop() error {
	var errs []error
	for i := len(r.stops) - 1; i >= 0; i-- {
		errs = append(errs, r.stops[i]())
	}
	r.stops = nil
	return errors.Join(errs...)
}

// Metric is the value of one line of the trigger's metrics, by its name with its labels.
func (r *Rig) Metric(ctx context.Context, name string) (float64, error) {
	text, err := get(ctx, r.Metrics)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("there is no metric %s", name)
}

func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", fmt.Errorf("make request: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	if err != nil {
		return "", fmt.Errorf("read answer of %s: %w", url, err)
	}
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answered %s", url, res.Status)
	}
	return string(raw), nil
}

// writeInventory adds datasets to the company's inventory.
func writeInventory(from, to string, datasets int) error {
	raw, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("read inventory: %w", err)
	}
	var more strings.Builder
	more.WriteString("\ndatasets:\n")
	for n := range datasets {
		fmt.Fprintf(&more, `  - {id: %s, env: prod, owner: do-1, sources: [{kind: feed, ref: load, boundary: tb-partner-api, content_hash: true}],
     sensitivity: internal, subjects: {estimate: 0, by_jurisdiction: {}}, controller_role: controller, legal_basis: none, retention: P3Y,
     encrypted: {kms: alias/loan-data}, erasure_supported: true}
`, Asset(n))
	}
	if err := os.WriteFile(to, []byte(strings.Replace(string(raw), "\ndatasets:\n", more.String(), 1)), 0o600); err != nil {
		return fmt.Errorf("write inventory: %w", err)
	}
	return nil
}
