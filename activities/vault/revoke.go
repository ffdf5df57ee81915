package vault

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"firebreak/activities/failure"
	"firebreak/internal/inventory"
)

// Probe uses the data of a leased credential against the service that it opens.
type Probe interface {
	// Refused reports whether the service refused the credential itself, and says how, e.g. "ListBuckets answered 403
	// InvalidAccessKeyId". A credential that the service knows but that lacks a right is not refused. An error means that
	// it could not be observed. Neither text may hold anything of data.
	Refused(ctx context.Context, data map[string]any) (refused bool, how string, err error)
}

// Revoke is the action vault.revoke: it disables issuing, then revokes what was issued, synchronously. Undo lets the
// credential be issued again; what was revoked stays revoked (invariant V11).
type Revoke struct {
	action
	server   server
	transit  transit
	probe    Probe
	database Database
	// patience is how long Capture waits until a new canary works: upstreams such as IAM are eventually consistent.
	patience time.Duration
}

// NewRevoke returns the action for a Vault. Canaries are encrypted with transitKey of the transit engine mounted at
// transit/. The probe uses leased keys of a cloud, the database leased logins; without them, what was issued before a
// revocation is never proved to be refused.
func NewRevoke(client *api.Client, transitKey string, probe Probe, database Database) *Revoke {
	s := server{client: client}
	r := &Revoke{server: s, transit: transit{server: s, key: transitKey}, probe: probe, database: database, patience: 15 * time.Second}
	r.action = action{of: r.credential, do: "revoke credential", verify: "verify revocation of credential", undo: "restore issuing of credential"}
	return r
}

// reissue says how owners get new credentials.
func reissue(t *inventory.Credential) string {
	owner := t.Reissue.Owner
	if owner == "" {
		owner = "its owner"
	}
	return fmt.Sprintf("%s issues it anew: %s", owner, t.Reissue.How)
}

// pathLike is what a mount, role, prefix or accessor of the inventory may consist of.
var pathLike = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.\-/]*$`)

// checkPath refuses a path that is empty, is the inventory's "none", or could lead elsewhere than it says.
func checkPath(t *inventory.Credential, key, value string) error {
	if value == "none" || strings.Contains(value, "..") || !pathLike.MatchString(value) {
		return failure.New(failure.Invalid, "credential %s: vault.%s %q is not a path in Vault", t.ID, key, value)
	}
	return nil
}
