package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"firebreak/internal/alert"
	"firebreak/internal/sqs"
)

const queueVariable = "FIREBREAK_SQS_QUEUE"

// queue makes the poller of --sqs-queue, or else of the environment; nil if neither names one.
func (a *app) queue(ctx context.Context, flag string, handle sqs.Handle, log *slog.Logger) (*sqs.Poller, error) {
	url := flag
	if url == "" {
		url = a.env.get(queueVariable)
	}
	if url == "" {
		return nil, nil
	}
	p, err := sqs.New(ctx, url, handle, log)
	if err != nil {
		return nil, fmt.Errorf("--sqs-queue or %s: %w", queueVariable, err)
	}
	return p, nil
}

// message takes one message of the queue in. It returns nil once every alert in it is durable: the queue deletes the
// message then.
func (in *intake) message(ctx context.Context, m sqs.Message) error {
	post := alert.DecodeSQS(m.ID, m.Body, in.now().UTC())
	// A delivery that has begun ends, even if the service is told to stop.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), in.timeout)
	defer cancel()
	answer, err := in.take(ctx, post, m.Body)
	if err != nil {
		return err
	}
	if answer.status != http.StatusOK {
		return errors.New(answer.Error)
	}
	return nil
}

// poll takes messages until ctx ends; without a queue it does nothing.
func poll(ctx context.Context, p *sqs.Poller) {
	if p != nil {
		p.Run(ctx)
	}
}
