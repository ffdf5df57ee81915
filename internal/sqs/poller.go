package sqs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	// wait is the longest poll that SQS allows, in seconds.
	wait = 20
	// batch is the most messages that SQS gives at once.
	batch = 10
	// callTimeout bounds one call; a long poll is the longest.
	callTimeout = 30 * time.Second
	// deletions is how often the deletion of a message is tried. One that is not deleted comes again, and is known again.
	deletions = 3
)

// Message is one message of the queue.
type Message struct {
	ID   string
	Body []byte
}

// Handle hands a message on. It returns nil once the message is durable somewhere else.
type Handle func(ctx context.Context, m Message) error

// Poller takes messages from one queue.
type Poller struct {
	client *sqs.Client
	queue  string
	handle Handle
	log    *slog.Logger
	// visibility is how long a message stays hidden from others; it is extended at a third of it.
	visibility time.Duration
	// first and last bound the time between two tries.
	first, last time.Duration
}

var queueHost = regexp.MustCompile(`^sqs\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$`)

// New makes a poller of the queue. Credentials and, if the URL does not tell it, the region are found as in AWS's own tools.
func New(ctx context.Context, queue string, handle Handle, log *slog.Logger) (*Poller, error) {
	u, err := url.Parse(queue)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(u.Path) < 2 || u.User != nil {
		return nil, fmt.Errorf("%q is no URL of an SQS queue: want https://sqs.REGION.amazonaws.com/ACCOUNT/NAME", queue)
	}
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(callTimeout)),
		// The loop tries again itself, so that each failure is seen.
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
	}
	if m := queueHost.FindStringSubmatch(u.Host); m != nil {
		options = append(options, config.WithRegion(m[1]))
	}
	c, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("find AWS credentials for SQS: %w", err)
	}
	if c.Region == "" {
		return nil, errors.New("the URL of the SQS queue names no region: set AWS_REGION")
	}
	return &Poller{
		client: sqs.NewFromConfig(c), queue: queue, handle: handle, log: log,
		visibility: 30 * time.Second, first: time.Second, last: 30 * time.Second,
	}, nil
}

// Run takes messages until ctx ends. What it has taken is handed on before the next are asked for, so that a queue waits
// in SQS and not here while they cannot be handed on.
func (p *Poller) Run(ctx context.Context) {
	pause := p.first
	for ctx.Err() == nil {
		messages, err := p.receive(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			p.log.Warn("no messages from SQS: trying again", "queue", p.queue, "error", err, "pause", pause)
			sleep(ctx, pause)
			pause = min(2*pause, p.last)
			continue
		}
		pause = p.first
		var group sync.WaitGroup
		for i := range messages {
			group.Go(func() { p.process(ctx, &messages[i]) })
		}
		group.Wait()
	}
}

func (p *Poller) receive(ctx context.Context) ([]types.Message, error) {
	out, err := p.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &p.queue, MaxNumberOfMessages: batch, WaitTimeSeconds: wait, VisibilityTimeout: seconds(p.visibility),
	})
	if err != nil {
		return nil, fmt.Errorf("receive messages: %w", err)
	}
	return out.Messages, nil
}

// process hands one message on, as often as it takes, and deletes it then. It is kept hidden from others meanwhile: a
// message that came back for each try would soon be in the dead-letter queue.
func (p *Poller) process(ctx context.Context, m *types.Message) {
	id := aws.ToString(m.MessageId)
	extending, stop := context.WithCancel(ctx)
	var extended sync.WaitGroup
	extended.Go(func() { p.extend(extending, m) })
	defer extended.Wait()
	defer stop()
	for pause := p.first; ; pause = min(2*pause, p.last) {
		err := p.handle(ctx, Message{ID: id, Body: []byte(aws.ToString(m.Body))})
		if err == nil {
			break
		}
		p.log.Warn("message not delivered: trying again", "message", id, "error", err, "pause", pause)
		if !sleep(ctx, pause) {
			// It comes back to whoever asks next.
			return
		}
	}
	p.remove(context.WithoutCancel(ctx), m)
}

// extend keeps the message hidden until ctx ends.
func (p *Poller) extend(ctx context.Context, m *types.Message) {
	for sleep(ctx, p.visibility/3) {
		_, err := p.client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
			QueueUrl: &p.queue, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds(p.visibility),
		})
		if err != nil && ctx.Err() == nil {
			p.log.Warn("message not kept hidden: it may come twice, which does no harm", "message", aws.ToString(m.MessageId), "error", err)
		}
	}
}

func (p *Poller) remove(ctx context.Context, m *types.Message) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var err error
	for range deletions {
		if _, err = p.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &p.queue, ReceiptHandle: m.ReceiptHandle}); err == nil {
			return
		}
		sleep(ctx, p.first/10)
	}
	p.log.Warn("message delivered but not deleted: it comes again and is known again", "message", aws.ToString(m.MessageId), "error", err)
}

func seconds(d time.Duration) int32 { return int32(max(1, d/time.Second)) }

// sleep reports false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
