package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/pprof"
	"strconv"

	"firebreak/activities/evidence"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// contest runs both contenders on one store.
type contest struct {
	store   *store
	s5cmd   string
	rounds  int
	profile string
	runs    int
}

// round is what one round took: copying with hashes, locks and manifest; reading all of it back, which s5cmd has no
// counterpart of; and s5cmd's copying.
type round struct {
	preserve, prove, s5cmd spent
}

// run runs a round that does not count, and then those that do. Who begins changes with each round.
func (c *contest) run(ctx context.Context, l load) ([]round, error) {
	snapshot, err := c.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	var out []round
	for n := range c.rounds + 1 {
		var r round
		both := []func() error{
			func() error { return c.preserve(ctx, snapshot, l, n == 1, &r) },
			func() (err error) { r.s5cmd, err = c.spend(func() error { return c.copy(ctx, l) }); return err },
		}
		for i := range both {
			if err := both[(i+n)%2](); err != nil {
				return nil, err
			}
			if err := c.store.clear(); err != nil {
				return nil, err
			}
		}
		if n > 0 {
			out = append(out, r)
		}
	}
	return out, nil
}

// snapshot is the action as the worker makes it: from the environment.
func (c *contest) snapshot(ctx context.Context) (*evidence.Snapshot, error) {
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_S3": c.store.server.Endpoint, "AWS_REGION": c.store.server.Region,
		"AWS_ACCESS_KEY_ID": c.store.server.AccessKey, "AWS_SECRET_ACCESS_KEY": c.store.server.SecretKey,
	} {
		if err := os.Setenv(name, value); err != nil {
			return nil, fmt.Errorf("set %s: %w", name, err)
		}
	}
	client, err := evidence.NewS3(ctx)
	if err != nil {
		return nil, err
	}
	return evidence.NewSnapshot(client), nil
}

func (c *contest) preserve(ctx context.Context, a *evidence.Snapshot, l load, profiled bool, r *round) (err error) {
	c.runs++
	id := "bench/" + strconv.Itoa(c.runs)
	op := &playbooks.Operation{ID: id + "/preserve/" + l.name, IncidentID: id, Step: "preserve", Action: "dataset.snapshot",
		Target: inventory.Target{ID: l.name, Kind: inventory.ObjectsTarget, URI: "s3://" + sourceBucket + "/" + l.prefix()}}
	op.Store.ID, op.Store.Bucket, op.Store.Lock.Mode, op.Store.Lock.Days = "evidence", evidenceBucket, "COMPLIANCE", 1
	if op.Capture, err = a.Capture(ctx, op); err != nil {
		return err
	}
	stop := func() error { return nil }
	if profiled && c.profile != "" {
		if stop, err = profile(c.profile + "-" + l.name); err != nil {
			return err
		}
	}
	r.preserve, err = c.spend(func() (err error) { op.Effect, err = a.Do(ctx, op); return err })
	if err := errors.Join(err, stop()); err != nil {
		return err
	}
	if got, want := op.Effect.Facts[incident.FactObjects], strconv.FormatInt(l.objects, 10); got != want {
		return fmt.Errorf("preserve %s: %s objects instead of %s", l.name, got, want)
	}
	r.prove, err = c.spend(func() error {
		proof, err := a.Verify(ctx, op)
		if err == nil && !proof.Proved {
			err = errors.New(proof.Method)
		}
		return err
	})
	return err
}

func profile(file string) (stop func() error, err error) {
	f, err := os.Create(file)
	if err != nil {
		return nil, fmt.Errorf("create profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(fmt.Errorf("start profile: %w", err), f.Close())
	}
	return func() error { pprof.StopCPUProfile(); return f.Close() }, nil
}

// copy has s5cmd copy the objects, on the server, as fast as it can.
func (c *contest) copy(ctx context.Context, l load) error {
	c.runs++
	cmd := exec.CommandContext(ctx, c.s5cmd, "--log", "error", "--endpoint-url", c.store.server.Endpoint,
		"cp", "s3://"+sourceBucket+"/"+l.prefix()+"*", "s3://"+plainBucket+"/"+strconv.Itoa(c.runs)+"/")
	cmd.Env = append(os.Environ(), "AWS_REGION="+c.store.server.Region,
		"AWS_ACCESS_KEY_ID="+c.store.server.AccessKey, "AWS_SECRET_ACCESS_KEY="+c.store.server.SecretKey)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run s5cmd: %w: %s", err, output.Bytes())
	}
	return nil
}
