package volatile

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"firebreak/activities/evidence"
	"firebreak/activities/evidence/objects"
	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/internal/manifest"
	"firebreak/playbooks"
)

const (
	listName = "manifest.jsonl"
	// maxGaps bounds how many gaps the verdict repeats; the list has them all.
	maxGaps = 20
)

// keeper is the part of evidence.Keeper that keeps and proves single objects.
type keeper interface {
	Keep(context.Context, inventory.Store, evidence.Piece) (manifest.Object, error)
	Find(context.Context, inventory.Store, evidence.Piece) (*manifest.Object, []byte, error)
	Prove(context.Context, inventory.Store, manifest.Object) (string, error)
}

// Capture is the action replica.capture.
type Capture struct {
	clusters clusters
	keep     keeper
	logs     objects.Reader
}

// NewCapture returns the action. c is a *kube.Client, k an *evidence.Keeper, and logs the *s3.Client that reads the
// endpoints' log streams.
func NewCapture(c clusters, k keeper, logs objects.Reader) *Capture {
	return &Capture{clusters: c, keep: k, logs: logs}
}

// state is what Capture saves: the replicas that were there when the step began.
type state struct {
	Replicas []replica `json:"replicas"`
	// Gap says why there are none, or which were left out.
	Gap string `json:"gap,omitempty"`
}

// Capture lists the replicas. An endpoint without any, or on a platform that has none to list, is a gap and no failure.
func (a *Capture) Capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	e := op.Target.Endpoint
	if e == nil {
		return nil, failure.New(failure.Invalid, "list replicas of %s: it is not an endpoint", op.Target.ID)
	}
	s, err := a.find(ctx, e.Serving)
	if err != nil {
		return nil, fmt.Errorf("list replicas of %s: %w", op.Target.ID, err)
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("list replicas of %s: %w", op.Target.ID, err)
	}
	summary := fmt.Sprintf("%d replicas", len(s.Replicas))
	if s.Gap != "" {
		summary += "; " + s.Gap
	}
	return &incident.Capture{Summary: summary, State: raw, At: time.Now().UTC()}, nil
}

func (a *Capture) find(ctx context.Context, s inventory.Serving) (*state, error) {
	out := &state{Replicas: []replica{}}
	if s.ReplicasSelector == "" || s.Namespace == "" {
		out.Gap = fmt.Sprintf("the inventory names no namespace and replicas_selector for it on %s", s.Platform)
		return out, nil
	}
	c, err := a.cluster(ctx, s)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, itemTimeout)
	defer cancel()
	found, gap, err := c.find(ctx, s)
	switch {
	case absent(err):
		out.Gap = "the cluster has no pods to list: " + err.Error()
	case err != nil:
		return nil, err
	case len(found) == 0:
		out.Gap = "no replica runs"
	default:
		out.Replicas, out.Gap = found, gap
	}
	return out, nil
}

func (a *Capture) cluster(ctx context.Context, s inventory.Serving) (*cluster, error) {
	access, err := a.clusters.Access(ctx, s.Cluster)
	if err != nil {
		return nil, err
	}
	return &cluster{access}, nil
}

// Do captures every item that there is time for, and then writes the list, which says what there is and what is missing.
// A list that is there already is the effect; items that are there already are kept: what was captured first is the
// nearest to what happened.
func (a *Capture) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	var s state
	if op.Capture == nil || op.Target.Endpoint == nil || json.Unmarshal(op.Capture.State, &s) != nil {
		return nil, failure.New(failure.Invalid, "capture %s: its replicas were not listed", op.Target.ID)
	}
	list, content, err := a.keep.Find(ctx, op.Store, pieceOf(op, listName, nil))
	if err != nil {
		return nil, err
	}
	if list != nil {
		lines, err := manifest.DecodeLines(content, lineKey)
		if err != nil {
			return nil, failure.New(failure.EvidenceMismatch, "capture %s: %s is no list of this step: %w", op.Target.ID, list.URI(), err)
		}
		return effect(op, &s, lines, *list, false), nil
	}
	lines, err := a.collect(ctx, op, &s)
	if err != nil {
		return nil, err
	}
	if content, err = manifest.EncodeLines(lines, lineKey); err != nil {
		return nil, err
	}
	kept, err := a.keep.Keep(ctx, op.Store, pieceOf(op, listName, content))
	if err != nil {
		return nil, fmt.Errorf("capture %s: %w", op.Target.ID, err)
	}
	return effect(op, &s, lines, kept, true), nil
}

