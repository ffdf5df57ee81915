package spool

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Damage is a part of a segment that could not be read. At the end of a segment it is what a crash left of a write that
// nobody was told had succeeded; Tail says so.
type Damage struct {
	File   string
	Offset int64
	Bytes  int64
	Tail   bool
	Err    error
}

// scanned is what was found in a segment.
type scanned struct {
	entries []*Entry
	done    []uint64
	damage  []Damage
	whole   int64
}

// scan reads a segment's records. It goes on after a record whose checksum is wrong if its length leads to another one.
func scan(b []byte) scanned {
	var s scanned
	if !bytes.HasPrefix(b, []byte(magic)) {
		if n := len(b); n > 0 {
			s.damage = append(s.damage, Damage{Bytes: int64(n), Tail: n < len(magic), Err: fmt.Errorf("%w: the file does not begin with %q", errRecord, magic)})
		}
		return s
	}
	at := len(magic)
	for at < len(b) {
		r, size, err := readRecord(b[at:])
		if err != nil {
			if size == 0 || at+size >= len(b) {
				s.damage = append(s.damage, Damage{Offset: int64(at), Bytes: int64(len(b) - at), Tail: true, Err: err})
				break
			}
			s.damage = append(s.damage, Damage{Offset: int64(at), Bytes: int64(size), Err: err})
			at += size
			continue
		}
		if r.isEntry() {
			s.entries = append(s.entries, &Entry{Key: r.key, At: r.at, seq: r.seq, offset: int64(at), size: size, done: closed()})
		}
		s.done = append(s.done, r.done...)
		at += size
	}
	s.whole = int64(at)
	return s
}

// recover reads what earlier processes left.
func (s *Spool) recover() error {
	files, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("list spool: %w", err)
	}
	done := map[uint64]bool{}
	var entries []*Entry
	for _, f := range files {
		number, ok := segmentNumber(f.Name())
		if !ok {
			continue
		}
		s.number = max(s.number, number)
		found, err := s.load(filepath.Join(s.dir, f.Name()))
		if err != nil {
			return err
		}
		entries = append(entries, found.entries...)
		for _, seq := range found.done {
			done[seq] = true
		}
	}
	for _, e := range entries {
		s.seq = max(s.seq, e.seq)
		if !done[e.seq] {
			e.segment.live++
			s.live[e] = struct{}{}
			s.recovered = append(s.recovered, e)
		}
	}
	slices.SortFunc(s.recovered, func(a, b *Entry) int { return cmp.Compare(a.seq, b.seq) })
	return s.sweep()
}

// load opens a segment for reading and scans it.
func (s *Spool) load(path string) (scanned, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return scanned{}, fmt.Errorf("read segment: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return scanned{}, fmt.Errorf("open segment: %w", err)
	}
	found := scan(raw)
	seg := &segment{path: path, file: f, size: int64(len(raw)), sealed: true}
	for i := range found.damage {
		found.damage[i].File = path
		seg.damaged = seg.damaged || !found.damage[i].Tail
	}
	for _, e := range found.entries {
		e.segment = seg
	}
	s.segments = append(s.segments, seg)
	s.size += seg.size
	s.damage = append(s.damage, found.damage...)
	return found, nil
}

// closed is the done channel of an entry that is durable already.
func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}
