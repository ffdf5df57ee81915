package vault

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// The pace at which a login is looked after. Vault's own watcher finds out that a token was revoked only when it next
// renews it; an incident cannot wait so long.
const (
	mostBetween  = 30 * time.Second
	leastBetween = 100 * time.Millisecond
	retryAfter   = time.Second
	mostRetry    = 30 * time.Second
	// endless stands for the lifetime of a token that has no end.
	endless = 10 * 365 * 24 * time.Hour
)

// Keep renews the login until ctx ends, and logs in again when it cannot be renewed or is refused. It returns at once for a
// token from the environment.
func (l *Login) Keep(ctx context.Context, log *slog.Logger) {
	if l.by == nil {
		return
	}
	pause := retryAfter
	for ctx.Err() == nil {
		if l.auth == nil {
			if err := l.Open(ctx); err != nil {
				if ctx.Err() == nil {
					log.Warn("cannot log in to Vault; trying again", "error", err, "after", pause.String())
				}
				sleep(ctx, pause)
				pause = min(2*pause, mostRetry)
				continue
			}
			log.Info("logged in to Vault", "mount", l.mount)
		}
		pause = retryAfter
		l.hold(ctx, log)
		l.auth = nil
	}
}

// hold returns once the login has to be made anew.
func (l *Login) hold(ctx context.Context, log *slog.Logger) {
	whole := time.Duration(l.auth.LeaseDuration) * time.Second
	if whole == 0 {
		whole = endless
	}
	ends := time.Now().Add(whole)
	for {
		sleep(ctx, max(min(mostBetween, whole/6), leastBetween))
		if ctx.Err() != nil {
			return
		}
		if left := time.Until(ends); left > whole/3 {
			if refusedToken(l.look(ctx)) {
				log.Warn("Vault refuses the worker's token; logging in again")
				return
			}
			continue
		}
		lives, err := l.renew(ctx)
		switch {
		case lives > whole/3:
			ends = time.Now().Add(lives)
		case err == nil, refusedToken(err), time.Now().After(ends):
			return // it cannot be renewed for long any more
		default:
			log.Warn("cannot renew the login to Vault; trying again", "error", err)
		}
	}
}

func refusedToken(err error) bool {
	return answered(err, http.StatusForbidden, http.StatusBadRequest)
}

func (l *Login) look(ctx context.Context) error {
	if _, err := l.client.Auth().Token().LookupSelfWithContext(ctx); err != nil {
		return server{client: l.client}.explain(ctx, call{verb: "read", path: "auth/token/lookup-self", capability: "read", secret: true}, err)
	}
	return nil
}

// renew returns how long the token lives now; zero if it is of a kind that cannot be renewed.
func (l *Login) renew(ctx context.Context) (time.Duration, error) {
	if !l.auth.Renewable {
		return 0, nil
	}
	secret, err := l.client.Auth().Token().RenewSelfWithContext(ctx, 0)
	if err != nil {
		return 0, server{client: l.client}.explain(ctx, call{verb: "renew", path: "auth/token/renew-self", capability: "update", secret: true}, err)
	}
	if secret == nil || secret.Auth == nil {
		return 0, nil
	}
	return time.Duration(secret.Auth.LeaseDuration) * time.Second, nil
}

// sleep ends early with ctx.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
