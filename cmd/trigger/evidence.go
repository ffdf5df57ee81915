package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"firebreak/internal/manifest"
	"firebreak/internal/manifest/dsse"
)

// maxKeyBytes is far above any public key.
const maxKeyBytes = 64 << 10

func (a *app) evidenceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "evidence", Short: "Check the sealed evidence of an incident, and record who handled it", Args: cobra.NoArgs,
		Long: `Evidence works on the manifest that seals an incident's evidence. Verify and show read files and nothing else: they connect
to nothing, and need neither the inventory nor the store. Access records in the incident's chain of custody that somebody
handled its evidence.

'trigger status INCIDENT' names the manifest. It is fetched by its version id, for instance with
  aws s3api get-object --bucket BUCKET --key KEY --version-id VERSION manifest.json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.evidenceVerifyCommand(), a.evidenceShowCommand(), a.evidenceAccessCommand())
	return cmd
}

// verification is what the flags of verify name.
type verification struct{ key, objects, mode, output string }

func (a *app) evidenceVerifyCommand() *cobra.Command {
	var v verification
	cmd := &cobra.Command{
		Use: "verify MANIFEST", Short: "Check a manifest, its signature and the objects that it lists, offline", Args: cobra.ExactArgs(1),
		Long: `Verify checks that a manifest is signed by the key and that its parts fit one another: the record, its receipts, the list of
objects and the chain of custody. With --objects it hashes the downloaded objects too, and those that snapshots list; each is
looked for in the folder under its key, or under its bucket and key. Everything that fails is said at once, with its place. What
else is in the folder is named apart: nothing in the manifest vouches for it.

The public key is that of the Vault transit key that signs (the worker's --evidence-key). Get it from Vault, or from whoever
keeps it for you, and never from the place that keeps the evidence:
  vault read -format=json transit/keys/firebreak-evidence | jq -r '.data.keys["1"].public_key' > evidence.pem

Evidence of a drill is refused unless --mode drill asks for it.

Exit codes: 0 it holds, 1 a file cannot be read, 2 wrong usage, 4 it does not hold.`,
		Example: `  trigger evidence verify manifest.json --public-key evidence.pem
  trigger evidence verify manifest.json --public-key evidence.pem --objects ./downloaded -o json`,
		RunE: a.verb(func(_ context.Context, args []string) error {
			if err := checkOutput(v.output); err != nil {
				return err
			}
			return a.verifyEvidence(args[0], v)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&v.key, "public-key", "", "PEM file of the public key that must have signed; without it the signature counts as not checked")
	f.StringVar(&v.objects, "objects", "", "folder with the downloaded objects")
	f.StringVar(&v.mode, "mode", "live", "live or drill")
	outputFlag(f, &v.output)
	return cmd
}

func (a *app) verifyEvidence(file string, v verification) error {
	mode, err := parseMode(v.mode)
	if err != nil {
		return err
	}
	options := manifest.Options{Mode: mode}
	if v.key != "" {
		text, err := readLimited("public key", v.key, maxKeyBytes)
		if err != nil {
			return err
		}
		if options.Key, err = dsse.ParseKey(text); err != nil {
			return fmt.Errorf("%s: %w", v.key, err)
		}
	}
	if v.objects != "" {
		if options.Objects, err = os.OpenRoot(v.objects); err != nil {
			return fmt.Errorf("open folder of objects: %w", err)
		}
		defer options.Objects.Close()
	}
	content, err := readLimited("manifest", file, manifest.MaxBytes+1)
	if err != nil {
		return err
	}
	report := manifest.Check(content, options)
	if v.output == "json" {
		err = a.writeJSON(report)
	} else {
		err = writeReport(a.stdout, report, options)
	}
	if err == nil && !report.Sound {
		err = refused("the evidence does not hold: %s", count(len(report.Findings), "finding"))
	}
	return err
}

// readLimited reads a file of a bounded size; of a larger one as much as shows that it is too large.
func readLimited(what, path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return content, nil
}

// writeReport writes the result first, then what fails, then what the manifest itself says is missing.
func writeReport(w io.Writer, r *manifest.Report, o manifest.Options) error {
	p := &page{}
	heading := "SOUND"
	if !r.Sound {
		heading = "DOES NOT HOLD"
	}
	p.line("%s  %s\n", heading, r.Incident)
	if r.Incident != "" {
		p.line("  mode      %s, verdict %s", string(r.Mode), string(r.Verdict))
		p.line("  sealed    %s", clock(r.SealedAt))
		p.line("  signed    %s", signedBy(r, o.Key))
		p.line("  holds     %s, %s, %s of custody", count(r.Receipts, "receipt"), count(r.Objects, "object"), count(r.Custody, "event"))
		if o.Objects != nil {
			p.line("  hashed    %s", count(r.Read, "object"))
		} else {
			p.line("  hashed    none of the objects: no folder was given (--objects)")
		}
	}
	if len(r.Findings) > 0 {
		p.line("\nWhat does not hold")
		t := tabwriter.NewWriter(p, 0, 0, 2, ' ', 0)
		for _, f := range r.Findings {
			fmt.Fprintf(t, "  %s\t%s\t%s\n", plain(string(f.Aspect)), plain(f.Where), plain(f.Problem))
		}
		_ = t.Flush() // a page takes everything
	}
	if len(r.Unlisted) > 0 {
		p.line("\nIn the folder, and nothing in the manifest vouches for it")
		for _, name := range r.Unlisted {
			p.line("  %s", name)
		}
	}
	if len(r.Gaps) > 0 {
		p.line("\nWhat the manifest itself says is missing")
		for _, g := range r.Gaps {
			p.line("  %s", g)
		}
	}
	_, err := io.WriteString(w, p.String())
	return err
}

func signedBy(r *manifest.Report, key *dsse.Key) string {
	switch {
	case r.Signed:
		return "by " + r.Signer + ", proved with the public key " + key.Fingerprint()
	case r.Signer == "":
		return "no"
	}
	return "by " + r.Signer + " as it says itself: not proved"
}

func (a *app) evidenceShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show MANIFEST", Short: "Print what a manifest states, as JSON, without checking it", Args: cobra.ExactArgs(1),
		Long: `Show prints the statement inside a manifest. It checks nothing: what it prints may be anybody's. 'trigger evidence verify'
checks.`,
		Example: `  trigger evidence show manifest.json | jq '.predicate.custody[] | [.at, .actor, .action, .evidence]'`,
		RunE: a.verb(func(_ context.Context, args []string) error {
			content, err := readLimited("manifest", args[0], manifest.MaxBytes+1)
			if err != nil {
				return err
			}
			if len(content) > manifest.MaxBytes {
				return errors.New("read manifest: it is too large to be one")
			}
			e, err := dsse.Decode(content)
			if err != nil {
				return err
			}
			s, err := manifest.DecodeStatement(e.Payload)
			if err != nil {
				return err
			}
			return a.writeJSON(s)
		}),
	}
}
