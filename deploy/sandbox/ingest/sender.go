package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"firebreak/internal/incident"
)

// Alert is one alert of Alertmanager. Key is its fingerprint, in lower-case hexadecimal.
type Alert struct {
	Asset, Key string
	Resolved   bool
}

// Kind is that of every incident.
const Kind = incident.DatasetCompromise

// Body is the post of a group of alerts.
func Body(alerts ...Alert) []byte {
	type member struct {
		Status      string            `json:"status"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		StartsAt    string            `json:"startsAt"`
		EndsAt      string            `json:"endsAt"`
		Generator   string            `json:"generatorURL"`
		Fingerprint string            `json:"fingerprint"`
	}
	members := make([]member, 0, len(alerts))
	for _, a := range alerts {
		status := "firing"
		if a.Resolved {
			status = "resolved"
		}
		members = append(members, member{
			Status: status, Fingerprint: a.Key, StartsAt: "2026-09-14T06:00:05.127Z", EndsAt: "0001-01-01T00:00:00Z",
			Labels: map[string]string{
				"alertname": "DatasetDrift", "severity": "critical", "firebreak_kind": string(Kind), "firebreak_asset": a.Asset,
				"job": "manifest-check", "instance": "checker-3.nordwall.example:9090"},
			Annotations: map[string]string{"summary": "rows of " + a.Asset + " differ from their signed manifest", "runbook": "https://wiki.nordwall.example/r/17"},
			Generator:   "http://prometheus.nordwall.example:9090/graph?g0.expr=drift",
		})
	}
	// Strings always encode.
	raw, _ := json.Marshal(map[string]any{
		"version": "4", "groupKey": `{}:{alertname="DatasetDrift"}`, "truncatedAlerts": 0, "status": "firing", "receiver": "firebreak",
		"groupLabels": map[string]string{"alertname": "DatasetDrift"}, "commonLabels": map[string]string{"severity": "critical"},
		"commonAnnotations": map[string]string{}, "externalURL": "http://alertmanager.nordwall.example:9093", "alerts": members,
	})
	return raw
}

// Answer is what the trigger said.
type Answer struct {
	Status int
	Alerts []struct {
		Outcome    string `json:"outcome"`
		IncidentID string `json:"incident_id"`
	} `json:"alerts"`
	Error string `json:"error"`
}

// Acknowledged says that a sender may forget the alerts.
func (a *Answer) Acknowledged() bool { return a.Status/100 == 2 }

// Post posts once.
func Post(ctx context.Context, c *http.Client, url string, body []byte) (Answer, error) {
	var a Answer
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/alerts/alertmanager", bytes.NewReader(body))
	if err != nil {
		return a, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+Token)
	res, err := c.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	a.Status = res.StatusCode
	raw, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	if err != nil {
		return Answer{}, fmt.Errorf("read answer: %w", err)
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return Answer{}, fmt.Errorf("decode answer %q: %w", strings.TrimSpace(string(raw)), err)
	}
	return a, nil
}

// Send posts as Alertmanager does: again and again, with a growing pause, on a lost connection and on any 5xx.
func Send(ctx context.Context, c *http.Client, url string, body []byte) (Answer, error) {
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		a, err := Post(ctx, c, url, body)
		if err == nil && a.Status < 500 {
			return a, nil
		}
		select {
		case <-ctx.Done():
			return a, fmt.Errorf("give up sending (last answer %d): %w", a.Status, ctx.Err())
		case <-time.After(pause):
		}
	}
}

// NewClient is an HTTP client that keeps as many connections as there are senders.
func NewClient(senders int) *http.Client {
	return &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: senders, MaxIdleConns: senders, DisableCompression: true}}
}
