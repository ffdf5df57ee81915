package artifact_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/artifact"
)

func scan(t testing.TB, name, content string) []string {
	t.Helper()
	found, err := artifact.Scan(t.Context(), artifact.File{Name: name, Size: int64(len(content)), ReaderAt: strings.NewReader(content)})
	require.NoError(t, err)
	return found
}

// tensors writes a safetensors file with a header and so many bytes of data.
func tensors(header string, data int) string {
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, uint64(len(header)))
	return b.String() + header + strings.Repeat("\x00", data)
}

func archive(t testing.TB, entries ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(entries); i += 2 {
		e, err := w.Create(entries[i])
		require.NoError(t, err)
		_, err = io.WriteString(e, entries[i+1])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.String()
}

const (
	// system is what pickle.dumps of an object makes whose __reduce__ is os.system("id"), protocol 4.
	system = "\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94."
	// ordered is an empty OrderedDict, protocol 2 and 4.
	ordered  = "\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01."
	ordered4 = "\x80\x04\x95\x22\x00\x00\x00\x00\x00\x00\x00\x8c\x0bcollections\x94\x8c\x0bOrderedDict\x94\x93\x94)R\x94."
)

func TestScan(t *testing.T) {
	t.Parallel()
	good := `{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"F16","shape":[2],"data_offsets":[16,20]}}`
	tests := map[string]struct{ name, content, want string }{
		"safetensors":                                {"model.safetensors", tensors(good, 20), ""},
		"safetensors without tensors":                {"model.safetensors", tensors("{}", 0), ""},
		"safetensors with bytes behind":              {"model.safetensors", tensors(good, 21), "its tensors end at byte 20 of 21"},
		"safetensors with a hole":                    {"model.safetensors", tensors(strings.Replace(good, "[16,20]", "[18,22]", 1), 22), "leave a hole at byte 16"},
		"safetensors of another shape":               {"model.safetensors", tensors(strings.Replace(good, "[2,2]", "[2,3]", 1), 20), "does not have the size of its shape"},
		"safetensors of an overflowing shape":        {"model.safetensors", tensors(strings.Replace(good, "[2,2]", "[9223372036854775807,4]", 1), 20), "does not have the size of its shape"},
		"safetensors of random bytes":                {"model.safetensors", strings.Repeat("\xfe", 64), "its header would have"},
		"safetensors of a few bytes":                 {"model.safetensors", "abc", "it has 3 bytes"},
		"safetensors whose header is no object":      {"model.safetensors", tensors("[1,2,3]", 0), "does not begin with {"},
		"a pickle by the name of safetensors":        {"model.safetensors", system, "imports posix system"},
		"a pickle that runs a command":               {"model.pkl", system, "model.pkl imports posix system when it is loaded"},
		"the same under an innocent name":            {"config.json", system, "imports posix system"},
		"a pickle of protocol 0":                     {"model.pkl", "cos\nsystem\n(S'id'\ntR.", "imports os system"},
		"a pickle of an instance":                    {"model.pkl", "(S'id'\nios\nsystem\n.", "imports os system"},
		"an innocent pickle":                         {"model.pkl", ordered, ""},
		"an innocent pickle of protocol 4":           {"model.pkl", ordered4, ""},
		"a second pickle behind an innocent one":     {"model.pkl", ordered + system, "imports posix system"},
		"bytes behind an innocent pickle":            {"model.pkl", ordered + "cos\nsystem\n.", "has something behind its pickle"},
		"names that are taken off the stack":         {"m.pkl", "\x80\x04\x8c\x05posix\x8c\x06system\x8c\x0bcollections\x8c\x0bOrderedDict00\x93.", "whose name is hidden"},
		"names from the memo":                        {"m.pkl", "\x80\x04\x8c\x05posix\x94\x8c\x06system\x940" + "0h\x00h\x01\x93.", "imports posix system"},
		"names that are not in the memo":             {"m.pkl", "\x80\x04]q\x00]q\x01h\x00h\x01\x93.", "whose name is hidden"},
		"an import by number":                        {"m.pkl", "\x80\x02\x82\x01.", "imports something by a number"},
		"a storage by a dotted name":                 {"m.pkl", "\x80\x02ctorch\nhub.evilStorage\n.", "imports torch hub.evilStorage"},
		"a pickle that is cut":                       {"m.pkl", system[:len(system)-3], "is no readable pickle"},
		"what was imported before the cut":           {"m.pkl", system[:len(system)-3], "imports posix system"},
		"bytes that are no pickle":                   {"m.bin", "\xff\xff\xff", "is no readable pickle after byte 1 (0xff is no opcode)"},
		"an empty pickle":                            {"m.pkl", "", "is no readable pickle after byte 0"},
		"a length beyond all bounds":                 {"m.pkl", "\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff", "beyond all bounds"},
		"an archive of PyTorch":                      {"m.pt", archive(t, "m/data.pkl", ordered, "m/version", "3\n", "m/byteorder", "little", "m/data/0", "\x80\x04xx", "m/.data/serialization_id", "1"), ""},
		"an archive with a command":                  {"m.pt", archive(t, "m/data.pkl", system, "m/data/0", "xx"), "m.pt!m/data.pkl imports posix system"},
		"an archive by another name":                 {"weights.safetensors", archive(t, "m/data.pkl", system), "imports posix system"},
		"a pickle by another name in an archive":     {"m.pt", archive(t, "m/data.pkl", ordered, "m/extra", system), "m.pt!m/extra imports posix system"},
		"code in an archive":                         {"m.pt", archive(t, "m/code/__torch__.py", "x"), "m.pt!m/code/__torch__.py is of a kind"},
		"two entries of one name":                    {"m.pt", archive(t, "m/data.pkl", ordered, "m/data.pkl", ordered), "twice"},
		"an archive that is cut":                     {"m.pt", archive(t, "m/data.pkl", ordered)[:40], "is no readable archive"},
		"arrays":                                     {"m.npz", archive(t, "a.npy", "\x93NUMPY\x01\x00v\x00{'descr': '<f4', }"), ""},
		"arrays of objects":                          {"m.npz", archive(t, "a.npy", "\x93NUMPY\x01\x00v\x00{'descr': '|O', }"), "array of objects"},
		"code":                                       {"modeling.py", "import os", "modeling.py is code"},
		"a program":                                  {"run", "\x7fELF....", "run is a program"},
		"a program by an innocent name":              {"config.json", "#!/bin/sh\n", "config.json is a program"},
		"a kind that nobody knows":                   {"model.h5", "\x89HDF\r\n", "is of a kind that is not known to be safe to load"},
		"configuration":                              {"config.json", "{}", ""},
		"an empty file":                              {"vocab.txt", "", ""},
		"a licence":                                  {"LICENSE", "x", ""},
		"a name that would write on a terminal":      {"m.pkl", "\x80\x02cos\x1b[31m\nsystem\n.", "imports os?[31m system"},
		"a checkpoint of PyTorch before its archive": {"m.pt", "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19." + "\x80\x02M\xe9\x03." + "\x80\x02}." + ordered + "\x80\x02]." + "\x01\x02raw", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := strings.Join(scan(t, tt.name, tt.content), "\n")
			if tt.want == "" {
				require.Empty(t, got)
				return
			}
			require.Contains(t, got, tt.want)
		})
	}
}

