package alert

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"time"

	"firebreak/internal/incident"
)

// Limits of what is taken over from a post.
const (
	// MaxBytes is the largest post that is read.
	MaxBytes        = 1 << 20
	MaxSummaryRunes = 500
	maxIDBytes      = 256
)

// The systems that alerts come from. What reaches firebreak by way of SNS, SQS or EventBridge keeps the name of the system
// that raised it, so that the same finding on two ways is one alert.
const (
	Alertmanager = "alertmanager"
	PagerDuty    = "pagerduty"
	SNS          = "sns"
	SQS          = "sqs"
	EventBridge  = "eventbridge"
	CloudWatch   = "cloudwatch"
	GuardDuty    = "guardduty"
	SageMaker    = "sagemaker"
	Datadog      = "datadog"
	Grafana      = "grafana"
	CloudEvents  = "cloudevents"
	Generic      = "generic"
)

// Sources lists every Source that a Signal can have, in alphabetical order.
func Sources() []string {
	return []string{
		Alertmanager, CloudEvents, CloudWatch, Datadog, EventBridge, Generic, Grafana, GuardDuty, PagerDuty, SageMaker, SNS, SQS,
	}
}

// Signal is one alert of any sender, cleaned and bounded. Its text is data and is never interpreted.
type Signal struct {
	Source string
	// ID is how the sender's own pages name the alert, for answers and logs.
	ID string
	// Key is the same each time the sender repeats the alert, and another for its end.
	Key     string
	Title   string
	Summary string
	// Severity is the sender's own word.
	Severity string
	Fields   Fields
	StartsAt time.Time
	// ReceivedAt is when the post arrived.
	ReceivedAt time.Time
	Resolved   bool
	// RawSHA256 is the hexadecimal digest of the exact bytes that were posted.
	RawSHA256 string
	// Unroutable, if set, says why the signal may start nothing, whatever the routes say: a person must look at it.
	Unroutable string
}

// Post is everything that one request or message said.
type Post struct {
	// RawSHA256 is set even if the post could not be decoded.
	RawSHA256 string
	// Receiver and Truncated are what Alertmanager and Grafana say of the group: Truncated alerts were left out and are lost.
	Receiver  string
	Truncated int
	Signals   []Signal
	// Note says why a valid post has no signals.
	Note string
}

// Alert returns the signal as it goes to an incident. The fields named in keep survive the bound on their number.
func (s *Signal) Alert(keep ...string) incident.Alert {
	return incident.Alert{
		Key: s.Key, Source: s.Source, Summary: cut(cmp.Or(s.Summary, s.Title), MaxSummaryRunes), Resolved: s.Resolved,
		StartsAt: s.StartsAt, ReceivedAt: s.ReceivedAt, RawSHA256: s.RawSHA256, Fields: s.Fields.bounded(keep),
	}
}

// Compress returns the bytes of a post with gzip, as incident.Alert carries them. The same bytes give the same result.
func Compress(raw []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	// A buffer takes every write.
	_, _ = w.Write(raw)
	_ = w.Close()
	return b.Bytes()
}

// newPost begins a post.
func newPost(raw []byte) Post {
	sum := sha256.Sum256(raw)
	return Post{RawSHA256: hex.EncodeToString(sum[:])}
}

// newSignal begins a signal of the post.
func (p *Post) newSignal(source string, received time.Time) Signal {
	return Signal{Source: source, ReceivedAt: received, RawSHA256: p.RawSHA256, Fields: Fields{}}
}

// identify sets the key from the sender's own ids. The end of an alert is a signal of its own: it must not be taken for a
// repetition of its start.
func (s *Signal) identify(id string, parts ...string) {
	s.ID = cutBytes(clean(id), maxIDBytes)
	key := make([]string, 0, len(parts)+2)
	key = append(key, s.Source)
	for _, p := range parts {
		key = append(key, part(p))
	}
	if s.Resolved {
		key = append(key, "resolved")
	}
	s.Key = strings.Join(key, "/")
}

var plainPart = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:@+=-]{0,127}$`)

// part writes an id of the sender so that it cannot be taken for two parts, nor for the mark of an end, and stays short.
func part(id string) string {
	if plainPart.MatchString(id) && id != "resolved" {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "~" + hex.EncodeToString(sum[:12])
}

// startLayouts are RFC 3339 and what AWS writes in alarms.
var startLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700"}

// start takes the time over in UTC and returns it as a part of a key. A time that cannot be read is no reason to lose an
// alert: the alert then begins when it was received, and the text stands for the time in the key. A year that JSON cannot
// write, which an offset can lead to, would make the alert unsendable.
func (s *Signal) start(text string) string {
	for _, layout := range startLayouts {
		at, err := time.Parse(layout, text)
		at = at.UTC()
		if err == nil && at.Year() >= 1 && at.Year() <= 9999 {
			s.StartsAt = at
			return at.Format(time.RFC3339Nano)
		}
	}
	s.StartsAt = s.ReceivedAt
	s.Fields.Set("unreadable_start", text)
	return "unreadable:" + text
}

// malformed is a fault of the whole post.
func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrMalformed, fmt.Errorf(format, args...))
}
