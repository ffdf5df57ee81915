package vault

import (
	"context"
	"time"
)

// canary is a credential that Capture issued only so that Verify can use it.
type canary struct {
	// Sealed is transit ciphertext of what a holder would get.
	Sealed string `json:"sealed,omitempty"`
	// Lease or Accessor names the canary in Vault.
	Lease    string `json:"lease,omitempty"`
	Accessor string `json:"accessor,omitempty"`
	// SecretIDs are the accessors of the secret ids that were made for the canary.
	SecretIDs []string `json:"secret_ids,omitempty"`
	// Worked is true if the canary was used before the revocation and accepted. Only then does its refusal prove
	// something.
	Worked bool `json:"worked"`
	// Gap says why there is no canary, or why it was not seen to work.
	Gap string `json:"gap,omitempty"`
}

// describe is the part of a capture's summary about the canary.
func (c canary) describe() string {
	switch {
	case c.Worked:
		return "one canary issued and seen to work"
	case c.Sealed != "":
		return "one canary issued, not seen to work: " + c.Gap
	default:
		return "no canary: " + c.Gap
	}
}

// untilAccepted uses a fresh canary until it is accepted or patience ends. It returns "" once it was accepted, and
// otherwise why not.
func untilAccepted(ctx context.Context, patience time.Duration, use func(context.Context) (bool, string, error)) (string, error) {
	const between = 500 * time.Millisecond
	deadline := time.Now().Add(patience)
	for {
		refused, how, err := use(ctx)
		if ended := ctx.Err(); ended != nil {
			return "", ended
		}
		if err == nil && !refused {
			return "", nil
		}
		if time.Now().Add(between).After(deadline) {
			if err != nil {
				return err.Error(), nil
			}
			return "it was refused before the revocation: " + how, nil
		}
		timer := time.NewTimer(between)
		select {
		case <-ctx.Done():
			timer.Stop()
			return "", ctx.Err()
		case <-timer.C:
		}
	}
}
