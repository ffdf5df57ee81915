package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// file is what a segment needs of its file; tests have one whose disk is full.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Sync() error
	Truncate(size int64) error
}

const (
	segmentPrefix = "segment-"
	// damagedSuffix marks a segment of which a part cannot be read: it is kept for a person.
	damagedSuffix = ".damaged"
	// magic begins every segment, so that a file of another kind or of a later format is never taken for one.
	magic = "firebreak spool 1\n"
)

// segment is one file of the journal. Its fields are guarded by the spool's lock; the committer alone writes the file.
type segment struct {
	path string
	file file
	// size is how much of the file is known to be whole.
	size int64
	// live counts the entries that are not done.
	live    int
	damaged bool
	// sealed says that nothing more is written to it.
	sealed bool
}

func segmentPath(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%s%016d", segmentPrefix, number))
}

// segmentNumber reads the number from a file's name.
func segmentNumber(name string) (uint64, bool) {
	digits, ok := strings.CutPrefix(name, segmentPrefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil
}

// createSegment makes a new file and has the folder remember it.
func createSegment(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create segment: %w", err)
	}
	if _, err = f.WriteAt([]byte(magic), 0); err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("begin segment %s: %w", path, err), f.Close(), os.Remove(path))
	}
	return f, nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, err)
	}
	return nil
}

// retire closes the file of a segment whose entries are done and removes it, or puts it aside if a part of it could not be
// read.
func (s *segment) retire() error {
	errs := []error{s.file.Close()}
	if s.damaged {
		errs = append(errs, os.Rename(s.path, s.path+damagedSuffix))
	} else {
		errs = append(errs, os.Remove(s.path))
	}
	return errors.Join(errs...)
}
