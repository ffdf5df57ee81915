package alert

import (
	"time"
)

// The types of messages that SNS posts.
const (
	SNSNotification = "Notification"
	SNSSubscribe    = "SubscriptionConfirmation"
	SNSUnsubscribe  = "UnsubscribeConfirmation"
)

// Envelope is what SNS puts around a message. What it says is not to be believed before its signature is verified.
type Envelope struct {
	Type             string
	MessageID        string `json:"MessageId"`
	TopicArn         string
	Subject          *string
	Message          string
	Timestamp        string
	Token            string
	SubscribeURL     string
	SignatureVersion string
	Signature        string
	SigningCertURL   string
}

// DecodeEnvelope reads what SNS posts.
func DecodeEnvelope(raw []byte) (Envelope, error) {
	var e Envelope
	if err := decode(raw, &e); err != nil {
		return e, err
	}
	switch {
	case e.Type != SNSNotification && e.Type != SNSSubscribe && e.Type != SNSUnsubscribe:
		return e, malformed("the Type is %.40q, want %s, %s or %s", e.Type, SNSNotification, SNSSubscribe, SNSUnsubscribe)
	case e.MessageID == "" || e.TopicArn == "" || e.Timestamp == "":
		return e, malformed("MessageId, TopicArn and Timestamp are needed")
	}
	return e, nil
}

// DecodeSNS turns a verified envelope into a post. The end of a subscription is a signal too: from then on alerts of its
// topic do not arrive.
func DecodeSNS(e *Envelope, raw []byte, received time.Time) Post {
	p := newPost(raw)
	switch e.Type {
	case SNSSubscribe:
		p.Note = "the subscription of " + cutBytes(clean(e.TopicArn), MaxValueBytes) + " is confirmed"
		return p
	case SNSUnsubscribe:
		s := p.newSignal(SNS, received)
		p.envelope(&s, e)
		s.Title = "alerts of an SNS topic no longer arrive"
		s.Summary = cut("Somebody ended the subscription of "+s.Fields["topic"]+": its alerts no longer arrive", MaxSummaryRunes)
		s.Unroutable = "the subscription of the topic was ended; subscribe again, or take the topic out of --sns-topic"
		s.identify(e.MessageID, e.TopicArn, e.MessageID)
		p.Signals = []Signal{s}
		return p
	}
	p.Signals = []Signal{p.message(e, received)}
	return p
}

// message is the signal in a notification: AWS's own, or the text as it is.
func (p *Post) message(e *Envelope, received time.Time) Signal {
	s := p.newSignal(SNS, received)
	p.envelope(&s, e)
	p.inner(&s, []byte(e.Message))
	if s.Source == SNS {
		s.identify(e.MessageID, e.TopicArn, e.MessageID)
	}
	s.Fields["via"], s.Fields["topic"] = "sns", cutBytes(clean(e.TopicArn), MaxValueBytes)
	return s
}

func (p *Post) envelope(s *Signal, e *Envelope) {
	if e.Subject != nil {
		s.Title = cut(clean(*e.Subject), MaxSummaryRunes)
		s.Fields.Set("subject", *e.Subject)
	}
	if s.Title == "" {
		s.Title = "message of " + cutBytes(clean(e.TopicArn), MaxValueBytes)
	}
	s.Fields.Set("topic", e.TopicArn)
	s.Fields.Set("message_type", e.Type)
	s.start(e.Timestamp)
}
