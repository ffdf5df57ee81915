package spool

import (
	"errors"
	"fmt"
	"slices"
)

// commit is the one goroutine that writes. While it waits for the disk, the next appends gather and then share one fsync.
func (s *Spool) commit() {
	defer close(s.ended)
	for range s.wake {
		for s.flush() {
		}
		s.mu.Lock()
		closed := s.closed && len(s.pending) == 0
		s.mu.Unlock()
		if closed {
			return
		}
	}
}

// flush writes everything that is pending and reports whether there was anything.
func (s *Spool) flush() bool {
	s.mu.Lock()
	if len(s.live) == 0 && len(s.waiting) == 0 {
		// Nothing is left: no file is needed to say so.
		s.pending = nil
		s.sealAll()
	}
	// A file that cannot be removed comes back at the next start, where that is an error.
	_ = s.sweep()
	batch, entries := s.pending, s.waiting
	s.pending, s.waiting, s.writing = nil, nil, len(batch)
	s.mu.Unlock()
	if len(batch) == 0 {
		return false
	}
	seg, err := s.write(batch, len(entries) > 0)
	s.settle(seg, entries, err)
	return true
}

// settle tells the entries of one write what came of it, in their order.
func (s *Spool) settle(seg *segment, entries []*Entry, err error) {
	s.mu.Lock()
	written := int64(s.writing)
	s.writing = 0
	if err == nil {
		for _, e := range entries {
			e.segment = seg
			e.offset += seg.size
			seg.live++
			s.live[e] = struct{}{}
		}
		seg.size += written
		s.size += written
	}
	s.mu.Unlock()
	for _, e := range entries {
		e.err = err
		close(e.done)
		if e.committed != nil {
			e.committed(err)
		}
	}
}

// write appends to the current segment, or to a new one.
func (s *Spool) write(batch []byte, durable bool) (*segment, error) {
	seg, err := s.current()
	if err != nil {
		return nil, err
	}
	if _, err = seg.file.WriteAt(batch, seg.size); err != nil {
		s.cut(seg, false)
		return nil, fmt.Errorf("write to spool %s: %w", seg.path, err)
	}
	if !durable {
		return seg, nil
	}
	if err = seg.file.Sync(); err != nil {
		// After a failed fsync nobody knows what is on the disk.
		s.cut(seg, true)
		return nil, fmt.Errorf("sync spool %s: %w", seg.path, err)
	}
	return seg, nil
}

// cut removes from a segment what was not confirmed, and seals it if it is not to be written to again.
func (s *Spool) cut(seg *segment, seal bool) {
	if err := seg.file.Truncate(seg.size); err != nil || seal {
		s.mu.Lock()
		seg.sealed = true
		s.mu.Unlock()
	}
}

// current is the segment to write to. The committer alone calls it.
func (s *Spool) current() (*segment, error) {
	s.mu.Lock()
	if n := len(s.segments); n > 0 {
		last := s.segments[n-1]
		if last.size >= s.opts.SegmentBytes {
			last.sealed = true
		}
		if !last.sealed {
			s.mu.Unlock()
			return last, nil
		}
	}
	s.number++
	path := segmentPath(s.dir, s.number)
	s.mu.Unlock()
	f, err := s.opts.create(path)
	if err != nil {
		return nil, err
	}
	seg := &segment{path: path, file: f, size: int64(len(magic))}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.segments = append(s.segments, seg)
	s.size += seg.size
	return seg, nil
}

// sealAll ends the current segment; s.mu is held.
func (s *Spool) sealAll() {
	for _, seg := range s.segments {
		seg.sealed = true
	}
}

// sweep removes the segments whose entries are done; s.mu is held, or nobody else knows the spool yet.
func (s *Spool) sweep() error {
	var errs []error
	s.segments = slices.DeleteFunc(s.segments, func(seg *segment) bool {
		if seg.live > 0 || !seg.sealed {
			return false
		}
		s.size -= seg.size
		errs = append(errs, seg.retire())
		return true
	})
	return errors.Join(errs...)
}
