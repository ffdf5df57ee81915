package alert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxDepth is far deeper than any webhook nests and leaves room for fields that newer senders add.
const maxDepth = 32

// decode reads the bytes into v, after they have been found to be one well-formed JSON value. Fields that v does not name
// are ignored: newer versions of a sender add some.
func decode(raw []byte, v any) error {
	return decodeWith(raw, v, func(*json.Decoder) {})
}

// decodeStrictly is decode for firebreak's own form: fields that v does not name are faults.
func decodeStrictly(raw []byte, v any) error {
	return decodeWith(raw, v, (*json.Decoder).DisallowUnknownFields)
}

func decodeWith(raw []byte, v any, set func(*json.Decoder)) error {
	if len(raw) > MaxBytes {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(raw), MaxBytes)
	}
	if err := checkShape(raw); err != nil {
		return malformed("%w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	set(dec)
	if err := dec.Decode(v); err != nil {
		return malformed("%w", err)
	}
	return nil
}

// checkShape reads the tokens of the body once: UTF-8, exactly one JSON value, no deeper than maxDepth, no key twice in an
// object. Of a key that is there twice, two readers may believe different values.
func checkShape(raw []byte) error {
	if !utf8.Valid(raw) {
		return errors.New("it is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := checkValue(dec, 0); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	return nil
}

func checkValue(dec *json.Decoder, depth int) error {
	tok, err := dec.Token()
	if errors.Is(err, io.EOF) {
		return errors.New("it is empty or ends early")
	}
	if err != nil {
		return err
	}
	delim, nested := tok.(json.Delim)
	if !nested {
		return nil
	}
	if depth == maxDepth {
		return fmt.Errorf("it nests deeper than %d levels", maxDepth)
	}
	seen := map[string]bool{}
	for dec.More() {
		if delim == '{' {
			if err := checkKey(dec, seen); err != nil {
				return err
			}
		}
		if err := checkValue(dec, depth+1); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}

func checkKey(dec *json.Decoder, seen map[string]bool) error {
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	key, ok := tok.(string)
	if !ok {
		return fmt.Errorf("%v is not a key", tok)
	}
	if seen[key] {
		return fmt.Errorf("the key %.40q is there twice in one object", key)
	}
	seen[key] = true
	return nil
}
