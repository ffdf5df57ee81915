package volatile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"firebreak/activities/failure"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// concurrency bounds how many replicas are captured at a time.
const concurrency = 8

// errStore is an evidence store that does not take what was captured: unlike anything else it makes the attempt fail.
var errStore = errors.New("keep what was captured")

// collector gathers the lines of one capture.
type collector struct {
	*Capture
	op *playbooks.Operation
	// parent is the activity's context: it bounds what is written, where the budget bounds what is captured.
	parent context.Context
	within time.Duration

	mu    sync.Mutex
	lines []Line
}

func (w *collector) add(l Line) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, l)
}

// collect captures the replicas side by side, and the latest requests beside them.
func (a *Capture) collect(ctx context.Context, op *playbooks.Operation, s *state) ([]Line, error) {
	within, err1 := op.Duration("within")
	recent, err2 := op.Duration("recent")
	logBytes, err3 := op.Integer("log_bytes")
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, failure.New(failure.Invalid, "capture %s: %w", op.Target.ID, err)
	}
	w := &collector{Capture: a, op: op, parent: ctx, within: within}
	if s.Gap != "" {
		w.add(Line{Item: "replicas", At: now(), Gap: s.Gap})
	}
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	group := errgroup.Group{}
	group.SetLimit(concurrency)
	group.Go(func() error { return w.requests(limited, recent) })
	for _, r := range s.Replicas {
		group.Go(func() error { return w.replica(limited, op.Target.Endpoint.Serving, r, int64(logBytes)) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return w.lines, ctx.Err()
}

// replica captures one replica's items one after the other, the most volatile first.
func (w *collector) replica(ctx context.Context, s inventory.Serving, r replica, logBytes int64) error {
	c, err := w.cluster(ctx, s)
	if err != nil {
		w.add(Line{Replica: r.Name, UID: r.UID, Item: "replica", At: now(), Gap: err.Error()})
		return nil
	}
	for i, it := range c.items(s, r, logBytes) {
		l := Line{Replica: r.Name, UID: r.UID, Container: it.container, ImageID: imageOf(r, it.container), Item: it.name}
		name := fmt.Sprintf("replicas/%s/%02d-%s%s", hexOf(r.UID), i, it.name, it.suffix)
		if err := w.keepItem(ctx, l, name, it); err != nil {
			return err
		}
	}
	return nil
}

func imageOf(r replica, container string) string {
	for _, c := range r.Containers {
		if c.Name == container {
			return c.ImageID
		}
	}
	return ""
}

// keepItem captures an item unless an earlier attempt has, and keeps what there is of it. Only a store that does not take
// it is an error.
func (w *collector) keepItem(ctx context.Context, l Line, name string, it item) error {
	earlier, _, err := w.keep.Find(w.parent, w.op.Store, pieceOf(w.op, name, nil))
	if err != nil {
		return fmt.Errorf("%w: %w", errStore, err)
	}
	if earlier != nil {
		l.of(*earlier)
		l.At, l.Gap = now(), ""
		w.add(l)
		return nil
	}
	if ctx.Err() != nil {
		l.At, l.Gap = now(), w.spent()
		w.add(l)
		return nil
	}
	timed, cancel := ctx, func() {}
	if !it.patient {
		timed, cancel = context.WithTimeout(ctx, itemTimeout)
	}
	content, truncated, err := it.read(timed)
	cancel()
	l.At = now()
	switch {
	case w.parent.Err() != nil:
		return w.parent.Err()
	case over(ctx) && err != nil:
		l.Gap = w.spent()
	case errors.Is(err, context.DeadlineExceeded):
		l.Gap = fmt.Sprintf("it was not read within %s", itemTimeout)
	case err != nil:
		l.Gap = err.Error()
	case truncated:
		l.Gap = fmt.Sprintf("it is cut off at %d bytes", len(content))
	}
	if l.Gap != "" {
		// Another attempt looks for the whole.
		name += ".partial"
	}
	if len(content) > 0 {
		o, err := w.keep.Keep(w.parent, w.op.Store, pieceOf(w.op, name, content))
		if err != nil {
			return fmt.Errorf("%w: %w", errStore, err)
		}
		l.of(o)
	} else if l.Gap == "" {
		l.Gap = "it is empty"
	}
	w.add(l)
	return nil
}

// over reports whether the time is up. A connection's own deadline may fire a moment before the context's.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

func (w *collector) spent() string {
	return fmt.Sprintf("the time budget of %s was spent", w.within)
}

// hexOf names something in the store by its digest, so that no name of the cluster's can lead elsewhere.
func hexOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
