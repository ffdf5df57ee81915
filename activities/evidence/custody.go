package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/internal/manifest"
	"firebreak/playbooks"
)

const (
	// custodyAttempts is how often an event is linked anew because another one came first.
	custodyAttempts = 8
	// maxReason bounds what a person writes into an event.
	maxReason = 500
)

// Custody keeps the chain of custody of each incident in the evidence store. A link is an object of its own under Object
// Lock, named by its number and written only if there is none of that number: the chain can grow and nothing else.
type Custody struct{ api store }

// NewCustody returns the activity. api is an *s3.Client, e.g. from NewS3.
func NewCustody(api store) *Custody { return &Custody{api: api} }

// Record adds that a person handled evidence of an incident. It records what was said; whether the evidence was read by
// others, who did not say so, is in the store's own access log.
func (c *Custody) Record(ctx context.Context, in playbooks.RecordAccess) (*playbooks.RecordedAccess, error) {
	action, err := manifest.ParseHandling(in.Action)
	if err != nil {
		return nil, failure.New(failure.Invalid, "record access: %w", err)
	}
	bucket, key, _, err := objects.ParseVersionURI(in.Evidence)
	switch {
	case err != nil:
		return nil, failure.New(failure.Invalid, "record access: %w", err)
	case in.ID == "" || in.IncidentID == "" || in.At.IsZero():
		return nil, failure.New(failure.Invalid, "record access: an id, an incident and a time are needed")
	case in.Person == "" || in.Reason == "":
		return nil, failure.New(failure.Invalid, "record access: it needs a person and a reason")
	case len(in.Reason) > maxReason || len(in.Authority) > maxReason:
		return nil, failure.New(failure.Invalid, "record access: a reason has at most %d bytes", maxReason)
	case bucket != in.Store.Bucket || !strings.HasPrefix(key, incidentPrefix(in.IncidentID)):
		return nil, failure.New(failure.Invalid, "record access: %s is not evidence of %s", in.Evidence, in.IncidentID)
	}
	e := manifest.Event{
		ID: "access/" + in.ID, At: in.At, Actor: in.Person, Action: action, Evidence: in.Evidence, Reason: in.Reason, Authority: in.Authority,
	}
	chain, err := c.append(ctx, in.Store, in.IncidentID, in.Mode, []manifest.Event{e})
	if err != nil {
		return nil, fmt.Errorf("record access: %w", err)
	}
	i := slices.IndexFunc(chain, func(x manifest.Event) bool { return x.ID == e.ID })
	return &playbooks.RecordedAccess{Number: chain[i].Number, Hash: chain[i].Hash}, nil
}

// append links the events that are not in the chain yet, in one object, and returns the whole chain as it is read back.
func (c *Custody) append(ctx context.Context, to inventory.Store, incidentID string, mode incident.Mode, events []manifest.Event) ([]manifest.Event, error) {
	l, err := newLock(to)
	if err != nil {
		return nil, err
	}
	genesis := manifest.Genesis(incidentID, mode)
	for range custodyAttempts {
		chain, err := c.load(ctx, to.Bucket, incidentID)
		if err != nil {
			return nil, err
		}
		links, err := linked(chain, genesis, events)
		if err != nil || len(links) == 0 {
			return chain, err
		}
		content, err := manifest.EncodeLines(links, eventKey)
		if err != nil {
			return nil, err
		}
		p := piece{key: fmt.Sprintf("%s%08d", custodyPrefix(incidentID), links[0].Number), contentType: "application/jsonl", bytes: content}
		_, err = putLocked(ctx, c.api, to.Bucket, p, l, time.Now())
		// Whoever was first has the number. What is written is found when the chain is read again, as the proof that it is
		// in it.
		if err != nil && !hasCode(err, "PreconditionFailed", "ConditionalRequestConflict") {
			return nil, err
		}
	}
	return nil, errors.New("extend chain of custody: others were first each time")
}

// linked are the events that the chain has not yet, as its next links.
func linked(chain []manifest.Event, genesis string, events []manifest.Event) ([]manifest.Event, error) {
	known := make(map[string]bool, len(chain))
	for _, e := range chain {
		known[e.ID] = true
	}
	whole := slices.Clone(chain)
	for _, e := range events {
		if known[e.ID] {
			continue
		}
		known[e.ID] = true
		link, err := manifest.Link(whole, genesis, e)
		if err != nil {
			return nil, err
		}
		whole = append(whole, link)
	}
	return whole[len(chain):], nil
}

func custodyPrefix(incidentID string) string { return incidentPrefix(incidentID) + "custody/" }

func eventKey(e manifest.Event) string { return fmt.Sprintf("%08d", e.Number) }

// load reads the chain. It does not judge it: a broken one goes into the manifest as it is, and shows there.
func (c *Custody) load(ctx context.Context, bucket, incidentID string) ([]manifest.Event, error) {
	prefix := custodyPrefix(incidentID)
	versions, err := objects.List(ctx, c.api, objects.Location{Bucket: bucket, Prefix: strings.TrimRight(prefix, "/")})
	if err != nil {
		return nil, err
	}
	chain := []manifest.Event{}
	for _, v := range firsts(versions) {
		content, _, err := readAll(ctx, c.api, bucket, v)
		if err != nil {
			return nil, err
		}
		events, err := manifest.DecodeLines(content, eventKey)
		if err != nil {
			return nil, failure.New(failure.EvidenceMismatch, "read chain of custody: %s: %w", objects.VersionURI(bucket, v.Key, v.ID), err)
		}
		chain = append(chain, events...)
	}
	return chain, nil
}
