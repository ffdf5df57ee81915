package pace

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"firebreak/internal/progress"
)

const (
	// patience is how long a request is sent again while the store asks to slow down. The activity is tried again after it.
	patience = 3 * time.Minute
	// tries is how often a request is sent whose answer was lost and that may be sent again.
	tries = 4

	firstPause = 50 * time.Millisecond
	longPause  = 5 * time.Second
)

// Kind says whether a request may be sent again when it is not known what became of it.
type Kind bool

const (
	// Safe requests have the same effect however often they are sent.
	Safe Kind = true
	// Once is for requests that make something new: the caller looks what became of it.
	Once Kind = false
)

// Busy is a store that asked to slow down for longer than anybody waits in one attempt.
type Busy struct {
	Err   error
	delay time.Duration
}

// Error returns the store's own words.
func (b *Busy) Error() string { return fmt.Sprintf("the store asks to slow down: %v", b.Err) }

// Unwrap returns the store's error.
func (b *Busy) Unwrap() error { return b.Err }

// RetryDelay is when the store may be asked again.
func (b *Busy) RetryDelay() time.Duration { return b.delay }

// Send sends one request within the pace. A refusal because the store is busy changes nothing there and is sent again,
// more slowly; a lost answer is asked for again only if the request is safe. limit bounds one try.
func Send[In, Out any](ctx context.Context, p *Pace, kind Kind, limit time.Duration,
	call func(context.Context, *In, ...func(*s3.Options)) (*Out, error), in *In,
) (*Out, error) {
	out, _, err := send(ctx, p, kind, func(ctx context.Context) (*Out, func(), error) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		out, err := call(ctx, in, single)
		return out, nil, err
	})
	return out, err
}

// Open is Send for a request whose answer is read afterwards: release ends it. The place in the pace is given back as soon
// as the answer begins, since reading slowly is no request more.
func Open[In, Out any](ctx context.Context, p *Pace, limit time.Duration,
	call func(context.Context, *In, ...func(*s3.Options)) (*Out, error), in *In, options ...func(*s3.Options),
) (out *Out, release func(), err error) {
	return send(ctx, p, Safe, func(ctx context.Context) (*Out, func(), error) {
		ctx, cancel := context.WithCancel(ctx)
		timer := time.AfterFunc(limit, cancel)
		out, err := call(ctx, in, append(options, single)...)
		if !timer.Stop() {
			err = context.DeadlineExceeded
		}
		if err != nil {
			cancel()
			return nil, nil, err
		}
		return out, cancel, nil
	})
}

func send[Out any](ctx context.Context, p *Pace, kind Kind, try func(context.Context) (*Out, func(), error)) (*Out, func(), error) {
	began, lost := time.Now(), 0
	for n := 0; ; n++ {
		if err := p.enter(ctx); err != nil {
			return nil, nil, err
		}
		sent := time.Now()
		out, release, err := try(ctx)
		p.leave()
		if err == nil {
			p.answered()
			return out, release, nil
		}
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		pause := backoff(n)
		switch after, busy := SlowDown(err); {
		case busy:
			p.slow(sent, after)
			progress.From(ctx).Slow()
			if time.Since(began) > patience {
				return nil, nil, &Busy{Err: err, delay: max(after, longPause)}
			}
		case kind == Safe && Lost(err) && lost < tries-1:
			lost++
		default:
			return nil, nil, err
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, nil, err
		}
	}
}

// backoff is a random time up to a bound that doubles with each try, so that requests that were refused together do not
// come back together.
func backoff(n int) time.Duration {
	bound := longPause
	if n < 7 {
		bound = firstPause << n
	}
	return time.Duration(rand.Int64N(int64(bound)))
}

// single keeps the SDK from sending a request again by itself.
func single(o *s3.Options) { o.RetryMaxAttempts = 1 }
