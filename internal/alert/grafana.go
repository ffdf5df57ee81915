package alert

import (
	"fmt"
	"time"
)

// grafanaVersion is the version of the webhook of Grafana's unified alerting.
const grafanaVersion = "1"

type grafanaWebhook struct {
	webhook
	OrgID  any            `json:"orgId"`
	Title  string         `json:"title"`
	Alerts []grafanaAlert `json:"alerts"`
}

type grafanaAlert struct {
	webhookAlert
	ValueString  string `json:"valueString"`
	DashboardURL string `json:"dashboardURL"`
	PanelURL     string `json:"panelURL"`
}

// DecodeGrafana reads the body of the webhook of Grafana's unified alerting, version 1.
func DecodeGrafana(raw []byte, received time.Time) (Post, error) {
	p := newPost(raw)
	var w grafanaWebhook
	if err := decode(raw, &w); err != nil {
		return p, err
	}
	if w.Version != grafanaVersion {
		return p, fmt.Errorf("%w: %.20q, want %q", ErrVersion, w.Version, grafanaVersion)
	}
	if len(w.Alerts) == 0 {
		return p, malformed("the group has no alerts")
	}
	p.Receiver, p.Truncated = cutBytes(clean(w.Receiver), MaxValueBytes), w.TruncatedAlerts
	for i := range w.Alerts {
		a := &w.Alerts[i]
		s := p.newSignal(Grafana, received)
		a.fill(&s)
		s.Fields.Set("org_id", scalar(w.OrgID))
		s.Fields.Set("values", a.ValueString)
		s.Fields.Set("dashboard_url", a.DashboardURL)
		s.Fields.Set("panel_url", a.PanelURL)
		s.identify(a.Fingerprint, scalar(w.OrgID), a.Fingerprint, s.start(a.StartsAt))
		p.Signals = append(p.Signals, s)
	}
	return p, nil
}
