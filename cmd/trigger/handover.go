package main

import (
	"encoding/json"
	"fmt"

	"firebreak/internal/alert"
	"firebreak/internal/incident"
	"firebreak/workflows"
)

// handover is one alert on its way to Temporal. Its JSON form is what the spool keeps; fields are only ever added.
type handover struct {
	Alert incident.Alert `json:"alert,omitzero"`
	// Posted is what was posted, if it travels with this alert. It is compressed when it is sent: in a storm nearly all
	// repeat what was sent already.
	Posted []byte `json:"posted,omitempty"`
	// Request is what the alert starts if no incident is open for it. The end of an alert has none: it starts nothing.
	Request *incident.Request `json:"request,omitempty"`
	// Triage, if set, is all there is: the alert is for a person, not for an incident.
	Triage *workflows.TriageRequest `json:"triage,omitempty"`
}

// key names what must be delivered in order: the incident without its discriminator, or the triage.
func (h *handover) key() string {
	if h.Triage != nil {
		return workflows.TriageID(h.Triage.Alert)
	}
	return incident.WorkflowID(h.Alert.Kind, h.Alert.Asset, "")
}

// alert is the one that is handed over, whatever becomes of it.
func (h *handover) alert() *incident.Alert {
	if h.Triage != nil {
		return &h.Triage.Alert
	}
	return &h.Alert
}

// raw is what was posted, compressed. A spool of an earlier version has it in the alert.
func (h *handover) raw() []byte {
	if a := h.alert(); len(a.Raw) > 0 || len(h.Posted) == 0 {
		return a.Raw
	}
	return alert.Compress(h.Posted)
}

// cost estimates the memory that a handover holds while it waits.
func (h *handover) cost() int64 {
	const fixed = 512
	a := h.alert()
	n := fixed + len(a.Key) + len(a.Asset) + len(a.Summary) + len(a.Raw) + len(h.Posted)
	for k, v := range a.Fields {
		n += len(k) + len(v)
	}
	return int64(n)
}

// receipt says what came of a handover. With an outcome it is durable.
type receipt struct {
	incidentID string
	outcome    string
	err        error
}

func decodeHandover(raw []byte) (h handover, err error) {
	if err := json.Unmarshal(raw, &h); err != nil {
		return h, fmt.Errorf("decode spooled alert: %w", err)
	}
	if a := h.alert(); a.Key == "" || h.Triage == nil && (a.Kind == "" || a.Asset == "") {
		return h, fmt.Errorf("decode spooled alert: it has no key, kind or asset")
	}
	return h, nil
}