func TestScanIsBounded(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	many.WriteString("\x80\x02")
	for i := range 1000 {
		fmt.Fprintf(&many, "cm%d\no\n", i)
	}
	got := scan(t, "m.pkl", many.String()+".")
	require.Less(t, len(got), 60)
	require.Contains(t, got[len(got)-1], "imports more than is listed")
	var entries []string
	for i := range 200 {
		entries = append(entries, fmt.Sprintf("%d.py", i), "x")
	}
	require.Len(t, scan(t, "m.zip", archive(t, entries...)), 51)
	require.Contains(t, strings.Join(scan(t, "m.pkl", strings.Repeat(ordered, 20)), ""), "more pickles in a row")
}

type broken struct{}

func (broken) ReadAt([]byte, int64) (int, error) { return 0, errors.New("the store is down") }

func TestScanSaysWhenItCannotRead(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"m.safetensors", "m.pkl", "m.json"} {
		_, err := artifact.Scan(t.Context(), artifact.File{Name: name, Size: 100, ReaderAt: broken{}})
		require.ErrorContains(t, err, "the store is down", name)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := artifact.Scan(ctx, artifact.File{Name: "m.json", Size: 0, ReaderAt: strings.NewReader("")})
	require.ErrorIs(t, err, context.Canceled)
}

func FuzzScan(f *testing.F) {
	for _, seed := range []string{system, ordered, ordered4, tensors("{}", 0), "cos\nsystem\n.", "\x80\x02ctorch\nFloatStorage\n."} {
		f.Add("m.pkl", []byte(seed))
		f.Add("m.safetensors", []byte(seed))
	}
	f.Add("m.pt", []byte(archive(f, "m/data.pkl", ordered)))
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		found, err := artifact.Scan(t.Context(), artifact.File{Name: name, Size: int64(len(content)), ReaderAt: bytes.NewReader(content)})
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(found), 120)
	})
}

// Files that Python, PyTorch or joblib really wrote can be put there to see what the scan says of them.
func TestScanOfFilesOfYours(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("FIREBREAK_SCAN")
	if dir == "" {
		t.Skip("set FIREBREAK_SCAN to a folder to scan")
	}
	require.NoError(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		f, err := os.Open(path)
		require.NoError(t, err)
		defer f.Close()
		info, err := f.Stat()
		require.NoError(t, err)
		found, err := artifact.Scan(t.Context(), artifact.File{Name: path, Size: info.Size(), ReaderAt: f})
		require.NoError(t, err)
		t.Log(path, found)
		return nil
	}))
}
