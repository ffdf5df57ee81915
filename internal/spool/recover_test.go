package spool

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// journal is a segment's bytes with three entries, of which the second is done, and where each record begins.
func journal() (raw []byte, starts []int) {
	at := time.Unix(0, 1).UTC()
	raw = []byte(magic)
	for seq, payload := range []string{"first", "second", "third"} {
		starts = append(starts, len(raw))
		raw = appendEntry(raw, &record{seq: uint64(seq + 1), at: at, key: "k", payload: []byte(payload)})
	}
	starts = append(starts, len(raw))
	raw = appendDone(raw, []uint64{2})
	return raw, starts
}

func TestRecover(t *testing.T) {
	t.Parallel()
	whole, starts := journal()
	changed := func(at int, to byte) []byte {
		b := bytes.Clone(whole)
		b[at] = to
		return b
	}
	cases := map[string]struct {
		raw      []byte
		want     []string
		damage   int
		tail     bool
		putAside bool
	}{
		"whole":                            {raw: whole, want: []string{"k=first", "k=third"}},
		"empty":                            {raw: nil},
		"nothing but its beginning":        {raw: []byte(magic)},
		"cut off in its beginning":         {raw: []byte(magic[:5]), damage: 1, tail: true},
		"cut off in the last record":       {raw: whole[:len(whole)-3], want: []string{"k=first", "k=second", "k=third"}, damage: 1, tail: true},
		"cut off in an entry":              {raw: whole[:starts[2]+15], want: []string{"k=first", "k=second"}, damage: 1, tail: true},
		"cut off in a header":              {raw: whole[:starts[1]+3], want: []string{"k=first"}, damage: 1, tail: true},
		"zeros at the end":                 {raw: append(bytes.Clone(whole), make([]byte, 4096)...), want: []string{"k=first", "k=third"}, damage: 1, tail: true},
		"a bit of a payload is wrong":      {raw: changed(starts[1]-1, 'T'), want: []string{"k=third"}, damage: 1, putAside: true},
		"a bit of the last one is wrong":   {raw: changed(len(whole)-1, 7), want: []string{"k=first", "k=second", "k=third"}, damage: 1, tail: true},
		"a file of another kind or format": {raw: []byte("firebreak spool 2\nwhatever"), damage: 1, putAside: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := segmentPath(dir, 3)
			require.NoError(t, os.WriteFile(file, c.raw, 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("mine"), 0o600))
			s := open(t, dir, Options{})
			entries, payloads := held(t, s)
			require.Equal(t, c.want, payloads)
			require.Len(t, s.Damage(), c.damage)
			for _, d := range s.Damage() {
				require.Equal(t, file, d.File)
				require.Equal(t, c.tail, d.Tail, d.Err)
				require.Positive(t, d.Bytes)
			}
			e := add(t, s, "k", "new")
			for _, old := range entries {
				require.Greater(t, e.seq, old.seq)
			}
			s.Done(append(entries, e)...)
			require.Eventually(t, func() bool { return s.Stats().Bytes == 0 }, 5*time.Second, time.Millisecond)
			_, err := os.Stat(file + damagedSuffix)
			require.Equal(t, c.putAside, err == nil, "a file that is damaged is kept for a person")
			require.NoFileExists(t, file)
			require.FileExists(t, filepath.Join(dir, "notes.txt"))
		})
	}
}

func FuzzScan(f *testing.F) {
	whole, starts := journal()
	f.Add(whole)
	f.Add(whole[:starts[2]+9])
	f.Add([]byte(magic + "\x00\x00\x00\x09\x00\x00\x00\x00d12345678"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s := scan(raw)
		if s.whole > int64(len(raw)) {
			t.Fatalf("read %d of %d bytes", s.whole, len(raw))
		}
		for _, e := range s.entries {
			r, size, err := readRecord(raw[e.offset:])
			if err != nil || size != e.size || r.seq != e.seq {
				t.Fatalf("entry %d is not where it is said to be: %v", e.seq, err)
			}
		}
	})
}
