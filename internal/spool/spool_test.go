package spool

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func open(t testing.TB, dir string, o Options) *Spool {
	t.Helper()
	s, err := Open(dir, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func add(t testing.TB, s *Spool, key, payload string) *Entry {
	t.Helper()
	e, err := s.Append(key, []byte(payload), nil)
	require.NoError(t, err)
	require.NoError(t, e.Wait())
	return e
}

// held reads every entry that a spool recovered.
func held(t testing.TB, s *Spool) (entries []*Entry, payloads []string) {
	t.Helper()
	entries = s.Recovered()
	for _, e := range entries {
		raw, err := s.Read(e)
		require.NoError(t, err)
		payloads = append(payloads, e.Key+"="+string(raw))
	}
	return entries, payloads
}

func segments(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, segmentPrefix+"*"))
	require.NoError(t, err)
	return files
}

func TestSpoolGivesBackWhatIsNotDone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(dir, Options{SegmentBytes: 200})
	require.NoError(t, err)
	var entries []*Entry
	for i := range 20 {
		entries = append(entries, add(t, s, fmt.Sprintf("key-%d", i%3), fmt.Sprintf("payload %d", i)))
	}
	require.Greater(t, len(segments(t, dir)), 3)
	raw, err := s.Read(entries[7])
	require.NoError(t, err)
	require.Equal(t, "payload 7", string(raw))
	s.Done(entries[:15]...)
	s.Done(entries[16])
	require.Equal(t, 4, s.Stats().Entries)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "twice is no error")
	_, err = s.Append("key", nil, nil)
	require.ErrorIs(t, err, ErrClosed)

	s = open(t, dir, Options{SegmentBytes: 200})
	again, payloads := held(t, s)
	require.Equal(t, []string{"key-0=payload 15", "key-2=payload 17", "key-0=payload 18", "key-1=payload 19"}, payloads)
	require.WithinDuration(t, time.Now(), s.Stats().Oldest, time.Minute)
	require.Empty(t, s.Recovered(), "they are given back once")
	require.Empty(t, s.Damage())
	s.Done(again...)
	require.Eventually(t, func() bool { return len(segments(t, dir)) == 0 }, 5*time.Second, time.Millisecond, "nothing is left on the disk")
	require.Zero(t, s.Stats())
	add(t, s, "key", "after all")
}

func TestSpoolKeepsTheOrderOfManyAppends(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	require.NoError(t, err)
	var mu sync.Mutex
	var order, committed []string
	var appends sync.WaitGroup
	for i := range 8 {
		appends.Go(func() {
			for n := range 50 {
				name := fmt.Sprintf("%d/%d", i, n)
				mu.Lock()
				e, err := s.Append("key", []byte(name), func(error) { committed = append(committed, "key="+name) })
				order = append(order, "key="+name)
				mu.Unlock()
				if err != nil || e.Wait() != nil {
					t.Errorf("append %s: %v", name, err)
				}
			}
		})
	}
	appends.Wait()
	require.NoError(t, s.Close())
	require.Equal(t, order, committed)
	_, payloads := held(t, open(t, dir, Options{}))
	require.Equal(t, order, payloads)
}

func TestSpoolIsForOneProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	require.NoError(t, err)
	_, err = Open(dir, Options{})
	require.ErrorIs(t, err, ErrLocked)
	require.NoError(t, s.Close())
	open(t, dir, Options{})
}

func TestSpoolLimits(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), Options{MaxBytes: 1000})
	_, err := s.Append("key", make([]byte, MaxEntryBytes), nil)
	require.ErrorContains(t, err, "larger than")
	require.False(t, s.Room(1000))
	require.True(t, s.Room(500))
	e := add(t, s, "key", string(make([]byte, 700)))
	_, err = s.Append("key", make([]byte, 400), nil)
	require.ErrorIs(t, err, ErrFull)
	s.Done(e)
	require.Eventually(t, func() bool { return s.Room(700) }, 5*time.Second, time.Millisecond)
	add(t, s, "key", string(make([]byte, 700)))
}

// fullDisk is a file on a disk that runs out of space, or that fails to sync, while told so.
type fullDisk struct {
	file
	full, broken *atomic.Bool
}

func (f fullDisk) WriteAt(b []byte, at int64) (int, error) {
	if f.full.Load() {
		n, _ := f.file.WriteAt(b[:len(b)/2], at)
		return n, syscall.ENOSPC
	}
	return f.file.WriteAt(b, at)
}

func (f fullDisk) Sync() error {
	if f.broken.Load() {
		return syscall.EIO
	}
	return f.file.Sync()
}

func TestSpoolOnADiskThatFails(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]error{"full": syscall.ENOSPC, "broken": syscall.EIO} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var full, broken atomic.Bool
			s, err := Open(dir, Options{create: func(path string) (file, error) {
				f, err := createSegment(path)
				return fullDisk{f, &full, &broken}, err
			}})
			require.NoError(t, err)
			add(t, s, "key", "before")
			failing := map[string]*atomic.Bool{"full": &full, "broken": &broken}[name]
			failing.Store(true)
			var told error
			e, err := s.Append("key", []byte("lost"), func(err error) { told = err })
			require.NoError(t, err)
			require.ErrorIs(t, e.Wait(), want, "never a lie")
			_, err = s.Read(e)
			require.ErrorIs(t, err, want)
			s.Done(e)
			failing.Store(false)
			add(t, s, "key", "after")
			require.ErrorIs(t, told, want)
			require.Equal(t, 2, s.Stats().Entries)
			require.NoError(t, s.Close())

			s = open(t, dir, Options{})
			_, payloads := held(t, s)
			require.Equal(t, []string{"key=before", "key=after"}, payloads)
			require.Empty(t, s.Damage(), "what was written in part is cut off")
		})
	}
}

func TestSpoolThatCannotBeginASegment(t *testing.T) {
	t.Parallel()
	fault := errors.New("no space for a file")
	s := open(t, t.TempDir(), Options{create: func(string) (file, error) { return nil, fault }})
	e, err := s.Append("key", []byte("lost"), nil)
	require.NoError(t, err)
	require.ErrorIs(t, e.Wait(), fault)
}

func TestSpoolKeepsAFileForAPerson(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, Options{})
	s.Keep(add(t, s, "key", "nobody can make use of this"))
	require.Eventually(t, func() bool {
		aside, _ := filepath.Glob(filepath.Join(dir, "*"+damagedSuffix))
		return len(aside) == 1
	}, 5*time.Second, time.Millisecond)
	require.Zero(t, s.Stats())
}

func BenchmarkAppend(b *testing.B) {
	s := open(b, b.TempDir(), Options{MaxBytes: 1 << 40})
	payload := make([]byte, 700)
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			e, err := s.Append("incident/extraction-event/credit-api", payload, nil)
			if err != nil || e.Wait() != nil {
				b.Error("append failed")
			}
		}
	})
}
