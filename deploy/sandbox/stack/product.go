package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"

	"firebreak/deploy/sandbox/process"
	"firebreak/playbooks"
)

// startWorker starts the real worker with the company's credentials, all addresses being the proxies'.
func (s *Stack) startWorker(ctx context.Context) error {
	s.say("starting firebreak's worker and trigger")
	args := []string{"--inventory", s.Company.Inventory}
	if s.Options.Playbooks != "" {
		args = append(args, "--playbooks", s.Options.Playbooks)
	}
	var err error
	s.Worker, err = process.Start(ctx, process.Command{
		Name: "worker", Path: s.binaries.worker, Args: args, Env: s.WorkerEnv(),
		LogFile: filepath.Join(s.Options.Data, "worker.log"), Ready: s.polling,
	})
	if err == nil {
		s.atStop(s.Worker.Stop)
	}
	return err
}

// WorkerBinary is the path of the real worker, for tests that start one of their own with an environment that is wrong.
func (s *Stack) WorkerBinary() string { return s.binaries.worker }

// WorkerEnv is the worker's whole environment.
func (s *Stack) WorkerEnv() []string {
	return append(s.cliEnv(),
		"VAULT_ADDR="+s.endpoint.vault, "VAULT_TOKEN="+s.Company.WorkerVaultToken,
		"AWS_ENDPOINT_URL_S3="+s.endpoint.s3, "AWS_REGION="+s.S3.Region,
		"AWS_ACCESS_KEY_ID="+s.Company.WorkerS3.Access, "AWS_SECRET_ACCESS_KEY="+s.Company.WorkerS3.Secret,
		"KUBECONFIG="+s.endpoint.kubeconfig,
		"SLACK_API_URL="+s.endpoint.slack+"/api/", "SLACK_BOT_TOKEN="+SlackToken,
		"SMTP_ADDRESS="+s.Mail.Address, "SMTP_FROM=firebreak@nordwall.example",
	)
}

// cliEnv is what the trigger and its command line get: Temporal's address and the inventory, no credential of anything
// that firebreak acts on.
func (s *Stack) cliEnv() []string {
	return append(process.BaseEnv(s.Options.Data),
		"TEMPORAL_ADDRESS="+s.Temporal.Address, "TEMPORAL_NAMESPACE="+s.Temporal.Namespace,
		"FIREBREAK_INVENTORY="+s.Company.Inventory)
}

// TriggerEnv is the trigger's whole environment: Temporal's address, the alert token and Slack's secrets.
func (s *Stack) TriggerEnv() []string {
	env := append(s.cliEnv(), "FIREBREAK_ALERT_TOKEN="+s.AlertToken,
		"SLACK_API_URL="+s.endpoint.slack+"/api/", "SLACK_BOT_TOKEN="+SlackToken, "SLACK_SIGNING_SECRET="+slackSigningSecret)
	if s.Options.SocketMode {
		env = append(env, "SLACK_APP_TOKEN="+slackAppToken)
	}
	return env
}

// polling is the worker's readiness: every task queue of live incidents is polled.
func (s *Stack) polling(ctx context.Context) error {
	for _, queue := range []playbooks.Queue{playbooks.ContainQueue, playbooks.EvidenceQueue, playbooks.NotifyQueue} {
		res, err := s.Client.DescribeTaskQueue(ctx, string(queue), enums.TASK_QUEUE_TYPE_ACTIVITY)
		if err != nil {
			return err
		}
		if len(res.GetPollers()) == 0 {
			return fmt.Errorf("nobody polls queue %s", queue)
		}
	}
	return nil
}

// startTrigger starts the real trigger on a free port.
func (s *Stack) startTrigger(ctx context.Context) error {
	address := filepath.Join(s.Options.Data, "trigger.address")
	if err := os.Remove(address); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove address file: %w", err)
	}
	pageToken := filepath.Join(s.Options.Data, "page-token")
	if err := os.WriteFile(pageToken, []byte(s.PageToken+"\n"), 0o600); err != nil {
		return fmt.Errorf("write page token: %w", err)
	}
	args := []string{"serve", "--listen", "127.0.0.1:0", "--listen-file", address, "--page-token-file", pageToken, "--spool", filepath.Join(s.Options.Data, "spool")}
	if s.Options.Playbooks != "" {
		args = append(args, "--playbooks", s.Options.Playbooks)
	}
	var err error
	s.Trigger, err = process.Start(ctx, process.Command{
		Name: "trigger", Path: s.binaries.trigger, Args: args, Env: s.TriggerEnv(),
		LogFile: filepath.Join(s.Options.Data, "trigger.log"),
		Ready: func(ctx context.Context) error {
			raw, err := os.ReadFile(address)
			if err != nil {
				return err
			}
			s.TriggerURL = "http://" + strings.TrimPrefix(strings.TrimSpace(string(raw)), "http://")
			return answers(ctx, s.TriggerURL+"/readyz")
		},
	})
	if err == nil {
		s.atStop(s.Trigger.Stop)
	}
	return err
}

func answers(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %d", url, res.StatusCode)
	}
	return nil
}

// cliTimeout bounds one call of the command line.
const cliTimeout = 30 * time.Second

// CLI runs a verb of the real trigger as a person would and returns what it printed and its exit code.
func (s *Stack) CLI(ctx context.Context, args ...string) (output string, code int, err error) {
	ctx, cancel := context.WithTimeout(ctx, cliTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.binaries.trigger, args...)
	cmd.Env = s.cliEnv()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out.String(), exit.ExitCode(), nil
	}
	if err != nil {
		return out.String(), -1, fmt.Errorf("run trigger %s: %w", strings.Join(args, " "), err)
	}
	return out.String(), 0, nil
}
