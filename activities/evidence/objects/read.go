package objects

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"firebreak/activities/evidence/pace"
)

const (
	// stalled is how long a store may send nothing in the middle of an object.
	stalled = 30 * time.Second
	// losses is how often in a row a read may break without a byte having come.
	losses = 4
	// buffer bounds the memory for one object that is read.
	buffer = 256 << 10
)

// Opener returns the bytes of a version from an offset on.
type Opener func(ctx context.Context, offset int64) (io.ReadCloser, error)

// Sum reads a version of size bytes and returns their SHA-256 in hexadecimal and their number. A read that breaks goes on
// where it broke. told, if set, hears of every piece that was read.
func Sum(ctx context.Context, size int64, open Opener, told func(n int64)) (string, int64, error) {
	sum := sha256.New()
	piece := make([]byte, min(max(size, 1), buffer))
	var n int64
	for broken := 0; ; {
		before := n
		err := read(ctx, open, n, piece, func(b []byte) {
			sum.Write(b)
			n += int64(len(b))
			if told != nil {
				told(int64(len(b)))
			}
		})
		if err == nil {
			return hex.EncodeToString(sum.Sum(nil)), n, nil
		}
		if n > before {
			broken = 0
		}
		if n > 0 && n == size {
			// It broke after the last byte, and there is no range behind it to ask for.
			return hex.EncodeToString(sum.Sum(nil)), n, nil
		}
		broken++
		if ctx.Err() != nil || !pace.Lost(err) || broken >= losses {
			return "", n, err
		}
		select {
		case <-time.After(time.Duration(broken) * 100 * time.Millisecond):
		case <-ctx.Done():
			return "", n, ctx.Err()
		}
	}
}

// read passes on what comes from an offset until the end. It gives up when nothing has come for long.
func read(ctx context.Context, open Opener, offset int64, piece []byte, each func([]byte)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	body, err := open(ctx, offset)
	if err != nil {
		return err
	}
	defer body.Close()
	watch := time.AfterFunc(stalled, func() { cancel(errStalled) })
	defer watch.Stop()
	for {
		n, err := body.Read(piece)
		watch.Reset(stalled)
		if n > 0 {
			each(piece[:n])
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil && errors.Is(context.Cause(ctx), errStalled):
			return fmt.Errorf("%w: %w", errStalled, context.DeadlineExceeded)
		case err != nil:
			return err
		}
	}
}

var errStalled = errors.New("the store sent nothing for long")
