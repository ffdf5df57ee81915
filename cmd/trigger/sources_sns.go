package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"firebreak/internal/alert"
	"firebreak/internal/sns"
)

const topicsVariable = "FIREBREAK_SNS_TOPICS"

// verifier proves where an SNS message comes from.
type verifier interface {
	Verify(ctx context.Context, e *alert.Envelope) error
	Confirm(ctx context.Context, e *alert.Envelope) error
}

// snsTopics are those of --sns-topic, or else of the environment, separated by commas.
func (a *app) snsTopics(flags []string) []string {
	if len(flags) > 0 {
		return flags
	}
	return strings.FieldsFunc(a.env.get(topicsVariable), func(r rune) bool { return r == ',' || r == ' ' })
}

// snsSource is POST /alerts/sns. It needs no secret: SNS signs, and the topics are pinned.
func snsSource(v verifier) source {
	return source{
		name: alert.SNS,
		// SNS itself says text/plain.
		media: []string{"text/plain", jsonMedia},
		read: func(ctx context.Context, _ *http.Request, raw []byte, received time.Time) (alert.Post, error) {
			e, err := alert.DecodeEnvelope(raw)
			if err != nil {
				return alert.Post{}, err
			}
			if err := v.Verify(ctx, &e); err != nil {
				return alert.Post{}, snsRefusal(err)
			}
			if e.Type == alert.SNSSubscribe {
				if err := v.Confirm(ctx, &e); err != nil {
					return alert.Post{}, snsRefusal(fmt.Errorf("confirm the subscription: %w", err))
				}
			}
			return alert.DecodeSNS(&e, raw, received), nil
		},
	}
}

// snsRefusal has SNS try again if that can help. The reason of what was not reached stays inside.
func snsRefusal(err error) error {
	if errors.Is(err, sns.ErrUntrusted) {
		return &refusal{status: http.StatusForbidden, reason: err.Error()}
	}
	return &refusal{status: http.StatusServiceUnavailable, reason: "the message cannot be verified at this moment: send it again", cause: err}
}
