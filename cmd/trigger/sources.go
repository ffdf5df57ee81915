package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"firebreak/internal/alert"
)

// source is one way in: how a post proves its origin, and how it is read.
type source struct {
	// name is the last part of the path, POST /alerts/<name>.
	name string
	// media are the Content-Types that are taken.
	media []string
	// admit looks at the headers before the body is read; nil where the proof is over the body.
	admit func(r *http.Request) error
	// read verifies and decodes the body. Its error is a *refusal, or one of package alert about the body.
	read func(ctx context.Context, r *http.Request, raw []byte, received time.Time) (alert.Post, error)
}

// refusal is an answer to a post that is not taken in.
type refusal struct {
	status int
	reason string
	// cause is for the log alone.
	cause error
}

func (r *refusal) Error() string { return r.reason }
func (r *refusal) Unwrap() error { return r.cause }

var errBearer = &refusal{status: http.StatusUnauthorized, reason: "the bearer token is missing or wrong: send the alert token in the Authorization header"}

const jsonMedia = "application/json"

// decoder is how package alert reads a body.
type decoder func(raw []byte, received time.Time) (alert.Post, error)

// The sources whose posts bear a token, and those whose posts are signed with a secret.
func tokenSources() map[string]decoder {
	return map[string]decoder{
		alert.Alertmanager: alert.DecodeAlertmanager,
		alert.EventBridge:  alert.DecodeEventBridge,
		alert.Datadog:      alert.DecodeDatadog,
		alert.Grafana:      alert.DecodeGrafana,
	}
}

// secretSources lists every source that has a secret of its own.
func secretSources() []string {
	names := slices.Collect(maps.Keys(tokenSources()))
	names = append(names, alert.CloudEvents, alert.PagerDuty, alert.Generic)
	slices.Sort(names)
	return names
}

// newSource makes the source of the name.
func newSource(name string, secrets []string, now func() time.Time) source {
	s := source{name: name, media: []string{jsonMedia}}
	tokens := newBearer(secrets)
	byToken := func(r *http.Request) error {
		if !tokens.admits(r) {
			return errBearer
		}
		return nil
	}
	if decode := tokenSources()[name]; decode != nil {
		s.admit = byToken
		s.read = func(_ context.Context, _ *http.Request, raw []byte, received time.Time) (alert.Post, error) {
			return decode(raw, received)
		}
		return s
	}
	keys := make([][]byte, 0, len(secrets))
	for _, secret := range secrets {
		keys = append(keys, []byte(secret))
	}
	switch name {
	case alert.CloudEvents:
		s.admit = byToken
		s.media = []string{alert.StructuredCloudEvent, jsonMedia}
		s.read = readCloudEvent
	case alert.PagerDuty:
		s.read = signed(alert.DecodePagerDuty, func(r *http.Request, raw []byte) error {
			return alert.VerifySignatures(r.Header.Get("X-PagerDuty-Signature"), raw, keys)
		})
	case alert.Generic:
		s.read = signed(alert.DecodeGeneric, func(r *http.Request, raw []byte) error {
			return alert.VerifyTimed(r.Header.Get("X-Firebreak-Signature"), r.Header.Get("X-Firebreak-Timestamp"), raw, keys, now())
		})
	}
	return s
}

func readCloudEvent(_ context.Context, r *http.Request, raw []byte, received time.Time) (alert.Post, error) {
	return alert.DecodeCloudEvent(r.Header.Get("Content-Type"), r.Header, raw, received)
}

// signed verifies the exact bytes before anything reads them.
func signed(decode decoder, verify func(r *http.Request, raw []byte) error) func(context.Context, *http.Request, []byte, time.Time) (alert.Post, error) {
	return func(_ context.Context, r *http.Request, raw []byte, received time.Time) (alert.Post, error) {
		if err := verify(r, raw); err != nil {
			return alert.Post{}, &refusal{status: http.StatusUnauthorized, reason: err.Error()}
		}
		return decode(raw, received)
	}
}

// sources reads the secrets of every source that has one, from --alert-token-file, --secret and the environment. A source
// without a secret is not served.
func (a *app) sources(tokenFile string, flags []string, now func() time.Time) (map[string]source, error) {
	secrets := map[string][]string{}
	var errs []error
	add := func(name string, found []string, err error) {
		secrets[name], errs = append(secrets[name], found...), append(errs, err)
	}
	if tokenFile != "" {
		found, err := readSecrets("alert token (--alert-token-file)", tokenFile)
		add(alert.Alertmanager, found, err)
	} else if token, set := a.env.LookupEnv(tokenVariable); set {
		found, err := checkSecrets("alert token", tokenVariable, token)
		add(alert.Alertmanager, found, err)
	}
	for _, name := range secretSources() {
		variable := "FIREBREAK_" + strings.ToUpper(name) + "_SECRET_FILE"
		if file := a.env.get(variable); file != "" {
			found, err := readSecrets("secret of "+name+" ("+variable+")", file)
			add(name, found, err)
		}
	}
	for _, flag := range flags {
		name, file, ok := strings.Cut(flag, "=")
		if !ok || file == "" || !slices.Contains(secretSources(), name) {
			errs = append(errs, usage("--secret %q: want SOURCE=FILE, with a source of %s", flag, strings.Join(secretSources(), ", ")))
			continue
		}
		found, err := readSecrets("secret of "+name+" (--secret)", file)
		add(name, found, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	out := map[string]source{}
	for name, found := range secrets {
		if len(found) > maxSecrets {
			return nil, fmt.Errorf("the source %s has %d secrets, at most %d", name, len(found), maxSecrets)
		}
		out[name] = newSource(name, found, now)
	}
	return out, nil
}
