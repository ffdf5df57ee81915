package alert

import (
	"time"
)

// DecodeEventBridge reads an EventBridge event, as an API destination posts it.
func DecodeEventBridge(raw []byte, received time.Time) (Post, error) {
	p := newPost(raw)
	var e event
	if err := decode(raw, &e); err != nil {
		return p, err
	}
	if !e.valid() {
		return p, malformed("it is no EventBridge event: id, source and detail-type are needed")
	}
	p.Signals = []Signal{p.event(&e, received)}
	return p, nil
}

// DecodeSQS reads the body of an SQS message: an SNS envelope, or what EventBridge or a sender of one's own put there
// itself. Whoever may send to the queue is trusted as the queue's policy says; no signature is looked at. No body is
// refused: what cannot be read is a signal that a person must look at, because a refused message would come again until it
// is lost.
func DecodeSQS(messageID string, raw []byte, received time.Time) Post {
	p := newPost(raw)
	var s Signal
	var envelope Envelope
	if decode(raw, &envelope) == nil && envelope.Type == SNSNotification && envelope.MessageID != "" {
		s = p.message(&envelope, received)
	} else {
		s = p.newSignal(SQS, received)
		s.Title = "message " + cutBytes(clean(messageID), maxIDBytes)
		s.StartsAt = received
		p.inner(&s, raw)
		if s.Source == SQS {
			s.identify(messageID, messageID)
		}
	}
	s.Fields["via"] = "sqs"
	p.Signals = []Signal{s}
	return p
}

// inner replaces the signal by what AWS says in the text that SNS or SQS bore, if it is known: an EventBridge event or a
// CloudWatch alarm. Otherwise the fields of the text are taken over, if it has any.
func (p *Post) inner(s *Signal, text []byte) {
	var e event
	if decode(text, &e) == nil && e.valid() {
		*s = p.event(&e, s.ReceivedAt)
		return
	}
	var a snsAlarm
	if decode(text, &a) == nil && a.AlarmName != "" && a.NewStateValue != "" {
		*s = p.alarm(a.alarm(), s.ReceivedAt)
		return
	}
	var v any
	if decode(text, &v) != nil {
		s.Unroutable = "the message is in no format that firebreak knows"
		s.Summary = cut(clean(string(text)), MaxSummaryRunes)
		return
	}
	s.Fields.lift(v)
	s.Fields.setTree("message", v, 4)
	s.Severity = s.Fields[SeverityField]
	s.Resolved = s.Fields[StatusField] == "resolved"
}
