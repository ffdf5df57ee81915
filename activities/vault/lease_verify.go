package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

func (l *lease) verify(ctx context.Context, p past) (*findings, error) {
	state, err := decode[leaseState](p.state)
	if err != nil {
		return nil, err
	}
	found := newFindings()
	if err := l.verifyIssuing(ctx, found); err != nil {
		return nil, err
	}
	if err := l.verifyLeases(ctx, state, found); err != nil {
		return nil, err
	}
	l.verifyExpiry(state.Expiry, found)
	err = l.verifyUse(ctx, state, found)
	if err == nil {
		err = l.verifySessions(ctx, state, p.effect, found)
	}
	if err != nil {
		if !found.failed {
			return nil, err
		}
		found.fails("use", "the canary could not be used: "+err.Error())
	}
	return found, nil
}

// verifyIssuing asks for a credential only if the role is gone, since the answer could be one.
func (l *lease) verifyIssuing(ctx context.Context, found *findings) error {
	role, err := l.server.readExact(ctx, l.rolePath)
	if err != nil {
		return err
	}
	if role != "" {
		found.fails("role", "role "+l.rolePath+" still exists and can issue")
		return nil
	}
	found.holds("role", "role "+l.rolePath+" is gone")
	secret, err := l.server.read(ctx, l.issuePath)
	switch {
	case answered(err, http.StatusBadRequest):
		found.holds("issue", l.issuePath+" is refused")
	case err != nil:
		return err
	case secret == nil || secret.LeaseID == "":
		found.holds("issue", l.issuePath+" issues nothing")
	default:
		found.fails("issue", l.withdraw(ctx, secret, errors.New(l.issuePath+" still issues credentials")).Error())
	}
	return nil
}

func (l *lease) verifyLeases(ctx context.Context, state leaseState, found *findings) error {
	ids, err := l.leases(ctx)
	if err != nil {
		return err
	}
	if len(ids) > 0 {
		found.fails("leases", fmt.Sprintf("%d leases are left under %s", len(ids), l.prefix))
	} else {
		found.holds("leases", "no lease is left under "+l.prefix)
	}
	if id := state.Canary.Lease; id != "" {
		known, _, err := l.server.lease(ctx, id)
		if err != nil {
			return err
		}
		if known {
			found.fails("canary_lease", "the canary's lease "+id+" still exists")
		} else {
			found.holds("canary_lease", "the canary's lease is unknown")
		}
	}
	l.verifyIrrevocable(ctx, found)
	return nil
}

// verifyIrrevocable looks for leases that Vault has given up: their credentials work on, and it will not try again by
// itself. Where the list may not be read, the count of the whole namespace informs; the leases are in the list above, too.
func (l *lease) verifyIrrevocable(ctx context.Context, found *findings) {
	given, err := l.server.irrevocableUnder(ctx, l.prefix)
	if err == nil {
		if len(given) > 0 {
			found.fails("irrevocable", fmt.Sprintf("Vault has given up revoking %d leases under %s, whose credentials work on: %s; mend the engine's connection, then revoke again",
				len(given), l.prefix, strings.Join(given[:min(len(given), 3)], ", ")))
		}
		return
	}
	if count, err := l.server.irrevocable(ctx); err == nil && count != "" {
		found.facts["irrevocable_leases_in_namespace"] = count
	}
}

// verifyUse is the proof by use: a lease that Vault no longer lists may still open the door it was made for.
func (l *lease) verifyUse(ctx context.Context, state leaseState, found *findings) error {
	c := state.Canary
	switch {
	case c.Sealed == "" && state.Role == "" && state.Leases == 0:
		found.holds("use", "nothing had been issued that could be used")
		return nil
	case c.Sealed == "":
		found.fails("use", "whether credentials issued before still work was not observed: "+c.Gap)
		return nil
	case l.probe == nil:
		found.fails("use", "the canary was not used: no probe that could use it is configured")
		return nil
	}
	var data map[string]any
	if err := l.transit.open(ctx, c.Sealed, &data); err != nil {
		return err
	}
	refused, how, err := l.probe.Refused(ctx, data)
	switch {
	case err != nil:
		return fmt.Errorf("use canary: %w", err)
	case !refused:
		found.fails("use", "the canary issued before the revocation still works: "+how)
	case !c.Worked:
		found.fails("use", "the canary is refused, which proves nothing, since it was never seen to work: "+c.Gap)
	default:
		found.holds("use", "the canary worked before and is refused now: "+how)
	}
	return nil
}
