package evidence

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"firebreak/activities/evidence/objects"
	"firebreak/internal/incident"
	"firebreak/internal/manifest"
	"firebreak/internal/manifest/dsse"
	"firebreak/playbooks"
)

// maxGaps bounds how many gaps the verdict repeats; the manifest's own list is what counts.
const maxGaps = 50

// collection is what goes into a manifest besides the record.
type collection struct {
	manifest.Contents
	public *dsse.Key

	mu sync.Mutex
}

func (c *collection) gap(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Gaps = append(c.Gaps, fmt.Sprintf(format, args...))
}

// unsigned takes back that the manifest is signed, and says why.
func (c *collection) unsigned(err error) {
	c.Signer, c.SignerKey, c.public = "", "", nil
	c.gap("the manifest is not signed: %v", err)
}

// collect reads back everything that the incident's manifest names. Only what keeps the store itself from being read is an
// error.
func (s *Seal) collect(ctx context.Context, in playbooks.SealInput) (*collection, error) {
	c := &collection{Contents: manifest.Contents{
		SealedAt: time.Now(), Store: manifest.StoreRef{ID: in.Store.ID, Bucket: in.Store.Bucket, Env: in.Store.Env}, Gaps: []string{},
	}}
	found := snapshots(c, &in.Record)
	alerts, err := s.alerts(ctx, in)
	if err != nil {
		return nil, err
	}
	s.readBack(ctx, in, c, append(found, alerts...))
	s.exportHistory(ctx, in, c)
	s.findKey(ctx, in, c)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if c.Custody, err = s.custody.append(ctx, in.Store, in.Record.ID, in.Record.Mode, handled(&in.Record, c.Objects)); err != nil {
		return nil, fmt.Errorf("seal evidence: %w", err)
	}
	for i, text := range manifest.CheckChain(c.Custody, manifest.Genesis(in.Record.ID, in.Record.Mode)) {
		c.gap("link %d of the chain of custody does not hold: %s", i+1, text)
	}
	slices.Sort(c.Gaps)
	if len(c.Gaps) > maxGaps {
		c.Gaps = append(c.Gaps[:maxGaps], fmt.Sprintf("%d more", len(c.Gaps)-maxGaps))
	}
	return c, nil
}

// snapshots lists the objects of the evidence steps that have a list of objects.
func snapshots(c *collection, r *incident.Record) []manifest.Object {
	var out []manifest.Object
	for i := range r.Steps {
		step := &r.Steps[i]
		if step.Role != incident.RoleEvidence || step.Receipt == nil || step.Receipt.Effect == nil {
			continue
		}
		facts := step.Receipt.Effect.Facts
		n, err := strconv.Atoi(facts[incident.FactObjects])
		if facts[incident.FactManifest] == "" || err != nil {
			continue
		}
		o, err := objectOf(facts[incident.FactManifest])
		if err != nil {
			c.gap("%s on %s: %v", step.ID, step.Target, err)
			continue
		}
		o.Kind, o.Step, o.Target, o.SHA256 = manifest.SnapshotObject, step.ID, step.Target, facts[incident.FactSHA256]
		o.Listed, o.Proved, o.CollectedAt = n, provedStep(step), step.Receipt.Effect.At.UTC()
		out = append(out, o)
	}
	return out
}

// alerts lists the raw alerts that were kept. The store is asked and not the record, which holds only the latest.
func (s *Seal) alerts(ctx context.Context, in playbooks.SealInput) ([]manifest.Object, error) {
	folder := incidentPrefix(in.Record.ID) + "alerts"
	versions, err := objects.List(ctx, s.keep.api, objects.Location{Bucket: in.Store.Bucket, Prefix: folder})
	if err != nil {
		return nil, err
	}
	var out []manifest.Object
	for _, v := range firsts(versions) {
		out = append(out, manifest.Object{
			Kind: manifest.AlertObject, Bucket: in.Store.Bucket, Key: v.Key, VersionID: v.ID,
			// An alert's name is the digest of its bytes.
			SHA256: strings.TrimPrefix(v.Key, folder+"/"), CollectedAt: v.LastModified.UTC(), Proved: true,
		})
	}
	return out, nil
}

