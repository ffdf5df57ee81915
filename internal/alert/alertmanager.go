package alert

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"firebreak/internal/incident"
)

// Limits of what is taken over from a post. Lengths are bytes unless said otherwise.
const (
	MaxBytes        = 1 << 20
	MaxLabelBytes   = 1 << 10
	MaxSummaryRunes = 500
)

// AlertmanagerSource is the Source of alerts that Alertmanager sent.
const AlertmanagerSource = "alertmanager"

// alertmanagerVersion is the only version of the webhook that Alertmanager has sent since 0.6.
const alertmanagerVersion = "4"

// Labels names the alert labels that decide where an alert goes. Every other label is data of the sender and is not kept.
type Labels struct {
	Kind     string
	Asset    string
	Severity string
	// Confidence says how sure the detector is, from 0 to 1. Facet narrows the kind.
	Confidence string
	Facet      string
	// Kinds are the kinds that an alert may name; incident.Kinds() if empty.
	Kinds []incident.Kind
}

// DefaultLabels are the labels that firebreak's alerting rules set.
func DefaultLabels() Labels {
	return Labels{
		Kind: "firebreak_kind", Asset: "firebreak_asset", Severity: "severity", Confidence: "firebreak_confidence", Facet: "firebreak_facet",
	}
}

// Group is one decoded post.
type Group struct {
	Receiver string
	GroupKey string
	// TruncatedAlerts counts the alerts that the sender left out because of its max_alerts setting: they are lost.
	TruncatedAlerts int
	// RawSHA256 is the hexadecimal digest of the exact bytes that were posted.
	RawSHA256 string
	Members   []Member
}

// Member is one alert of a group: usable, or at fault. If Fault is set, Alert is only good for saying which it was.
type Member struct {
	Fingerprint string
	Alert       incident.Alert
	Situation   Situation
	Fault       *Fault
}

// Alerts returns the usable alerts in the order in which they were sent.
func (g Group) Alerts() []incident.Alert {
	var out []incident.Alert
	for _, m := range g.Members {
		if m.Fault == nil {
			out = append(out, m.Alert)
		}
	}
	return out
}

// webhook is Alertmanager's notify/webhook.Message. Fields that it does not name are ignored: newer versions add some.
type webhook struct {
	Version           string            `json:"version"`
	GroupKey          string            `json:"groupKey"`
	TruncatedAlerts   int               `json:"truncatedAlerts"`
	Status            string            `json:"status"`
	Receiver          string            `json:"receiver"`
	GroupLabels       map[string]string `json:"groupLabels"`
	CommonLabels      map[string]string `json:"commonLabels"`
	CommonAnnotations map[string]string `json:"commonAnnotations"`
	ExternalURL       string            `json:"externalURL"`
	Alerts            []webhookAlert    `json:"alerts"`
}

type webhookAlert struct {
	Status       string            `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     string            `json:"startsAt"`
	EndsAt       string            `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
	Fingerprint  string            `json:"fingerprint"`
}

// DecodeAlertmanager reads the body of Alertmanager's webhook, version 4, with the default labels. The error wraps
// ErrMalformed, ErrTooLarge or ErrVersion and means that no alert could be read; a single alert that cannot be used is a
// Member with a Fault.
func DecodeAlertmanager(raw []byte, received time.Time) (Group, error) {
	return DefaultLabels().DecodeAlertmanager(raw, received)
}

