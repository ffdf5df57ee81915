package artifact

import (
	"archive/zip"
	"bufio"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

const (
	// maxEntries bounds how many entries of an archive are looked into.
	maxEntries = 100_000
	// maxFindings bounds what is listed of one archive.
	maxFindings = 50
)

// scanZip looks into an archive, which is what PyTorch writes: a pickle beside raw tensors.
func scanZip(ctx context.Context, f File) ([]string, error) {
	archive, err := zip.NewReader(f, f.Size)
	if errors.Is(err, zip.ErrFormat) || errors.Is(err, zip.ErrAlgorithm) {
		return []string{f.Name + " is no readable archive"}, nil
	}
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("read %s: %w", f.Name, err)
	}
	if len(archive.File) > maxEntries {
		return []string{fmt.Sprintf("%s has %d entries, more than are looked into", f.Name, len(archive.File))}, nil
	}
	var out []string
	seen := map[string]bool{}
	for _, e := range archive.File {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if seen[e.Name] {
			out = append(out, f.Name+" has the entry "+printable(e.Name)+" twice: loaders may not read the one that is looked into")
		}
		seen[e.Name] = true
		found, err := scanEntry(f.Name+"!"+printable(e.Name), e)
		if err != nil {
			return nil, err
		}
		if out = append(out, found...); len(out) >= maxFindings {
			return append(out[:maxFindings], f.Name+" has more that is not listed"), nil
		}
	}
	return out, nil
}

// scanEntry looks into one entry. Raw tensors are under data/ and have no name but a number.
func scanEntry(name string, e *zip.File) ([]string, error) {
	if e.FileInfo().IsDir() {
		return nil, nil
	}
	in, err := e.Open()
	if damaged(err) {
		return []string{name + " is damaged"}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", name, err)
	}
	defer in.Close()
	r := bufio.NewReader(in)
	head, err := r.Peek(2)
	if damaged(err) {
		return []string{name + " is damaged"}, nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("unpack %s: %w", name, err)
	}
	ext := strings.ToLower(path.Ext(e.Name))
	raw := path.Base(path.Dir(e.Name)) == "data" && ext == ""
	switch {
	case slices.Contains(pickled(), ext), !raw && len(head) > 1 && head[0] == opProto && head[1] <= highestProtocol:
		found, err := scanPickleStream(name, r)
		if damaged(err) {
			return []string{name + " is damaged"}, nil
		}
		return found, err
	case raw, slices.Contains(inert(), ext), ext == "" && slices.Contains([]string{"version", "byteorder", "serialization_id", ".format_version", ".storage_alignment"}, path.Base(e.Name)),
		strings.HasPrefix(path.Base(e.Name), ".format_version"), strings.HasPrefix(path.Base(e.Name), ".storage_alignment"):
		return nil, nil
	case ext == ".npy":
		return scanArray(name, r)
	}
	return []string{name + " is of a kind that is not known to be safe to load"}, nil
}

// damaged reports whether an error is about the bytes of the archive and not about reading them.
func damaged(err error) bool {
	corrupt := flate.CorruptInputError(0)
	return errors.Is(err, zip.ErrChecksum) || errors.Is(err, zip.ErrFormat) || errors.Is(err, zip.ErrAlgorithm) || errors.As(err, &corrupt)
}

// scanArray reads the header of a NumPy array: one of objects is a pickle.
func scanArray(name string, r io.Reader) ([]string, error) {
	head := make([]byte, 1024)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	text := string(head[:n])
	if !strings.HasPrefix(text, "\x93NUMPY") || strings.Contains(text, "'descr': '|O'") || strings.Contains(text, "'O'") {
		return []string{name + " is an array of objects, or no array"}, nil
	}
	return nil, nil
}
