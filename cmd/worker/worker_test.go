package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"

	"firebreak/playbooks"
)

// registered writes down what is registered.
type registered map[string]bool

func (r registered) RegisterActivityWithOptions(_ any, o activity.RegisterOptions) { r[o.Name] = true }

// settings points every client at addresses where nobody listens; building them calls nobody.
func settings(t *testing.T) {
	t.Helper()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(kubeconfig, []byte(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: eu-1, context: {cluster: c, user: u}}]
`), 0o600))
	for name, value := range map[string]string{
		"VAULT_ADDR": "http://127.0.0.1:1", "VAULT_TOKEN": "t", "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s",
		"KUBECONFIG": kubeconfig, "SLACK_BOT_TOKEN": "xoxb-" + "test", "SLACK_API_URL": "",
		"SMTP_ADDRESS": "", "SMTP_FROM": "", "SMTP_USERNAME": "", "SMTP_PASSWORD_FILE": "", "FIREBREAK_INVENTORY": "", "FIREBREAK_PLAYBOOKS": "",
		"MLFLOW_TRACKING_URI": "", "FIREBREAK_CATALOGUE": "",
	} {
		t.Setenv(name, value)
	}
}

// The catalogue and what the worker registers are the same: an activity that nobody registered is retried for ever.
func TestWorkerRegistersTheCatalogue(t *testing.T) {
	settings(t)
	c := config{inventory: "../../testdata/inventory/nordwall.yaml", transitKey: "firebreak", evidenceKey: "evidence", drillKey: "drill"}
	source, err := c.documents()
	require.NoError(t, err)
	set, err := c.actions(context.Background(), source)
	require.NoError(t, err)
	byQueue := map[playbooks.Queue]registered{}
	all := registered{}
	for _, q := range []playbooks.Queue{playbooks.ContainQueue, playbooks.EvidenceQueue, playbooks.NotifyQueue} {
		byQueue[q] = registered{}
		set.Register(byQueue[q], q)
		for name := range byQueue[q] {
			require.False(t, all[name], "%s is on one queue only", name)
			all[name] = true
		}
	}
	for _, a := range playbooks.Catalogue() {
		for _, stage := range playbooks.Stages() {
			require.True(t, byQueue[a.Queue][playbooks.ActivityName(a.Name, stage)], "%s.%s on %s", a.Name, stage, a.Queue)
		}
	}
	require.Len(t, all, 4*len(playbooks.Catalogue())+9)
	drill := registered{}
	set.Register(drill, playbooks.DrillQueue)
	require.Equal(t, all, drill, "a drill runs everything on its own queue")
}

func TestWorkerRefusesToStart(t *testing.T) {
	settings(t)
	typo := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(typo, "extraction-event.yaml"), []byte("version: 1\nkindd: x\n"), 0o600))
	const inventory = "../../testdata/inventory/nordwall.yaml"
	cases := []struct {
		name string
		env  map[string]string
		args []string
		want []string
	}{
		{"without an inventory", nil, nil, []string{"set --inventory or FIREBREAK_INVENTORY"}},
		{"with a typo in a playbook", nil, []string{"--inventory", inventory, "--playbooks", typo}, []string{`extraction-event.yaml:2:1: unknown-key: unknown key "kindd"`}},
		{"without Vault and Slack, both said at once", map[string]string{"VAULT_ADDR": "", "SLACK_BOT_TOKEN": ""}, []string{"--inventory", inventory}, []string{"VAULT_ADDR", "SLACK_BOT_TOKEN"}},
		{"with a mail server that has no sender", map[string]string{"SMTP_ADDRESS": "smtp.nordwall.example:587"}, []string{"--inventory", inventory}, []string{"SMTP_FROM"}},
		{"with an address of MLflow that is none", map[string]string{"MLFLOW_TRACKING_URI": "mlflow"}, []string{"--inventory", inventory}, []string{"MLFLOW_TRACKING_URI is not an address"}},
		{"with a catalogue that is not in S3", map[string]string{"FIREBREAK_CATALOGUE": "/srv/good"}, []string{"--inventory", inventory}, []string{"FIREBREAK_CATALOGUE"}},
		{"with one key for live incidents and drills", nil, []string{"--inventory", inventory, "--drill-evidence-key", "firebreak-evidence"}, []string{"need different transit keys"}},
		{"with an argument", nil, []string{"now"}, []string{`unknown command "now"`}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			var out, errs bytes.Buffer
			require.Equal(t, 1, run(context.Background(), c.args, &out, &errs))
			for _, want := range c.want {
				require.Contains(t, errs.String(), want)
			}
		})
	}
}

func TestWorkerCheck(t *testing.T) {
	settings(t)
	const good = "playbooks, inventory and settings are good\nif Slack is down, people are told by e-mail: "
	for _, c := range []struct{ address, from, want string }{
		{"", "", good + "no, SMTP_ADDRESS is not set\n"},
		{"smtp.nordwall.example:587", "firebreak@nordwall.example", good + "through smtp.nordwall.example:587 as firebreak@nordwall.example\n"},
	} {
		t.Setenv("SMTP_ADDRESS", c.address)
		t.Setenv("SMTP_FROM", c.from)
		var out, errs bytes.Buffer
		require.Zero(t, run(context.Background(), []string{"--inventory", "../../testdata/inventory/nordwall.yaml", "--check"}, &out, &errs), errs.String())
		require.Equal(t, c.want, out.String())
	}
}
