package alert

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"
)

// alertmanagerVersion is the only version of the webhook that Alertmanager has sent since 0.6.
const alertmanagerVersion = "4"

// webhook is Alertmanager's notify/webhook.Message, on which Grafana's is built.
type webhook struct {
	Version         string         `json:"version"`
	GroupKey        string         `json:"groupKey"`
	TruncatedAlerts int            `json:"truncatedAlerts"`
	Receiver        string         `json:"receiver"`
	Alerts          []webhookAlert `json:"alerts"`
}

type webhookAlert struct {
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    string            `json:"startsAt"`
	Fingerprint string            `json:"fingerprint"`
}

// DecodeAlertmanager reads the body of Alertmanager's webhook, version 4. The error wraps ErrMalformed, ErrTooLarge or
// ErrVersion and means that no alert could be read.
func DecodeAlertmanager(raw []byte, received time.Time) (Post, error) {
	p := newPost(raw)
	var w webhook
	if err := decode(raw, &w); err != nil {
		return p, err
	}
	if w.Version != alertmanagerVersion {
		return p, fmt.Errorf("%w: %.20q, want %q", ErrVersion, w.Version, alertmanagerVersion)
	}
	if len(w.Alerts) == 0 {
		return p, malformed("the group has no alerts")
	}
	p.Receiver, p.Truncated = cutBytes(clean(w.Receiver), MaxValueBytes), w.TruncatedAlerts
	sum := sha256.Sum256([]byte(w.GroupKey))
	group := hex.EncodeToString(sum[:8])
	for i := range w.Alerts {
		a := &w.Alerts[i]
		s := p.newSignal(Alertmanager, received)
		a.fill(&s)
		s.identify(a.Fingerprint, group, a.Fingerprint, s.start(a.StartsAt))
		p.Signals = append(p.Signals, s)
	}
	return p, nil
}

// fill takes over what Alertmanager and Grafana say in the same way, all but the key.
func (a *webhookAlert) fill(s *Signal) {
	a.Fingerprint = fingerprint(a)
	s.Resolved = a.Status == "resolved"
	s.Title = cut(clean(a.Labels["alertname"]), MaxSummaryRunes)
	s.Summary = cut(cmp.Or(clean(a.Annotations["summary"]), clean(a.Annotations["description"])), MaxSummaryRunes)
	s.Severity = cutBytes(clean(a.Labels["severity"]), MaxValueBytes)
	s.Fields.setAll("", a.Labels)
	s.Fields.setAll("annotation.", a.Annotations)
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
