package manifest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// EncodeLines writes entries as JSON Lines, one object a line, sorted by key, so that the same entries give the same
// bytes in whatever order they come. No entry at all, a key that is empty, occurs twice or is not UTF-8 (JSON would
// change it) are errors.
func EncodeLines[T any](entries []T, key func(T) string) ([]byte, error) {
	if len(entries) == 0 {
		return nil, errors.New("encode manifest: there is no entry")
	}
	sorted := slices.Clone(entries)
	slices.SortStableFunc(sorted, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	var out bytes.Buffer
	for i, entry := range sorted {
		if err := checkKey(sorted, i, key); err != nil {
			return nil, fmt.Errorf("encode manifest: %w", err)
		}
		line, err := json.Marshal(entry)
		if err != nil {
			return nil, fmt.Errorf("encode manifest entry %q: %w", key(entry), err)
		}
		out.Write(line)
		out.WriteByte('\n')
	}
	return out.Bytes(), nil
}

// DecodeLines reads what EncodeLines wrote and nothing else: it accepts exactly the bytes that encoding its result
// yields. Unknown or repeated fields, another order, blank lines or other spacing are errors, because two readers could
// understand such a manifest in two ways.
func DecodeLines[T any](data []byte, key func(T) string) ([]T, error) {
	if len(data) == 0 {
		return nil, errors.New("decode manifest: there is no entry")
	}
	if data[len(data)-1] != '\n' {
		return nil, errors.New("decode manifest: the last line is cut off")
	}
	var entries []T
	for number, line := range bytes.Split(data[:len(data)-1], []byte{'\n'}) {
		entry, err := decodeLine[T](line)
		if err != nil {
			return nil, fmt.Errorf("decode manifest line %d: %w", number+1, err)
		}
		entries = append(entries, entry)
		if err := checkKey(entries, len(entries)-1, key); err != nil {
			return nil, fmt.Errorf("decode manifest line %d: %w", number+1, err)
		}
	}
	return entries, nil
}

func decodeLine[T any](line []byte) (T, error) {
	var entry T
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&entry); err != nil {
		return entry, err
	}
	again, err := json.Marshal(entry)
	if err != nil {
		return entry, err
	}
	if !bytes.Equal(again, line) {
		return entry, errors.New("not in canonical form")
	}
	return entry, nil
}

// checkKey holds the key of entries[i] against the one before it.
func checkKey[T any](entries []T, i int, key func(T) string) error {
	k := key(entries[i])
	switch {
	case k == "":
		return errors.New("an entry has no key")
	case !utf8.ValidString(k):
		return fmt.Errorf("key %q is not UTF-8", k)
	case i > 0 && key(entries[i-1]) == k:
		return fmt.Errorf("key %q is listed twice", k)
	case i > 0 && key(entries[i-1]) > k:
		return fmt.Errorf("key %q is out of order", k)
	}
	return nil
}