func pieceOf(op *playbooks.Operation, name string, content []byte) evidence.Piece {
	return evidence.Piece{
		IncidentID: op.IncidentID, OpenedAt: op.OpenedAt, Step: op.Step, Target: op.Target.ID, Name: name,
		// What ran in a suspect replica is never served as a page.
		ContentType: "application/octet-stream", Bytes: content,
	}
}

func effect(op *playbooks.Operation, s *state, lines []Line, list manifest.Object, changed bool) *incident.Effect {
	kept, missing := 0, 0
	for _, l := range lines {
		if l.Key != "" {
			kept++
		}
		if l.Gap != "" {
			missing++
		}
	}
	return &incident.Effect{
		Summary: fmt.Sprintf("%d items of %d replicas of %s are locked in %s; %d gaps", kept, len(s.Replicas), op.Target.ID, op.Store.Bucket, missing),
		Changed: changed, At: time.Now().UTC(),
		Facts: map[string]string{
			incident.FactManifest: list.URI(), incident.FactSHA256: list.SHA256, incident.FactObjects: strconv.Itoa(kept),
			"replicas": strconv.Itoa(len(s.Replicas)), "gaps": strconv.Itoa(missing),
		},
	}
}

// Verify reads the list and every item back by version id, hashes them, and proves their locks. What the list says is
// missing does not make it false; the verdict shows it.
func (a *Capture) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	if op.Effect == nil {
		return nil, failure.New(failure.Invalid, "verify capture of %s: nothing was done", op.Target.ID)
	}
	list, content, err := a.keep.Find(ctx, op.Store, pieceOf(op, listName, nil))
	if err != nil {
		return nil, err
	}
	proof := &incident.Proof{At: time.Now().UTC()}
	if list == nil {
		proof.Method = "the list of the capture is gone"
		return proof, nil
	}
	if list.URI() != op.Effect.Facts[incident.FactManifest] || list.SHA256 != op.Effect.Facts[incident.FactSHA256] {
		proof.Method = fmt.Sprintf("%s hashes to %s; the step wrote %s with %s", list.URI(), list.SHA256, op.Effect.Facts[incident.FactManifest], op.Effect.Facts[incident.FactSHA256])
		return proof, nil
	}
	lines, err := manifest.DecodeLines(content, lineKey)
	if err != nil {
		proof.Method = fmt.Sprintf("%s: %v", list.URI(), err)
		return proof, nil
	}
	all := []manifest.Object{*list}
	for i := range lines {
		if lines[i].Key != "" {
			all = append(all, lines[i].object(op.Store.Bucket))
		}
		if lines[i].Gap != "" {
			proof.Gaps = append(proof.Gaps, lines[i].gap())
		}
	}
	if len(proof.Gaps) > maxGaps {
		proof.Gaps = append(proof.Gaps[:maxGaps], fmt.Sprintf("%d more are in the list", len(proof.Gaps)-maxGaps))
	}
	for _, o := range all {
		problem, err := a.keep.Prove(ctx, op.Store, o)
		if err != nil {
			return nil, err
		}
		if problem != "" {
			proof.Method, proof.Gaps = problem, nil
			return proof, nil
		}
	}
	proof.Proved = true
	proof.Method = fmt.Sprintf("%d items and their list read back by version id and hashed, all locked; %d deletions by version id refused", len(all)-1, len(all))
	return proof, nil
}

// Undo removes nothing: evidence stays locked until its retention ends.
func (a *Capture) Undo(_ context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	if op.Effect == nil {
		return nil, failure.New(failure.Invalid, "undo capture of %s: nothing was done", op.Target.ID)
	}
	return &incident.Effect{Summary: "the capture of " + op.Target.ID + " is kept: evidence stays locked until its retention ends", At: time.Now().UTC()}, nil
}
