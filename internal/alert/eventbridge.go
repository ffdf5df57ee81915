package alert

import (
	"strings"
	"time"
)

// event is an EventBridge event, version 0.
type event struct {
	Version    string         `json:"version"`
	ID         string         `json:"id"`
	DetailType string         `json:"detail-type"`
	Source     string         `json:"source"`
	Account    string         `json:"account"`
	Time       string         `json:"time"`
	Region     string         `json:"region"`
	Resources  []string       `json:"resources"`
	Detail     map[string]any `json:"detail"`
}

func (e *event) valid() bool { return e.ID != "" && e.Source != "" && e.DetailType != "" }

// event turns an EventBridge event into a signal of the service that raised it.
func (p *Post) event(e *event, received time.Time) Signal {
	switch {
	case e.Source == "aws.guardduty" && e.DetailType == "GuardDuty Finding":
		if s, ok := p.finding(e, received); ok {
			return s
		}
	case e.Source == "aws.cloudwatch" && e.DetailType == "CloudWatch Alarm State Change":
		if a, ok := e.alarm(); ok {
			return p.alarm(a, received)
		}
	case e.Source == "aws.sagemaker":
		return p.sageMaker(e, received)
	}
	s := p.newSignal(EventBridge, received)
	p.plainEvent(&s, e)
	s.Resolved = strings.EqualFold(s.Fields[StatusField], "resolved")
	s.identify(e.ID, e.Account, e.Region, e.ID)
	return s
}

// plainEvent takes over what every event says.
func (p *Post) plainEvent(s *Signal, e *event) {
	s.Title = cut(clean(e.DetailType), MaxSummaryRunes)
	s.start(e.Time)
	e.fields(s.Fields)
	s.Fields.lift(e.Detail)
	s.Fields.setTree("detail", e.Detail, 4)
	s.Severity = s.Fields[SeverityField]
	s.Summary = cut(clean(scalar(e.Detail["summary"])), MaxSummaryRunes)
}

// fields are the envelope's.
func (e *event) fields(f Fields) {
	f.Set("event_source", e.Source)
	f.Set("detail_type", e.DetailType)
	f.Set("account", e.Account)
	f.Set("region", e.Region)
	if len(e.Resources) > 0 {
		f.Set("resource", e.Resources[0])
	}
}
