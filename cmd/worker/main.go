package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"firebreak/internal/secret"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with everything it depends on given, so that tests can call it. It returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{ReplaceAttr: secret.NewRedactor().Attr}))
	cmd := newCommand(log)
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	if err := cmd.ExecuteContext(ctx); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(stderr, "worker: %s\n", secret.NewRedactor().Text(err.Error()))
		return 1
	}
	return 0
}

func newCommand(log *slog.Logger) *cobra.Command {
	var c config
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Run firebreak's incidents against Temporal",
		Long: `worker runs firebreak's workflows and activities. Before it takes any work it reads every playbook and the
inventory and refuses to start if one is faulty.

It is configured by the environment that its clients know:
  Temporal    TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_*, or a profile (TEMPORAL_PROFILE)
  Vault       VAULT_ADDR, VAULT_NAMESPACE, VAULT_CACERT, and one login:
              VAULT_TOKEN; or FIREBREAK_VAULT_AUTH=approle with FIREBREAK_VAULT_ROLE_ID and FIREBREAK_VAULT_SECRET_ID_FILE
              (FIREBREAK_VAULT_SECRET_ID_WRAPPED=true if it holds a wrapping token); or FIREBREAK_VAULT_AUTH=kubernetes with
              FIREBREAK_VAULT_ROLE and FIREBREAK_VAULT_JWT_FILE. FIREBREAK_VAULT_MOUNT if the method is mounted elsewhere
  S3          AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE, AWS_ENDPOINT_URL_S3, ...
  SageMaker   as for S3; AWS_ENDPOINT_URL_SAGEMAKER, ... An endpoint's serving.cluster names its region if it is another
  Kubernetes  KUBECONFIG; an endpoint's serving.cluster names the context
  Slack       SLACK_BOT_TOKEN or SLACK_BOT_TOKEN_FILE
  e-mail      SMTP_ADDRESS (host:port) and SMTP_FROM, for when Slack is down; SMTP_USERNAME and SMTP_PASSWORD_FILE`,
		Example: `  worker --inventory assets.yaml
  worker --inventory assets.yaml --playbooks ./playbooks --check`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.run(cmd.Context(), cmd.OutOrStdout(), log)
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.inventory, "inventory", os.Getenv("FIREBREAK_INVENTORY"), "the asset inventory (ai-assets/v1); default $FIREBREAK_INVENTORY")
	f.StringVar(&c.playbooks, "playbooks", os.Getenv("FIREBREAK_PLAYBOOKS"), "a folder of playbooks; default $FIREBREAK_PLAYBOOKS, or the ones built in")
	f.StringVar(&c.transitKey, "transit-key", "firebreak", "the Vault transit key that encrypts what verification must keep secret")
	f.StringVar(&c.evidenceKey, "evidence-key", "firebreak-evidence", "the Vault transit key that signs the evidence of live incidents (type ecdsa-p256)")
	f.StringVar(&c.drillKey, "drill-evidence-key", "firebreak-drill-evidence", "the Vault transit key that signs the evidence of drills; another than --evidence-key")
	f.BoolVar(&c.check, "check", false, "check playbooks, inventory and settings, then exit")
	return cmd
}
