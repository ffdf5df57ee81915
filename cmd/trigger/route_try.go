package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firebreak/internal/alert"
	"firebreak/internal/incident"
)

type routeTestFlags struct {
	source, mode, inventory, playbooks, output string
	routes                                     routeFlags
}

func (a *app) routeTestCommand() *cobra.Command {
	var f routeTestFlags
	cmd := &cobra.Command{
		Use: "test PAYLOAD", Short: "Say what would become of a post, and why", Args: cobra.ExactArgs(1),
		Long: `Test reads a post as its sender would send it (- reads standard input) and says which rule decides and at which line, why
each rule before it does not fit, and the incident that would be started or joined, or why it would go to triage. Nothing is
started, and no signature is looked at. Without --source the format is recognised.`,
		Example: `  trigger route test testdata/alerts/guardduty.json --source eventbridge --routes routes.yaml --inventory inventory.yaml
  curl -s https://alerts.example/last | trigger route test - -o json | jq -r '.alerts[].incident_id'`,
	}
	cmd.RunE = a.verb(func(_ context.Context, args []string) error {
		if err := checkOutput(f.output); err != nil {
			return err
		}
		return a.routeTest(args[0], f)
	})
	flags := cmd.Flags()
	flags.StringVar(&f.source, "source", "", "how to read the payload: "+strings.Join(triedSources(), ", "))
	flags.StringVar(&f.mode, "mode", string(incident.Live), "the mode of the trigger, live or drill")
	flags.StringVar(&f.inventory, "inventory", "", "inventory file to look assets up in (default $"+inventoryVariable+")")
	flags.StringVar(&f.playbooks, "playbooks", "", playbooksFlag)
	flags.StringVarP(&f.output, "output", "o", "table", "table or json")
	f.routes.register(flags)
	return cmd
}

// tried is what 'route test' says of a post.
type tried struct {
	Source    string       `json:"source"`
	RawSHA256 string       `json:"raw_sha256"`
	Routes    string       `json:"routes"`
	Note      string       `json:"note,omitempty"`
	Alerts    []triedAlert `json:"alerts"`
}

type triedAlert struct {
	Source     string            `json:"source"`
	Key        string            `json:"key"`
	Summary    string            `json:"summary,omitempty"`
	Resolved   bool              `json:"resolved,omitempty"`
	Fields     map[string]string `json:"fields"`
	Steps      []triedStep       `json:"steps,omitempty"`
	Rule       string            `json:"rule,omitempty"`
	Line       int               `json:"line,omitempty"`
	IncidentID string            `json:"incident_id,omitempty"`
	Mode       incident.Mode     `json:"mode,omitempty"`
	Severity   string            `json:"severity,omitempty"`
	Confidence float64           `json:"confidence,omitempty"`
	Facet      string            `json:"facet,omitempty"`
	Ignored    []string          `json:"ignored,omitempty"`
	Triage     string            `json:"triage,omitempty"`
}

type triedStep struct {
	Rule string `json:"rule"`
	Line int    `json:"line"`
	Why  string `json:"why,omitempty"`
}

func (a *app) routeTest(path string, f routeTestFlags) error {
	mode, err := parseMode(f.mode)
	if err != nil {
		return err
	}
	kinds, kindsErr := a.kinds(f.playbooks)
	inv, invErr := a.inventory(f.inventory)
	if err := errors.Join(kindsErr, invErr); err != nil {
		return err
	}
	routes, err := a.followedRoutes(f.routes, kinds, nil)
	if err != nil {
		return err
	}
	raw, err := a.readPost(path)
	if err != nil {
		return err
	}
	source, post, err := readAs(f.source, raw, a.now().UTC())
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	j := judge{inventory: inv, routes: routes.current().Routes, mode: mode, kinds: kinds}
	out := tried{Source: source, RawSHA256: post.RawSHA256, Routes: j.routes.File, Note: post.Note, Alerts: []triedAlert{}}
	for i := range post.Signals {
		out.Alerts = append(out.Alerts, explain(&post.Signals[i], j))
	}
	if f.output == "json" {
		return a.showJSON(out)
	}
	_, err = io.WriteString(a.stdout, out.text(inv == nil))
	return err
}

