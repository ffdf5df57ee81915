package spool

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

var (
	// ErrFull means that the spool holds as much as it may.
	ErrFull = errors.New("the spool is full")
	// ErrLocked means that another process uses the folder.
	ErrLocked = errors.New("another process uses this spool")
	// ErrClosed means that the spool takes nothing any more.
	ErrClosed = errors.New("the spool is closed")
)

// Options bound a spool. Zero values stand for the defaults.
type Options struct {
	// MaxBytes is how much all segments may hold together; 256 MiB.
	MaxBytes int64
	// SegmentBytes is when a new segment is begun; 8 MiB.
	SegmentBytes int64
	// create makes a segment's file; tests make one whose disk is full.
	create func(path string) (file, error)
}

// Entry is one append. Key and At do not change.
type Entry struct {
	Key string
	// At is when it was appended.
	At time.Time

	seq    uint64
	offset int64
	size   int
	// segment is set before done is closed, as is err.
	segment *segment
	done    chan struct{}
	err     error
	// committed is told what came of the append.
	committed func(error)
}

// Wait returns once the entry is durable, or why it is not.
func (e *Entry) Wait() error {
	<-e.done
	return e.err
}

// Spool is an open journal. Its methods may be called by several goroutines at the same time.
type Spool struct {
	dir  string
	opts Options
	lock *os.File

	mu sync.Mutex
	// pending is what the next write will append: the records' bytes and the entries among them.
	pending []byte
	waiting []*Entry
	// writing is how much is being written at this moment.
	writing int
	// live are the entries that are not done; segments holds their files, the one being written last.
	live     map[*Entry]struct{}
	segments []*segment
	size     int64
	seq      uint64
	number   uint64
	closed   bool

	recovered []*Entry
	damage    []Damage

	wake  chan struct{}
	ended chan struct{}
}

// Open locks the folder, which it makes if need be, and reads what earlier processes left in it.
func Open(dir string, o Options) (*Spool, error) {
	if o.MaxBytes == 0 {
		o.MaxBytes = 256 << 20
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = 8 << 20
	}
	if o.create == nil {
		o.create = createSegment
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make spool: %w", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	s := &Spool{
		dir: dir, opts: o, lock: lock, live: map[*Entry]struct{}{}, wake: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	if err := s.recover(); err != nil {
		return nil, errors.Join(err, s.closeFiles())
	}
	go s.commit()
	return s, nil
}

// Recovered returns, once, the entries that were not done when the spool was opened, in their order.
func (s *Spool) Recovered() []*Entry {
	out := s.recovered
	s.recovered = nil
	return out
}

// Damage returns what could not be read when the spool was opened.
func (s *Spool) Damage() []Damage { return s.damage }

// Append puts an entry behind all others and returns at once; the order of the calls is the order of the entries. It is
// durable when Wait or committed says so. Committed is called in the order of the entries; it must not wait for the spool.
func (s *Spool) Append(key string, payload []byte, committed func(error)) (*Entry, error) {
	if len(key) > maxKey || len(key)+len(payload) > MaxEntryBytes {
		return nil, fmt.Errorf("append to spool: an entry of %d bytes is larger than %d", len(key)+len(payload), MaxEntryBytes)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	size := headerBytes + entryBytes + len(key) + len(payload)
	if !s.fits(size) {
		return nil, ErrFull
	}
	s.seq++
	e := &Entry{Key: key, At: time.Now().UTC(), seq: s.seq, size: size, done: make(chan struct{}), committed: committed}
	e.offset = int64(len(s.pending))
	s.pending = appendEntry(s.pending, &record{seq: e.seq, at: e.At, key: key, payload: payload})
	s.waiting = append(s.waiting, e)
	s.nudge()
	return e, nil
}

// Read returns the payload of a durable entry that is not done.
func (s *Spool) Read(e *Entry) ([]byte, error) {
	if err := e.Wait(); err != nil {
		return nil, err
	}
	raw := make([]byte, e.size)
	if _, err := e.segment.file.ReadAt(raw, e.offset); err != nil {
		return nil, fmt.Errorf("read entry at %d of %s: %w", e.offset, e.segment.path, err)
	}
	r, _, err := readRecord(raw)
	if err == nil && (!r.isEntry() || r.seq != e.seq) {
		err = errRecord
	}
	if err != nil {
		return nil, fmt.Errorf("read entry at %d of %s: %w", e.offset, e.segment.path, err)
	}
	return r.payload, nil
}

// Done forgets durable entries. It does not wait for the disk: after a crash some of them may come back.
func (s *Spool) Done(entries ...*Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var seqs []uint64
	for _, e := range entries {
		if _, ok := s.live[e]; ok {
			delete(s.live, e)
			e.segment.live--
			seqs = append(seqs, e.seq)
		}
	}
	if s.closed {
		return
	}
	for chunk := range slices.Chunk(seqs, maxDone) {
		s.pending = appendDone(s.pending, chunk)
	}
	s.nudge()
}

// Keep is Done for entries that nobody can make use of: the file that holds them is put aside for a person.
func (s *Spool) Keep(entries ...*Entry) {
	s.mu.Lock()
	for _, e := range entries {
		e.segment.damaged = true
	}
	s.mu.Unlock()
	s.Done(entries...)
}

// Stats is how much a spool holds.
type Stats struct {
	Entries int
	Bytes   int64
	// Oldest is when the oldest entry was appended; zero if there is none.
	Oldest time.Time
}

// Stats counts what the spool holds.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Stats{Entries: len(s.live), Bytes: s.size + int64(s.writing+len(s.pending))}
	for e := range s.live {
		if out.Oldest.IsZero() || e.At.Before(out.Oldest) {
			out.Oldest = e.At
		}
	}
	return out
}

// Room reports whether an entry of that many bytes would be taken.
func (s *Spool) Room(bytes int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.closed && s.fits(headerBytes+entryBytes+bytes)
}

// fits reports whether that much more may be written; s.mu is held.
func (s *Spool) fits(bytes int) bool {
	return s.size+int64(s.writing+len(s.pending)+bytes) <= s.opts.MaxBytes
}

// nudge wakes the committer; s.mu is held.
func (s *Spool) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Close writes what is pending and unlocks the folder.
func (s *Spool) Close() error {
	s.mu.Lock()
	already := s.closed
	s.closed = true
	s.nudge()
	s.mu.Unlock()
	<-s.ended
	if already {
		return nil
	}
	return s.closeFiles()
}

func (s *Spool) closeFiles() error {
	var errs []error
	for _, seg := range s.segments {
		errs = append(errs, seg.file.Close())
	}
	return errors.Join(append(errs, s.lock.Close())...)
}
