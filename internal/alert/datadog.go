package alert

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// datadogPost is the payload of a Datadog webhook. Its template is the user's: these are the names that firebreak's
// documentation sets, and those of Datadog's default template. Others are taken over as fields.
type datadogPost struct {
	ID              any    `json:"id"`
	AlertID         any    `json:"alert_id"`
	AlertCycleKey   any    `json:"alert_cycle_key"`
	AlertTransition string `json:"alert_transition"`
	Title           string `json:"title"`
	AlertTitle      string `json:"alert_title"`
	Body            string `json:"body"`
	Priority        string `json:"alert_priority"`
	AlertType       string `json:"alert_type"`
	Tags            string `json:"tags"`
	Date            any    `json:"date"`
}

// DecodeDatadog reads the payload of a Datadog webhook. It must have the id of the event; with alert_id, alert_transition
// and alert_cycle_key the repetitions of one alert are known as such.
func DecodeDatadog(raw []byte, received time.Time) (Post, error) {
	p := newPost(raw)
	var w datadogPost
	if err := decode(raw, &w); err != nil {
		return p, err
	}
	var all map[string]any
	if err := decode(raw, &all); err != nil {
		return p, err
	}
	event, monitor := scalar(w.ID), scalar(w.AlertID)
	if event == "" && monitor == "" {
		return p, malformed("it has neither id nor alert_id: set the webhook's payload as firebreak's documentation says")
	}
	s := p.newSignal(Datadog, received)
	transition := datadogTransition(w.AlertTransition)
	s.Resolved = transition == "recovered"
	if transition == "no-data" {
		s.Unroutable = "the monitor has no data: what it watches may be down, or nobody watches it"
	}
	s.Title = cut(cmp.Or(clean(w.AlertTitle), clean(w.Title)), MaxSummaryRunes)
	s.Severity = cutBytes(clean(w.severity()), MaxValueBytes)
	s.StartsAt = datadogTime(scalar(w.Date), received)
	s.Fields.setAll("", datadogTags(w.Tags))
	for _, name := range byWeight(all, nil) {
		if name != "tags" && name != "body" {
			s.Fields.setTree(name, all[name], 3)
		}
	}
	// Without the cycle each event is one of its own: two alerts must never be taken for one.
	cycle := scalar(w.AlertCycleKey)
	if cycle == "" {
		cycle = "event-" + event
	}
	s.identify(cmp.Or(monitor, event), monitor, cycle, cmp.Or(transition, "event"))
	p.Signals = []Signal{s}
	return p, nil
}

// severity is the monitor's priority, or the event's type if it has none.
func (w *datadogPost) severity() string {
	if w.Priority != "" {
		return w.Priority
	}
	return w.AlertType
}

// datadogTransition is what $ALERT_TRANSITION says, without telling first from repeated notifications.
func datadogTransition(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	text = strings.TrimPrefix(text, "re-")
	switch text {
	case "recovered", "resolved":
		return "recovered"
	case "no data":
		return "no-data"
	case "renotify":
		return "triggered"
	case "warning":
		return "warn"
	}
	return text
}

// datadogTags reads "name:value,name:value". A tag without a value is "true", one that is there twice has its first value.
func datadogTags(text string) map[string]string {
	out := map[string]string{}
	for tag := range strings.SplitSeq(text, ",") {
		name, value, valued := strings.Cut(strings.TrimSpace(tag), ":")
		if !valued {
			value = "true"
		}
		if _, there := out[name]; !there && len(out) < maxSeen {
			out[name] = value
		}
	}
	return out
}

// datadogTime reads $DATE, the milliseconds since 1970. What is no such time is when the alert was received.
func datadogTime(text string, received time.Time) time.Time {
	ms, err := strconv.ParseInt(text, 10, 64)
	if at := time.UnixMilli(ms).UTC(); err == nil && ms > 0 && at.Year() <= 9999 {
		return at
	}
	return received
}
