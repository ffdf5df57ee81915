package artifact

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sort"
)

// maxHeader is the largest header that the format's own readers take.
const maxHeader = 100_000_000

// tensor is one entry of a safetensors header.
type tensor struct {
	DType   string   `json:"dtype"`
	Shape   []uint64 `json:"shape"`
	Offsets []uint64 `json:"data_offsets"`
}

// scanSafetensors checks that the file is what its name says: a header in JSON and tensors that fill the rest without a hole,
// in which something else could hide.
func scanSafetensors(f File) ([]string, error) {
	fault := func(format string, args ...any) ([]string, error) {
		return []string{f.Name + " is not valid safetensors: " + fmt.Sprintf(format, args...)}, nil
	}
	if f.Size < 8 {
		return fault("it has %d bytes", f.Size)
	}
	var prefix [8]byte
	if _, err := f.ReadAt(prefix[:], 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("read %s: %w", f.Name, err)
	}
	size := binary.LittleEndian.Uint64(prefix[:])
	if size > maxHeader || size > uint64(f.Size)-8 {
		return fault("its header would have %d bytes", size)
	}
	header := make([]byte, size)
	if _, err := f.ReadAt(header, 8); err != nil && err != io.EOF {
		return nil, fmt.Errorf("read %s: %w", f.Name, err)
	}
	if !bytes.HasPrefix(header, []byte("{")) {
		return fault("its header does not begin with {")
	}
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(header, &entries); err != nil {
		return fault("its header is no JSON object")
	}
	delete(entries, "__metadata__")
	return filled(f, entries, uint64(f.Size)-8-size, fault)
}

// filled checks that the tensors fill the data exactly.
func filled(f File, entries map[string]json.RawMessage, data uint64, fault func(string, ...any) ([]string, error)) ([]string, error) {
	var tensors []tensor
	for name, raw := range entries {
		var t tensor
		if err := json.Unmarshal(raw, &t); err != nil || len(t.Offsets) != 2 || t.Offsets[0] > t.Offsets[1] {
			return fault("tensor %q has no place", short(name))
		}
		want, ok := t.bits()
		if have := t.Offsets[1] - t.Offsets[0]; !ok || have > 1<<60 || want != have*8 {
			return fault("tensor %q of type %q does not have the size of its shape", short(name), short(t.DType))
		}
		tensors = append(tensors, t)
	}
	sort.Slice(tensors, func(i, j int) bool {
		a, b := tensors[i].Offsets, tensors[j].Offsets
		return a[0] < b[0] || a[0] == b[0] && a[1] < b[1]
	})
	var end uint64
	for _, t := range tensors {
		if t.Offsets[0] != end {
			return fault("its tensors overlap or leave a hole at byte %d", end)
		}
		end = t.Offsets[1]
	}
	if end != data {
		return fault("its tensors end at byte %d of %d", end, data)
	}
	return nil, nil
}

// bits is the size that type and shape call for.
func (t tensor) bits() (uint64, bool) {
	n, ok := map[string]uint64{
		"BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "U16": 16, "I16": 16, "F16": 16, "BF16": 16,
		"U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64, "C64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
	}[t.DType]
	for _, d := range t.Shape {
		if d != 0 && n > (1<<62)/d {
			return 0, false
		}
		n *= d
	}
	return n, ok
}

// short keeps what a file says of itself from filling a message.
func short(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}
