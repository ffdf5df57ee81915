package sns

import (
	"context"
	"fmt"

	"firebreak/internal/alert"
)

// Confirm confirms the subscription that a verified message offers: it visits the SubscribeURL, which must lead to SNS in
// the region of the pinned topic and ask for nothing but this confirmation.
func (v *Verifier) Confirm(ctx context.Context, e *alert.Envelope) error {
	t, pinned := v.topics[e.TopicArn]
	if !pinned || e.Type != alert.SNSSubscribe {
		return fmt.Errorf("%w: it offers no subscription to a topic of --sns-topic", ErrUntrusted)
	}
	u, err := t.ours(e.SubscribeURL)
	if err != nil {
		return err
	}
	q := u.Query()
	if u.Path != "/" && u.Path != "" || q.Get("Action") != "ConfirmSubscription" || q.Get("TopicArn") != e.TopicArn || q.Get("Token") != e.Token || e.Token == "" {
		return fmt.Errorf("%w: the SubscribeURL asks for something else than this confirmation", ErrUntrusted)
	}
	_, err = v.get(ctx, u.String())
	return err
}
