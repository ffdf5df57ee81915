package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"firebreak/internal/inventory"
)

// Vault deletes the IAM user behind a lease, but nothing ends a session token of STS before its time: revoking such a
// lease only makes Vault forget it. The role is removed all the same, so that no more are issued, and the proof holds once
// all of them have ended.

// expiry is when the last of the credentials ends that cannot be taken back.
type expiry struct {
	Latest time.Time `json:"latest"`
	// Unseen counts leases whose end was not looked up.
	Unseen int `json:"unseen,omitempty"`
}

func (r *Revoke) awsRole(t *inventory.Credential) (*lease, error) {
	l, err := r.dynamic(t, "creds", "sts")
	if err != nil {
		return nil, err
	}
	l.expires = true
	return l, nil
}

// expiring reports whether a role of the AWS engine issues session tokens.
func expiring(definition string) bool {
	var role struct {
		Type  string   `json:"credential_type"`
		Types []string `json:"credential_types"`
	}
	if json.Unmarshal([]byte(definition), &role) != nil {
		return false
	}
	if role.Type != "" {
		role.Types = append(role.Types, role.Type)
	}
	return slices.ContainsFunc(role.Types, func(kind string) bool { return kind != "iam_user" })
}

// latest looks up when the leases end.
func (l *lease) latest(ctx context.Context, ids []string) (*expiry, error) {
	out := &expiry{Unseen: max(0, len(ids)-mostLeases)}
	for _, id := range ids[:min(len(ids), mostLeases)] {
		_, ends, err := l.server.lease(ctx, l.prefix+id)
		if err != nil {
			return nil, err
		}
		if ends.After(out.Latest) {
			out.Latest = ends.UTC()
		}
	}
	return out, nil
}

func (l *lease) verifyExpiry(e *expiry, found *findings) {
	if e == nil {
		return
	}
	const how = "session tokens cannot be revoked: attach a policy by hand that denies tokens issued before now (aws:TokenIssueTime)"
	switch {
	case e.Unseen > 0:
		found.leaves("expiry", fmt.Sprintf("when %d of the session tokens end was not looked up; %s", e.Unseen, how))
	case time.Now().Before(e.Latest):
		found.fails("expiry", fmt.Sprintf("session tokens issued before work until %s; %s", e.Latest.Format(time.RFC3339), how))
	default:
		found.holds("expiry", "the session tokens issued before have ended")
	}
}
