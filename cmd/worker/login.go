package main

import (
	"context"
	"errors"
	"log/slog"

	"firebreak/activities/vault"
)

// keepLogin logs in to Vault and keeps the login until forget is called. A login that Vault refuses ends the worker; a Vault
// that is sealed or away does not: evidence, endpoints and legal need none, and what needs one is tried again.
func keepLogin(ctx context.Context, login *vault.Login, log *slog.Logger) (forget func(), err error) {
	err = login.Open(ctx)
	var refused *vault.Refused
	if errors.As(err, &refused) {
		return nil, err
	}
	if err != nil {
		log.Warn("cannot log in to Vault yet; what needs it waits", "error", err)
	}
	// Activities may still run for a while after ctx has ended.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		login.Keep(ctx, log)
	}()
	return func() {
		cancel()
		<-done
	}, nil
}
