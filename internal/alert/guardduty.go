package alert

import (
	"encoding/json"
	"time"
)

// finding turns a GuardDuty finding into a signal. A finding that goes on is sent again under the same id every 15 minutes
// to 6 hours: all of these are one alert.
func (p *Post) finding(e *event, received time.Time) (Signal, bool) {
	id, kind := scalar(e.Detail["id"]), scalar(e.Detail["type"])
	if id == "" || kind == "" {
		return Signal{}, false
	}
	s := p.newSignal(GuardDuty, received)
	s.Title, s.Summary = cut(clean(scalar(e.Detail["title"])), MaxSummaryRunes), cut(clean(scalar(e.Detail["description"])), MaxSummaryRunes)
	service, _ := e.Detail["service"].(map[string]any)
	first := scalar(service["eventFirstSeen"])
	if first == "" {
		first = scalar(e.Detail["createdAt"])
	}
	s.start(first)
	s.Severity = findingSeverity(e.Detail["severity"])
	f := s.Fields
	f.Set("finding", id)
	f.Set("type", kind)
	f.Set("severity", s.Severity)
	f.Set("severity_score", scalar(e.Detail["severity"]))
	e.fields(f)
	f.Set("finding_account", scalar(e.Detail["accountId"]))
	f.Set("arn", scalar(e.Detail["arn"]))
	f.Set("count", scalar(service["count"]))
	f.Set("detector", scalar(service["detectorId"]))
	f.Set("last_seen", scalar(service["eventLastSeen"]))
	resource, _ := e.Detail["resource"].(map[string]any)
	f.Set("resource_type", scalar(resource["resourceType"]))
	f.setTree("resource", resource, 4)
	f.setTree("action", service["action"], 4)
	s.identify(id, scalar(e.Detail["accountId"]), scalar(e.Detail["region"]), id)
	return s, true
}

// findingSeverity names the level of GuardDuty's number: low from 1, medium from 4, high from 7, critical from 9.
func findingSeverity(v any) string {
	number, _ := v.(json.Number)
	n, err := number.Float64()
	switch {
	case err != nil || n < 1:
		return ""
	case n < 4:
		return "low"
	case n < 7:
		return "medium"
	case n < 9:
		return "high"
	}
	return "critical"
}
