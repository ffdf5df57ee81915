package alert

import (
	"time"
)

// alarm is a CloudWatch alarm's change of state, however it was sent.
type alarm struct {
	arn, name, description, account, region string
	state, before, reason, changed          string
	namespace, metric                       string
	dimensions                              map[string]string
}

// snsAlarm is how CloudWatch writes a change of state to SNS.
type snsAlarm struct {
	AlarmName        string
	AlarmDescription string
	AccountID        string `json:"AWSAccountId"`
	AlarmArn         string
	NewStateValue    string
	OldStateValue    string
	NewStateReason   string
	StateChangeTime  string
	Region           string
	Trigger          struct {
		MetricName, Namespace string
		Dimensions            []struct{ Name, Value string }
	}
}

func (a *snsAlarm) alarm() alarm {
	out := alarm{
		arn: a.AlarmArn, name: a.AlarmName, description: a.AlarmDescription, account: a.AccountID, region: a.Region,
		state: a.NewStateValue, before: a.OldStateValue, reason: a.NewStateReason, changed: a.StateChangeTime,
		namespace: a.Trigger.Namespace, metric: a.Trigger.MetricName, dimensions: map[string]string{},
	}
	for _, d := range a.Trigger.Dimensions {
		out.dimensions[d.Name] = d.Value
	}
	return out
}

// alarm reads how CloudWatch writes a change of state to EventBridge.
func (e *event) alarm() (alarm, bool) {
	state, _ := e.Detail["state"].(map[string]any)
	before, _ := e.Detail["previousState"].(map[string]any)
	configuration, _ := e.Detail["configuration"].(map[string]any)
	a := alarm{
		name: scalar(e.Detail["alarmName"]), description: scalar(configuration["description"]), account: e.Account, region: e.Region,
		state: scalar(state["value"]), before: scalar(before["value"]), reason: scalar(state["reason"]), changed: scalar(state["timestamp"]),
		dimensions: map[string]string{},
	}
	if len(e.Resources) > 0 {
		a.arn = e.Resources[0]
	}
	metrics, _ := configuration["metrics"].([]any)
	for _, m := range metrics {
		entry, _ := m.(map[string]any)
		stat, _ := entry["metricStat"].(map[string]any)
		metric, _ := stat["metric"].(map[string]any)
		if a.metric != "" || metric == nil {
			continue
		}
		a.namespace, a.metric = scalar(metric["namespace"]), scalar(metric["name"])
		dimensions, _ := metric["dimensions"].(map[string]any)
		for name, value := range dimensions {
			a.dimensions[name] = scalar(value)
		}
	}
	return a, a.name != "" && a.state != ""
}

// alarm turns a change of state into a signal. Its ARN and the time of the change are its key.
func (p *Post) alarm(a alarm, received time.Time) Signal {
	s := p.newSignal(CloudWatch, received)
	s.Title, s.Summary = cut(clean(a.name), MaxSummaryRunes), cut(clean(a.reason), MaxSummaryRunes)
	switch a.state {
	case "OK":
		s.Resolved = true
	case "INSUFFICIENT_DATA":
		s.Unroutable = "the alarm has no data: what it watches may be down, or nobody watches it"
	}
	f := s.Fields
	f.Set("alarm_name", a.name)
	f.Set("alarm_arn", a.arn)
	f.Set("description", a.description)
	f.Set("account", a.account)
	f.Set("region", a.region)
	f.Set("state", a.state)
	f.Set("previous_state", a.before)
	f.Set("namespace", a.namespace)
	f.Set("metric", a.metric)
	f.setAll("dimension.", a.dimensions)
	arn := a.arn
	if arn == "" {
		arn = a.account + "/" + a.region + "/" + a.name
	}
	s.identify(a.name, arn, s.start(a.changed))
	return s
}