// DecodeAlertmanager is the function of the same name for a team's own labels.
func (l Labels) DecodeAlertmanager(raw []byte, received time.Time) (Group, error) {
	sum := sha256.Sum256(raw)
	g := Group{RawSHA256: hex.EncodeToString(sum[:])}
	if len(raw) > MaxBytes {
		return g, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(raw), MaxBytes)
	}
	if err := checkShape(raw); err != nil {
		return g, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	var w webhook
	if err := json.Unmarshal(raw, &w); err != nil {
		return g, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if w.Version != alertmanagerVersion {
		return g, fmt.Errorf("%w: %.20q, want %q", ErrVersion, w.Version, alertmanagerVersion)
	}
	if len(w.Alerts) == 0 {
		return g, fmt.Errorf("%w: the group has no alerts", ErrMalformed)
	}
	g.Receiver = cut(clean(w.Receiver), MaxLabelBytes)
	g.GroupKey = cut(clean(w.GroupKey), MaxLabelBytes)
	g.TruncatedAlerts = w.TruncatedAlerts
	for i := range w.Alerts {
		g.Members = append(g.Members, l.member(&w.Alerts[i], w.GroupKey, g.RawSHA256, received))
	}
	return g, nil
}

// member turns one alert into an incident.Alert, or says why it cannot.
func (l Labels) member(a *webhookAlert, groupKey, rawSHA256 string, received time.Time) Member {
	id := fingerprint(a)
	situation := l.situation(a.Labels)
	m := Member{Fingerprint: id, Situation: situation, Alert: incident.Alert{
		Source:     AlertmanagerSource,
		Severity:   situation.Severity,
		Summary:    summary(a),
		Resolved:   a.Status == "resolved",
		ReceivedAt: received,
		RawSHA256:  rawSHA256,
	}}
	fault := func(label string, err error) Member {
		m.Fault = &Fault{Fingerprint: id, Label: label, Err: err}
		return m
	}
	// Both labels are read before either is judged, so that a refusal can still name the asset.
	asset, assetErr := read(a.Labels, l.Asset)
	m.Alert.Asset = asset
	kind, err := read(a.Labels, l.Kind)
	if err != nil {
		return fault(l.Kind, err)
	}
	if m.Alert.Kind, err = l.kind(kind); err != nil {
		return fault(l.Kind, fmt.Errorf("%w: %w", ErrUnknownKind, err))
	}
	if assetErr != nil {
		return fault(l.Asset, assetErr)
	}
	if m.Alert.StartsAt, err = start(a.StartsAt); err != nil {
		return fault("", err)
	}
	m.Alert.Key = key(groupKey, id, m.Alert.StartsAt, m.Alert.Resolved)
	return m
}

// kind returns the kind that an alert names, if it may.
func (l Labels) kind(name string) (incident.Kind, error) {
	if len(l.Kinds) == 0 {
		return incident.ParseKind(name)
	}
	if slices.Contains(l.Kinds, incident.Kind(name)) {
		return incident.Kind(name), nil
	}
	known := make([]string, 0, len(l.Kinds))
	for _, k := range l.Kinds {
		known = append(known, string(k))
	}
	return "", fmt.Errorf("unknown incident kind %q (known: %s)", name, strings.Join(known, ", "))
}

// read returns a label that must be there.
func read(labels map[string]string, name string) (string, error) {
	v := clean(labels[name])
	if v == "" {
		return "", ErrMissingLabel
	}
	if len(v) > MaxLabelBytes {
		return "", fmt.Errorf("%w: %d bytes, at most %d", ErrTooLong, len(v), MaxLabelBytes)
	}
	return v, nil
}

// start reads a time in UTC. A year that JSON cannot write, which an offset can lead to, would make the alert unsendable.
func start(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, text)
	at = at.UTC()
	if err != nil || at.Year() < 1 || at.Year() > 9999 {
		return time.Time{}, fmt.Errorf("%w: %.40q", ErrBadTime, text)
	}
	return at, nil
}

func summary(a *webhookAlert) string {
	text := cmp.Or(clean(a.Annotations["summary"]), clean(a.Annotations["description"]), clean(a.Labels["alertname"]))
	return cut(text, MaxSummaryRunes)
}

// senderPrint is how Alertmanager writes a fingerprint.
var senderPrint = regexp.MustCompile(`^[0-9a-f]{1,64}$`)

// fingerprint is the sender's, or one of our own over the labels if the sender's is missing or unusable.
func fingerprint(a *webhookAlert) string {
	if senderPrint.MatchString(a.Fingerprint) {
		return a.Fingerprint
	}
	h := sha256.New()
	for _, k := range slices.Sorted(maps.Keys(a.Labels)) {
		fmt.Fprintf(h, "%q=%q\n", k, a.Labels[k])
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// key is the same each time the sender repeats the alert, also from the other member of an Alertmanager pair. The end
// of an alert is a signal of its own: it must not be taken for a repetition of its start.
func key(groupKey, id string, startsAt time.Time, resolved bool) string {
	sum := sha256.Sum256([]byte(groupKey))
	parts := []string{AlertmanagerSource, hex.EncodeToString(sum[:8]), id, startsAt.Format(time.RFC3339Nano)}
	if resolved {
		parts = append(parts, "resolved")
	}
	return strings.Join(parts, "/")
}
