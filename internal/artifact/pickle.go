package artifact

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// highestProtocol is the newest protocol of pickles that is known.
const highestProtocol = 5

const (
	// maxImports bounds what is listed of one file.
	maxImports = 50
	// maxString is the longest string of a pickle that is kept; names of modules are shorter.
	maxString = 512
	// maxPickles is how many pickles in a row are looked into. A checkpoint of PyTorch before 1.6 has five before its tensors.
	maxPickles = 16
	// legacyPickles is that number.
	legacyPickles = 5
	// legacyMagic begins such a checkpoint.
	legacyMagic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
)

// scanPickle lists what the pickles of a file import. Nothing is executed: opcodes are read one by one.
func scanPickle(f File) ([]string, error) {
	return scanPickleStream(f.Name, io.NewSectionReader(f, 0, f.Size))
}

func scanPickleStream(name string, in io.Reader) ([]string, error) {
	r := bufio.NewReaderSize(in, 64<<10)
	p := &pickle{r: r}
	legacy := false
	for i := 0; ; i++ {
		if head, _ := r.Peek(2 + len(legacyMagic)); i == 0 && len(head) > 2 && bytes.HasPrefix(head[2:], []byte(legacyMagic)) {
			legacy = true
		}
		err := p.read()
		if bad := new(malformed); errors.As(err, &bad) {
			p.note(fmt.Sprintf("is no readable pickle after byte %d (%s)", p.n, bad.why))
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		next, err := r.Peek(1)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		if len(next) == 0 || legacy && i+1 == legacyPickles {
			break
		}
		if i+1 == maxPickles {
			p.note("has more pickles in a row than are looked into")
			break
		}
		if next[0] != opProto {
			p.note("has something behind its pickle")
			break
		}
	}
	return p.findings(name), nil
}

// findings are the imports that no known format needs, and what else was noted.
func (p *pickle) findings(name string) []string {
	var out []string
	for _, i := range p.imports {
		if !harmless(i) {
			out = append(out, name+" imports "+i+" when it is loaded")
		}
	}
	for _, n := range p.notes {
		out = append(out, name+" "+n)
	}
	return out
}

// harmless reports whether an import only rebuilds tensors, arrays or containers.
func harmless(name string) bool {
	module, object, _ := strings.Cut(name, " ")
	switch module {
	case "torch":
		return strings.HasSuffix(object, "Storage") && !strings.Contains(object, ".") || slices.Contains([]string{
			"Size", "device", "float32", "float64", "float16", "bfloat16", "int8", "uint8", "int16", "int32", "int64", "bool",
		}, object)
	case "torch._utils":
		return slices.Contains([]string{"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter", "_rebuild_qtensor"}, object)
	case "torch.storage":
		return object == "UntypedStorage" || object == "TypedStorage"
	case "collections":
		return object == "OrderedDict" || object == "defaultdict"
	case "numpy":
		return object == "ndarray" || object == "dtype"
	case "numpy.core.multiarray", "numpy._core.multiarray":
		return object == "_reconstruct" || object == "scalar"
	case "numpy.core.numeric", "numpy._core.numeric":
		return object == "_frombuffer"
	case "builtins", "__builtin__":
		return slices.Contains([]string{"set", "frozenset", "bytearray", "complex", "range", "slice"}, object)
	case "_codecs":
		return object == "encode"
	}
	return false
}

// malformed means that the bytes are no pickle from here on. What came before has been executed by whoever loads it.
type malformed struct{ why string }

func (m *malformed) Error() string { return m.why }

// pickle reads opcodes.
type pickle struct {
	r       *bufio.Reader
	n       int64
	imports []string
	notes   []string
	// strings are the strings on top of the stack that nothing but the memo's opcodes followed, memo those that were memoised:
	// STACK_GLOBAL takes its names from there. A pickle that brings them there in another way hides what it imports.
	strings []string
	memo    map[uint64]string
	next    uint64
}

func (p *pickle) note(text string) {
	if !slices.Contains(p.notes, text) {
		p.notes = append(p.notes, text)
	}
}

func (p *pickle) imported(module, object string) {
	name := printable(module) + " " + printable(object)
	if slices.Contains(p.imports, name) {
		return
	}
	if len(p.imports) == maxImports {
		p.note("imports more than is listed")
		return
	}
	p.imports = append(p.imports, name)
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return '?'
		}
		return r
	}, short(s))
}

// read reads one pickle up to its STOP.
func (p *pickle) read() error {
	p.strings, p.memo, p.next = nil, map[uint64]string{}, 0
	for {
		op, err := p.byte()
		if err != nil {
			return err
		}
		if op == opStop {
			return nil
		}
		if err := p.opcode(op); err != nil {
			return err
		}
	}
}

func (p *pickle) byte() (byte, error) {
	b, err := p.r.ReadByte()
	if errors.Is(err, io.EOF) {
		return 0, &malformed{"it ends before its STOP"}
	}
	p.n++
	return b, err
}

// take reads n bytes and keeps the first of them.
func (p *pickle) take(n uint64) (string, error) {
	if n > 1<<62 {
		return "", &malformed{"a length is beyond all bounds"}
	}
	keep := make([]byte, min(n, maxString))
	if _, err := io.ReadFull(p.r, keep); err != nil {
		return "", ended(err)
	}
	if n > maxString {
		if _, err := io.CopyN(io.Discard, p.r, int64(n-maxString)); err != nil {
			return "", ended(err)
		}
	}
	p.n += int64(n)
	return string(keep), nil
}

func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &malformed{"it ends within an opcode"}
	}
	return err
}

// line reads the rest of a line, which is how protocol 0 writes arguments.
func (p *pickle) line() (string, error) {
	var keep []byte
	for {
		b, err := p.byte()
		if err != nil {
			return "", err
		}
		if b == '\n' {
			return strings.TrimSuffix(string(keep), "\r"), nil
		}
		if len(keep) < maxString {
			keep = append(keep, b)
		}
	}
}

// number reads a little-endian number of size bytes.
func (p *pickle) number(size int) (uint64, error) {
	raw, err := p.take(uint64(size))
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(append([]byte(raw), make([]byte, 8-size)...)), nil
}

// push keeps the two latest strings.
func (p *pickle) push(s string) {
	if p.strings = append(p.strings, s); len(p.strings) > 2 {
		p.strings = p.strings[1:]
	}
}
