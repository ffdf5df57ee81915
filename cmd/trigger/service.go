package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"firebreak/internal/alert"
	web "firebreak/internal/page"
	"firebreak/internal/sns"
)

// service is what 'trigger serve' is made of. Close ends what it holds, in the reverse order.
type service struct {
	intake  *intake
	desk    *desk
	cockpit *cockpit
	site    *web.Site
	closers []func()
}

func (s *service) close() {
	for _, c := range slices.Backward(s.closers) {
		c()
	}
}

// service makes the service from its configuration and reports everything that is wrong with it at once. It reaches nobody
// yet.
func (a *app) service(ctx context.Context, f serveFlags) (_ *service, err error) {
	mode, err := parseMode(f.mode)
	if err != nil {
		return nil, err
	}
	s := &service{}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	logger := newLogger(a.stderr)
	sources, sourcesErr := a.configuredSources(f)
	inv, invErr := a.followedInventory(f.inventory, logger)
	kinds, kindsErr := a.kinds(f.playbooks)
	var routes *routesFile
	var routesErr, temporalErr, slackErr, pageErr error
	if kindsErr == nil {
		routes, routesErr = a.followedRoutes(f.routes, kinds, logger)
	}
	if s.desk, temporalErr = lazyTemporal(a.env, logger); temporalErr == nil {
		s.closers = append(s.closers, s.desk.Close)
	}
	s.cockpit, slackErr = a.cockpit(ctx, f.slack, slackParts{op: s.desk, inventory: inv, mode: mode, kinds: kinds, log: logger})
	s.site, pageErr = a.page(f.page, f.listen, inv, s.desk, logger)
	if err := errors.Join(sourcesErr, invErr, kindsErr, routesErr, temporalErr, slackErr, pageErr); err != nil {
		return nil, err
	}
	m := newMetrics()
	kept, err := openSpool(f.spool, f.spoolMiB, logger)
	if err != nil {
		return nil, err
	}
	if kept != nil {
		s.closers = append(s.closers, func() { _ = kept.Close() })
		m.watchSpool(kept, a.now)
	}
	c := newCoalescer(s.desk, kept, usualPace(kept), logger, m)
	s.closers = append(s.closers, c.close)
	s.intake = newIntakeOf(&intake{
		inventory: inv, routing: routes, mode: mode, kinds: kinds, sources: sources, temporal: c, log: logger, metrics: m,
	})
	return s, nil
}

// configuredSources are those that have a secret or a topic; without any, and without a queue, there is nothing to serve.
func (a *app) configuredSources(f serveFlags) (map[string]source, error) {
	sources, err := a.sources(f.tokenFile, f.secrets, time.Now)
	if err != nil {
		return nil, err
	}
	if topics := a.snsTopics(f.topics); len(topics) > 0 {
		v, err := sns.New(topics, nil, nil, time.Now)
		if err != nil {
			return nil, err
		}
		sources[alert.SNS] = snsSource(v)
	}
	if len(sources) == 0 && f.queue == "" && a.env.get(queueVariable) == "" {
		return nil, fmt.Errorf("no source of alerts has a secret: set --alert-token-file or %s for Alertmanager, --secret SOURCE=FILE for another, "+
			"--sns-topic, or --sqs-queue (%s)", tokenVariable, secretHint)
	}
	return sources, nil
}

// newIntakeOf sets the bounds of an intake.
func newIntakeOf(in *intake) *intake {
	in.timeout, in.now = deliveryTimeout, time.Now
	in.slots, in.large = make(chan struct{}, deliveries), make(chan struct{}, unproved)
	return in
}

// served names the sources that are on.
func (in *intake) served() []string { return slices.Sorted(maps.Keys(in.sources)) }