func explain(s *alert.Signal, j judge) triedAlert {
	d := j.of(s)
	al := s.Alert(j.routes.Fields()...)
	out := triedAlert{
		Source: s.Source, Key: s.Key, Summary: al.Summary, Resolved: s.Resolved, Fields: al.Fields, IncidentID: d.id,
		Severity: d.Severity, Confidence: d.Confidence, Facet: d.Facet, Ignored: d.Ignored, Triage: d.Triage,
	}
	for _, step := range d.Steps {
		out.Steps = append(out.Steps, triedStep{Rule: step.Rule.Name, Line: step.Rule.Line, Why: step.Why})
	}
	if d.Rule != nil {
		out.Rule, out.Line = d.Rule.Name, d.Rule.Line
	}
	if d.id != "" {
		out.Mode = d.mode
	}
	return out
}

// readPost reads a file or standard input, but not more than a post can have.
func (a *app) readPost(path string) ([]byte, error) {
	from := a.stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("read the payload: %w", err)
		}
		defer f.Close()
		from = f
	}
	raw, err := io.ReadAll(io.LimitReader(from, alert.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the payload: %w", err)
	}
	return raw, nil
}

// triedSources are the formats that 'route test' reads, in the order in which it tries them: the strict ones first.
func triedSources() []string {
	return []string{
		alert.Alertmanager, alert.Grafana, alert.PagerDuty, alert.SNS, alert.EventBridge, alert.CloudEvents, alert.Generic, alert.Datadog, alert.SQS,
	}
}

// readAs reads the post as the source sends it, or as the first source that can read it.
func readAs(source string, raw []byte, now time.Time) (string, alert.Post, error) {
	if source != "" {
		if !slices.Contains(triedSources(), source) {
			return "", alert.Post{}, usage("--source %q: want one of %s", source, strings.Join(triedSources(), ", "))
		}
		post, err := unverified(source, raw, now)
		return source, post, err
	}
	for _, name := range triedSources() {
		if name == alert.SQS {
			continue
		}
		if post, err := unverified(name, raw, now); err == nil {
			return name, post, nil
		}
	}
	return "", alert.Post{}, fmt.Errorf("no source sends this: name the one that should with --source, to hear what is wrong")
}

// unverified decodes a post without a look at where it comes from.
func unverified(source string, raw []byte, now time.Time) (alert.Post, error) {
	switch source {
	case alert.PagerDuty:
		return alert.DecodePagerDuty(raw, now)
	case alert.Generic:
		return alert.DecodeGeneric(raw, now)
	case alert.CloudEvents:
		return alert.DecodeCloudEvent(alert.StructuredCloudEvent, nil, raw, now)
	case alert.SQS:
		return alert.DecodeSQS("test", raw, now), nil
	case alert.SNS:
		e, err := alert.DecodeEnvelope(raw)
		if err != nil {
			return alert.Post{}, err
		}
		return alert.DecodeSNS(&e, raw, now), nil
	}
	return tokenSources()[source](raw, now)
}

// text is what a person reads.
func (t tried) text(blind bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "read as %s, routes: %s\n", t.Source, t.Routes)
	if t.Note != "" {
		fmt.Fprintf(&b, "no alert: %s\n", plain(t.Note))
	}
	for i := range t.Alerts {
		t.Alerts[i].text(&b)
	}
	if blind {
		b.WriteString("\nwithout --inventory no asset was looked up\n")
	}
	return b.String()
}

func (t *triedAlert) text(b *strings.Builder) {
	state := ""
	if t.Resolved {
		state = ", resolved"
	}
	fmt.Fprintf(b, "\n%s%s: %s\n", plain(t.Key), state, plain(t.Summary))
	for _, s := range t.Steps {
		why := "fits"
		if s.Why != "" {
			why = s.Why
		}
		fmt.Fprintf(b, "  line %d, %s: %s\n", s.Line, s.Rule, plain(why))
	}
	for _, name := range t.Ignored {
		fmt.Fprintf(b, "  the field %s has no usable value and counts as not given\n", plain(name))
	}
	switch {
	case t.Triage != "" && t.Resolved:
		fmt.Fprintf(b, "  -> nothing, because it is the end of an alert: %s\n", plain(t.Triage))
	case t.Triage != "":
		fmt.Fprintf(b, "  -> triage: %s\n", plain(t.Triage))
	case t.Resolved:
		fmt.Fprintf(b, "  -> joins %s if it is open\n", plain(t.IncidentID))
	default:
		fmt.Fprintf(b, "  -> starts or joins %s (%s)\n", plain(t.IncidentID), strings.Join(slices.DeleteFunc([]string{string(t.Mode), t.Severity, t.Facet}, func(s string) bool { return s == "" }), ", "))
	}
}
