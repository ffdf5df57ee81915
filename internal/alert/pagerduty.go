package alert

import (
	"fmt"
	"time"
)

// pagerdutyPost is the body of PagerDuty's webhooks, version 3. Each bears one event.
type pagerdutyPost struct {
	Event *struct {
		ID           string            `json:"id"`
		EventType    string            `json:"event_type"`
		ResourceType string            `json:"resource_type"`
		OccurredAt   string            `json:"occurred_at"`
		Data         pagerdutyIncident `json:"data"`
	} `json:"event"`
}

type pagerdutyIncident struct {
	ID               string                 `json:"id"`
	Type             string                 `json:"type"`
	HTMLURL          string                 `json:"html_url"`
	Number           any                    `json:"number"`
	Status           string                 `json:"status"`
	IncidentKey      string                 `json:"incident_key"`
	CreatedAt        string                 `json:"created_at"`
	Title            string                 `json:"title"`
	Urgency          string                 `json:"urgency"`
	Service          pagerdutyRef           `json:"service"`
	EscalationPolicy pagerdutyRef           `json:"escalation_policy"`
	Priority         pagerdutyRef           `json:"priority"`
	IncidentType     *struct{ Name string } `json:"incident_type"`
	Body             *struct {
		Details any `json:"details"`
	} `json:"body"`
}

type pagerdutyRef struct {
	ID      string `json:"id"`
	Summary string `json:"summary"`
}

// DecodePagerDuty reads the body of PagerDuty's webhooks, version 3. Of the events about an incident those count that say
// that it began, began again, weighs more or less, or ended; of the others the post's Note says that they say nothing new.
func DecodePagerDuty(raw []byte, received time.Time) (Post, error) {
	p := newPost(raw)
	var w pagerdutyPost
	if err := decode(raw, &w); err != nil {
		return p, err
	}
	if w.Event == nil || w.Event.ID == "" || w.Event.EventType == "" {
		return p, fmt.Errorf("%w: it has no event with id and event_type, as the webhooks of version 3 have", ErrVersion)
	}
	switch w.Event.EventType {
	case "incident.triggered", "incident.reopened", "incident.priority_updated", "incident.resolved":
	default:
		p.Note = cutBytes(clean("the event "+w.Event.EventType+" says nothing that an incident needs"), MaxValueBytes)
		return p, nil
	}
	d := &w.Event.Data
	if d.ID == "" {
		return p, malformed("the event has no incident with an id")
	}
	s := p.newSignal(PagerDuty, received)
	s.Resolved = w.Event.EventType == "incident.resolved"
	s.Title = cut(clean(d.Title), MaxSummaryRunes)
	s.Severity = cutBytes(clean(d.severity()), MaxValueBytes)
	d.fields(s.Fields)
	s.Fields.Set("event_type", w.Event.EventType)
	s.start(w.Event.OccurredAt)
	s.identify(d.ID, d.ID, w.Event.ID)
	p.Signals = []Signal{s}
	return p, nil
}

// severity is the incident's priority, or its urgency if it has none.
func (d *pagerdutyIncident) severity() string {
	if d.Priority.Summary != "" {
		return d.Priority.Summary
	}
	return d.Urgency
}

func (d *pagerdutyIncident) fields(f Fields) {
	if d.Body != nil {
		f.lift(d.Body.Details)
	}
	f.Set("incident", d.ID)
	f.Set("incident_key", d.IncidentKey)
	f.Set("number", scalar(d.Number))
	f.Set("url", d.HTMLURL)
	f.Set("title", d.Title)
	f.Set("service", d.Service.Summary)
	f.Set("service_id", d.Service.ID)
	f.Set("escalation_policy", d.EscalationPolicy.Summary)
	f.Set("priority", d.Priority.Summary)
	f.Set("urgency", d.Urgency)
	if d.IncidentType != nil {
		f.Set("incident_type", d.IncidentType.Name)
	}
	if d.Body != nil {
		f.setTree("details", d.Body.Details, 3)
	}
}
