package evidence

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// Limits of a raw alert. What the trigger takes in has at most 1 MiB; a small text that unpacks to more is not an alert.
const (
	mostAlertBytes    = 1 << 20
	mostMetadataBytes = 200
)

// Alerts keeps raw alerts as evidence.
type Alerts struct {
	api store
}

// NewAlerts returns the activity. api is an *s3.Client, e.g. from NewS3.
func NewAlerts(api store) *Alerts { return &Alerts{api: api} }

// Keep writes the exact bytes that the sender posted to the evidence store under Object Lock, reads them back by version id
// and proves that they are locked. The object's name has their digest in it, so that the same post is kept once however often
// it comes, and no text of the sender's is part of a name.
func (a *Alerts) Keep(ctx context.Context, in playbooks.KeepAlert) (*playbooks.KeptAlert, error) {
	l, err := newLock(in.Store)
	if err != nil {
		return nil, err
	}
	if in.IncidentID == "" {
		return nil, failure.New(failure.Invalid, "keep alert: it belongs to no incident")
	}
	raw, sum, err := unpack(&in.Alert)
	if err != nil {
		return nil, err
	}
	// A sender's bytes are never served as a page, whatever they are.
	p := piece{key: incidentPrefix(in.IncidentID) + "alerts/" + sum, contentType: "application/octet-stream", metadata: alertMetadata(in), bytes: raw}
	v, err := place(ctx, a.api, in.Store.Bucket, p, l)
	if err != nil {
		return nil, fmt.Errorf("keep alert: %w", err)
	}
	if err := prove(ctx, a.api, in.Store.Bucket, v, sum, l); err != nil {
		return nil, fmt.Errorf("keep alert: %w", err)
	}
	return &playbooks.KeptAlert{URI: objects.VersionURI(in.Store.Bucket, p.key, v.ID), SHA256: sum}, nil
}

// sha256Hex is a digest as the trigger writes it.
var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

// unpack returns the bytes that were posted and their digest, which must be the one that the trigger took of them.
func unpack(alert *incident.Alert) ([]byte, string, error) {
	want := strings.TrimPrefix(alert.RawSHA256, "sha256:")
	switch {
	case len(alert.Raw) == 0:
		return nil, "", failure.New(failure.Invalid, "keep alert: it came without the bytes that were posted")
	case !sha256Hex.MatchString(want):
		return nil, "", failure.New(failure.Invalid, "keep alert: its digest is not a SHA-256 in hexadecimal")
	}
	raw, err := inflate(alert.Raw)
	if err != nil {
		return nil, "", failure.New(failure.Invalid, "keep alert: unpack what was posted: %w", err)
	}
	got := sha256.Sum256(raw)
	if hex.EncodeToString(got[:]) != want {
		return nil, "", failure.New(failure.EvidenceMismatch, "keep alert: its bytes hash to %x, not to %s", got, want)
	}
	return raw, want, nil
}

// inflate reads one gzip stream with nothing after it, of a bounded size.
func inflate(packed []byte) ([]byte, error) {
	source := bytes.NewReader(packed)
	z, err := gzip.NewReader(source)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	raw, err := io.ReadAll(io.LimitReader(z, mostAlertBytes+1))
	switch {
	case err != nil:
		return nil, err
	case len(raw) > mostAlertBytes:
		return nil, fmt.Errorf("it has more than %d bytes", mostAlertBytes)
	case source.Len() > 0:
		return nil, errors.New("something follows it")
	}
	return raw, nil
}

// alertMetadata is what a person who finds the object sees beside it.
func alertMetadata(in playbooks.KeepAlert) map[string]string {
	out := map[string]string{}
	for name, value := range map[string]string{
		"incident": in.IncidentID, "mode": string(in.Mode), "source": in.Alert.Source, "kind": string(in.Alert.Kind),
	} {
		if value = headerText(value); value != "" {
			out[name] = value
		}
	}
	if !in.Alert.ReceivedAt.IsZero() {
		out["received"] = in.Alert.ReceivedAt.UTC().Format(time.RFC3339)
	}
	return out
}

// headerText makes text fit for a header of HTTP, which metadata is: printable ASCII, bounded.
func headerText(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
	return strings.TrimSpace(text[:min(len(text), mostMetadataBytes)])
}
