package sqs

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"
)

// taker counts what it is given, and refuses as often as it is told.
type taker struct {
	mu     sync.Mutex
	got    map[string]int
	refuse int
	block  chan struct{}
}

func (k *taker) handle(ctx context.Context, m Message) error {
	if k.block != nil {
		select {
		case <-k.block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.refuse > 0 {
		k.refuse--
		return errors.New("Temporal did not confirm")
	}
	if k.got == nil {
		k.got = map[string]int{}
	}
	k.got[m.ID+" "+string(m.Body)]++
	return nil
}

func (k *taker) taken() map[string]int {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := map[string]int{}
	for id, n := range k.got {
		out[id] = n
	}
	return out
}

// run polls the fake until the test ends it.
func run(t *testing.T, q *queueFake, k *taker) (stop func()) {
	t.Helper()
	server := httptest.NewServer(q)
	t.Cleanup(server.Close)
	client := sqs.New(sqs.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(server.URL), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	p := &Poller{
		client: client, queue: server.URL + "/210987654321/firebreak-alerts", handle: k.handle, log: slog.New(slog.DiscardHandler),
		visibility: time.Second, first: 10 * time.Millisecond, last: 50 * time.Millisecond,
	}
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { p.Run(ctx) })
	stop = func() { cancel(); done.Wait() }
	t.Cleanup(stop)
	return stop
}

func TestMessagesAreDeletedOnceTheyAreHandedOn(t *testing.T) {
	t.Parallel()
	q := newQueue(t, "a", "b", "c")
	k := &taker{}
	stop := run(t, q, k)
	q.eventuallyEmpty(t)
	stop()
	require.Equal(t, map[string]int{"m-0 a": 1, "m-1 b": 1, "m-2 c": 1}, k.taken())
	require.Equal(t, 3, q.called("DeleteMessage"))
	for _, w := range q.waits {
		require.Equal(t, 20, w, "each poll is a long one")
	}
}

func TestMessageIsKeptHiddenWhileItCannotBeHandedOn(t *testing.T) {
	t.Parallel()
	q := newQueue(t, "a")
	k := &taker{block: make(chan struct{})}
	run(t, q, k)
	// Three times as long as it would stay hidden by itself.
	require.Eventually(t, func() bool { return q.called("ChangeMessageVisibility") >= 9 }, 20*time.Second, 5*time.Millisecond)
	require.Equal(t, 1, q.left(), "it is not deleted before it is handed on")
	require.Zero(t, q.called("DeleteMessage"))
	close(k.block)
	q.eventuallyEmpty(t)
	require.Equal(t, map[string]int{"m-0 a": 1}, k.taken())
	require.Equal(t, 1, q.count, "it was given once in all that time")
}

func TestFailures(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spoil func(q *queueFake, k *taker)
		// twice is true if the message may be handed on more than once.
		twice bool
	}{
		"no answer to a poll":        {func(q *queueFake, _ *taker) { q.fail["ReceiveMessage"] = 3 }, false},
		"answer to a poll lost":      {func(q *queueFake, _ *taker) { q.lose["ReceiveMessage"] = 1 }, false},
		"not handed on at first":     {func(_ *queueFake, k *taker) { k.refuse = 5 }, false},
		"not deleted at first":       {func(q *queueFake, _ *taker) { q.fail["DeleteMessage"] = 2 }, false},
		"not deleted for long":       {func(q *queueFake, _ *taker) { q.fail["DeleteMessage"] = 4 }, true},
		"answer to a deletion lost":  {func(q *queueFake, _ *taker) { q.lose["DeleteMessage"] = 1 }, false},
		"given twice":                {func(q *queueFake, _ *taker) { q.twice = true }, true},
		"not kept hidden, not taken": {func(q *queueFake, k *taker) { q.fail["ChangeMessageVisibility"], k.refuse = 99, 30 }, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := newQueue(t, "a")
			k := &taker{}
			tt.spoil(q, k)
			stop := run(t, q, k)
			q.eventuallyEmpty(t)
			stop()
			n := k.taken()["m-0 a"]
			require.GreaterOrEqual(t, n, 1, "nothing is lost")
			if !tt.twice {
				require.Equal(t, 1, n)
			}
		})
	}
}

func TestMessageThatIsNotHandedOnAtTheEndStays(t *testing.T) {
	t.Parallel()
	q := newQueue(t, "a")
	k := &taker{refuse: 1 << 30}
	stop := run(t, q, k)
	require.Eventually(t, func() bool { return q.called("ReceiveMessage") > 0 }, 10*time.Second, time.Millisecond)
	stop()
	require.Equal(t, 1, q.left())
	require.Zero(t, q.called("DeleteMessage"))
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, queue := range []string{"", "firebreak", "arn:aws:sqs:eu-central-1:1:q", "https://sqs.eu-central-1.amazonaws.com/", "ftp://x/y", "https://user@sqs.eu-central-1.amazonaws.com/1/q"} {
		_, err := New(t.Context(), queue, nil, nil)
		require.ErrorContains(t, err, "is no URL of an SQS queue", queue)
	}
	p, err := New(t.Context(), "https://sqs.eu-central-1.amazonaws.com/210987654321/firebreak-alerts", nil, nil)
	require.NoError(t, err)
	require.Equal(t, "eu-central-1", p.client.Options().Region)
}
