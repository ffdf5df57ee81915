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
	"firebreak/activities/registry/mlflow"
	"firebreak/activities/serving"
	"firebreak/activities/serving/kserve"
	"firebreak/activities/serving/kube"
	"firebreak/activities/serving/sagemaker"
	"firebreak/activities/serving/workload"
	"firebreak/activities/vault"
	"firebreak/activities/volatile"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// config is what the flags set.
type config struct {
	inventory  string
	playbooks  string
	transitKey string
	// evidenceKey and drillKey are the transit keys that sign evidence manifests.
	evidenceKey string
	drillKey    string
	check       bool

	// mailServer says where mail goes, for --check.
	mailServer string
	// login is the worker's own to Vault.
	login *vault.Login
	// previous gets its client when the worker is connected.
	previous plan.Previous
	threads  *notify.Threads
	history  evidence.History
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
	c.previous.Temporal, c.history.Temporal, c.threads.Temporal = temporal, temporal, temporal
	forget, err := keepLogin(ctx, c.login, log)
	if err != nil {
		return err
	}
	defer forget()
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
	login, vaultErr := vault.NewLogin()
	s3Client, s3Err := evidence.NewS3(ctx)
	k8s, k8sErr := kube.New(os.Getenv("KUBECONFIG"))
	sagemakerClient, sagemakerErr := sagemaker.NewClient(ctx)
	slackClient, slackErr := notify.NewSlackClient()
	mailer, mailErr := notify.NewMailer()
	mlflowClient, mlflowErr := mlflow.NewClient()
	catalogue, catalogueErr := registry.NewCatalogue(s3Client, os.Getenv("FIREBREAK_CATALOGUE"))
	signer, signerErr := vault.NewSigner(login.Client(), c.evidenceKey, c.drillKey)
	if err := errors.Join(vaultErr, s3Err, k8sErr, sagemakerErr, slackErr, mailErr, mlflowErr, catalogueErr, signerErr); err != nil {
		return activities.Set{}, err
	}
	c.login = login
	vaultClient := login.Client()
	planner := plan.New(source, c.inventory).WithFindings(registry.NewSources(mlflowClient, catalogue).Findings)
	endpoints := serving.Setup{Platforms: platforms(k8s, sagemakerClient), Outside: probe.New()}
	snapshot := evidence.NewSnapshot(s3Client)
	sealer := vault.NewSealer(vaultClient, c.transitKey)
	consumers := gateway.NewConsumers(gateway.NewKeys(os.Getenv(gatewayKeysVariable), sealer), sealer)
	c.threads = notify.NewThreads(slackClient)
	brief := notify.NewLegal(slackClient).WithEmail(mailer)
	c.mailServer = mailer.Name()
	set := activities.Set{
		Actions: map[string]activities.Action{
			"vault.revoke":        vault.NewRevoke(vaultClient, c.transitKey, probe.NewS3Credential(s3Client), probe.NewPostgres()),
			"vault.rotate":        vault.NewRotate(vaultClient, c.transitKey),
			"vault.withdraw":      vault.NewWithdraw(vaultClient),
			"vault.destroy":       vault.NewDestroy(vaultClient),
			"endpoint.disable":    serving.NewDisable(endpoints),
			"endpoint.isolate":    serving.NewIsolate(endpoints),
			"endpoint.shift":      serving.NewShift(endpoints),
			"endpoint.enable":     serving.NewEnable(endpoints),
			"checkpoint.rollback": registry.NewRollback(endpoints.Platforms, s3Client),
			"checkpoint.verify":   registry.NewVerify(s3Client, mlflowClient, catalogue),
			"registry.quarantine": registry.NewQuarantines(registry.NewQuarantine(mlflowClient), sagemaker.NewPackages(sagemakerClient)),
			"dataset.snapshot":    snapshot,
			"checkpoint.snapshot": snapshot,
			"log.snapshot":        snapshot,
			"replica.capture":     volatile.NewCapture(k8s, evidence.NewKeeper(s3Client), s3Client),
			"legal.notify":        brief,
			"consumer.throttle":   gateway.NewThrottle(consumers),
			"consumer.block":      gateway.NewBlock(consumers),
			"consumer.unblock":    gateway.NewUnblock(consumers),
			"consumer.restore":    gateway.NewRestore(consumers),
		},
		Plan: planner.Plan,
		Seal: evidence.NewSeal(s3Client, signer, &c.history).Seal,

		Remind: brief.Remind,
		Thread: c.threads.Update,

		KeepAlert: evidence.NewAlerts(s3Client).Keep,
		Page:      notify.NewPager(slackClient, mailer).Page,
		Oncall:    planner.Oncall,
		Previous:  c.previous.Read,

		RecordAccess: evidence.NewCustody(s3Client).Record,
	}
	return set, set.Check()
}

// platforms are what serves endpoints, by the name that the inventory gives it.
func platforms(k8s *kube.Client, aws *sagemaker.Client) serving.Platforms {
	return serving.Platforms{"kserve": kserve.New(k8s), "k8s": workload.New(k8s), "sagemaker": sagemaker.New(aws)}
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