// readBack hashes every object by its version id and reads its lock. One that is gone or changed stays listed with the
// digest that it had, and is a gap.
func (s *Seal) readBack(ctx context.Context, in playbooks.SealInput, c *collection, list []manifest.Object) {
	group := errgroup.Group{}
	group.SetLimit(objects.Concurrency)
	for i := range list {
		group.Go(func() error {
			o := &list[i]
			if o.Bucket != in.Store.Bucket {
				c.gap("%s is not in the evidence store %s", o.URI(), in.Store.Bucket)
				return nil
			}
			got := *o
			err := s.keep.describe(ctx, &got)
			switch {
			case err != nil:
				c.gap("%s could not be read back: %v", o.URI(), err)
			case got.SHA256 != o.SHA256:
				c.gap("%s hashes to %s, not to %s", o.URI(), got.SHA256, o.SHA256)
			case got.LockMode == "":
				c.gap("%s is not locked", o.URI())
				*o = got
			default:
				*o = got
			}
			return nil
		})
	}
	_ = group.Wait() // what goes wrong is a gap
	seen := map[string]bool{}
	for _, o := range list {
		if o.Bucket == in.Store.Bucket && !seen[o.URI()] {
			seen[o.URI()] = true
			c.Objects = append(c.Objects, o)
		}
	}
}

// exportHistory keeps the workflow's history so far as a piece of evidence of its own.
func (s *Seal) exportHistory(ctx context.Context, in playbooks.SealInput, c *collection) {
	run := runOf(ctx)
	content, err := s.history.export(ctx, in.Record.ID, run)
	if err != nil {
		c.gap("the workflow history is missing: %v", err)
		return
	}
	s.keepPiece(ctx, in, c, manifest.HistoryObject, Piece{
		IncidentID: in.Record.ID, OpenedAt: in.Record.OpenedAt, Step: "history", Target: run, Name: sumOf(content) + ".json.gz", ContentType: "application/gzip", Bytes: content,
	})
}

// findKey finds out who signs, and keeps the public key beside the evidence. That copy is for convenience alone: whoever
// checks has the key from elsewhere.
func (s *Seal) findKey(ctx context.Context, in playbooks.SealInput, c *collection) {
	id, public, err := s.signer.Key(ctx, in.Record.Mode)
	if err != nil {
		c.unsigned(err)
		return
	}
	c.Signer, c.SignerKey, c.public = id, public.Fingerprint(), public
	text := public.PEM()
	s.keepPiece(ctx, in, c, manifest.KeyObject, Piece{
		IncidentID: in.Record.ID, OpenedAt: in.Record.OpenedAt, Step: "key", Target: id, Name: sumOf(text) + ".pem", ContentType: "application/x-pem-file", Bytes: text,
	})
}

func (s *Seal) keepPiece(ctx context.Context, in playbooks.SealInput, c *collection, kind manifest.ObjectKind, p Piece) {
	o, err := s.keep.Keep(ctx, in.Store, p)
	if err == nil && o.SHA256 != sumOf(p.Bytes) {
		err = fmt.Errorf("%s hashes to %s, not to %s", o.URI(), o.SHA256, sumOf(p.Bytes))
	}
	if err != nil {
		c.gap("the %s could not be kept: %v", kind, err)
		return
	}
	o.Kind, o.CollectedAt, o.Proved = kind, time.Now().UTC().Truncate(time.Second), true
	o.Step, o.Target = "", ""
	c.Objects = append(c.Objects, o)
}

// handled are the links that the record itself accounts for: who collected what and when, and when it was proved.
func handled(r *incident.Record, list []manifest.Object) []manifest.Event {
	var out []manifest.Event
	for i := range list {
		o := &list[i]
		uri := o.URI()
		out = append(out, manifest.Event{
			ID: "collect/" + uri, At: o.CollectedAt, Actor: actor, Action: manifest.Collected, Evidence: uri, SHA256: o.SHA256, Reason: reasonOf(o),
		})
		if step := stepOf(r, o); step != nil && step.Receipt.Proof != nil && o.Proved {
			out = append(out, manifest.Event{
				ID: "verify/" + uri, At: step.Receipt.Proof.At, Actor: actor, Action: manifest.Verified, Evidence: uri, SHA256: o.SHA256, Reason: step.Receipt.Proof.Method,
			})
		}
	}
	slices.SortStableFunc(out, func(a, b manifest.Event) int { return a.At.Compare(b.At) })
	return out
}

func reasonOf(o *manifest.Object) string {
	if o.Step == "" {
		return string(o.Kind)
	}
	return fmt.Sprintf("step %s on %s", o.Step, o.Target)
}

func stepOf(r *incident.Record, o *manifest.Object) *incident.Step {
	for i := range r.Steps {
		if step := &r.Steps[i]; o.Step != "" && step.ID == o.Step && step.Target == o.Target && step.Receipt != nil {
			return step
		}
	}
	return nil
}
