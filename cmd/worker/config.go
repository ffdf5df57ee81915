package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"

	"firebreak/activities"
	"firebreak/activities/evidence"
	"firebreak/activities/gateway"
	"firebreak/activities/notify"
	"firebreak/activities/plan"
	"firebreak/activities/probe"
	"firebreak/activities/registry"
	"firebreak/activities/serving"
	"firebreak/activities/vault"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// config is what the flags set.
type config struct {
	inventory  string
	playbooks  string
	transitKey string
	check      bool

	// mailServer says where mail goes, for --check.
	mailServer string
	// previous gets its client when the worker is connected.
	previous plan.Previous
}

// gatewayKeysVariable names a folder with a file for each gateway that holds its key for administration. What is not there is
// read from Vault.
const gatewayKeysVariable = "FIREBREAK_GATEWAY_KEYS"

// dialTimeout is how long the worker waits for Temporal when it starts.
const dialTimeout = 10 * time.Second

func (c *config) run(ctx context.Context, stdout io.Writer, log *slog.Logger) error {
	source, err := c.documents()
	if err != nil {
		return err
	}
	set, err := c.actions(ctx, source)
	if err != nil {
		return err
	}
	if c.check {
		fmt.Fprintf(stdout, "playbooks, inventory and settings are good\nif Slack is down, people are told by e-mail: %s\n", c.mailServer)
		return nil
	}
	temporal, err := dial(ctx, log)
	if err != nil {
		return err
	}
	defer temporal.Close()
	c.previous.Temporal = temporal
	return work(ctx, temporal, set, log)
}

// documents checks every playbook and the inventory, so that a fault shows when the worker starts and not at 3 a.m.
func (c *config) documents() (playbooks.Source, error) {
	source := playbooks.BuiltIn()
	if c.playbooks != "" {
		source = playbooks.Folder(c.playbooks)
	}
	_, faulty := source.LoadAll()
	if c.inventory == "" {
		return source, errors.Join(faulty, errors.New("no inventory: set --inventory or FIREBREAK_INVENTORY"))
	}
	_, err := inventory.Load(c.inventory)
	return source, errors.Join(faulty, err)
}

// actions builds the clients and gives each action the ones it needs. Every missing setting is reported at once.
func (c *config) actions(ctx context.Context, source playbooks.Source) (activities.Set, error) {
	vaultClient, vaultErr := vault.NewClient()
	s3Client, s3Err := evidence.NewS3(ctx)
	k8s, k8sErr := serving.NewKubernetes(os.Getenv("KUBECONFIG"))
	slackClient, slackErr := notify.NewSlackClient()
	mailer, mailErr := notify.NewMailer()
	if err := errors.Join(vaultErr, s3Err, k8sErr, slackErr, mailErr); err != nil {
		return activities.Set{}, err
	}
	planner := plan.New(source, c.inventory)
	outside := probe.New()
	snapshot := evidence.NewSnapshot(s3Client)
	sealer := vault.NewSealer(vaultClient, c.transitKey)
	consumers := gateway.NewConsumers(gateway.NewKeys(os.Getenv(gatewayKeysVariable), sealer), sealer)
	brief := notify.NewLegal(slackClient).WithEmail(mailer)
	c.mailServer = mailer.Name()
	set := activities.Set{
		Actions: map[string]activities.Action{
			"vault.revoke":        vault.NewRevoke(vaultClient, c.transitKey, probe.NewS3Credential(s3Client)),
			"endpoint.disable":    serving.NewDisable(k8s, outside),
			"endpoint.enable":     serving.NewEnable(k8s, outside),
			"checkpoint.rollback": registry.NewRollback(k8s, s3Client),
			"dataset.snapshot":    snapshot,
			"checkpoint.snapshot": snapshot,
			"log.snapshot":        snapshot,
			"legal.notify":        brief,
			"consumer.throttle":   gateway.NewThrottle(consumers),
			"consumer.block":      gateway.NewBlock(consumers),
			"consumer.unblock":    gateway.NewUnblock(consumers),
			"consumer.restore":    gateway.NewRestore(consumers),
		},
		Plan: planner.Plan,
		Seal: evidence.NewSeal(s3Client).Seal,

		Remind: brief.Remind,
		Thread: notify.NewThreads(slackClient).Update,

		KeepAlert: evidence.NewAlerts(s3Client).Keep,
		Page:      notify.NewPager(slackClient, mailer).Page,
		Oncall:    planner.Oncall,
		Previous:  c.previous.Read,
	}
	return set, set.Check()
}

// dial connects to Temporal as the environment and the profile say.
func dial(ctx context.Context, logger *slog.Logger) (client.Client, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, fmt.Errorf("read Temporal settings (TEMPORAL_*): %w", err)
	}
	options.Logger = log.NewStructuredLogger(logger)
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	c, err := client.DialContext(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("connect to Temporal at %s (set TEMPORAL_ADDRESS): %w", options.HostPort, err)
	}
	return c, nil
}
