package alert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxDepth is far deeper than any webhook nests (4) and leaves room for fields that newer senders add.
const maxDepth = 32

// checkShape reads the tokens of the body once: exactly one JSON value, no deeper than maxDepth, no key twice in an
// object. Of a key that is there twice, two readers may believe different values.
func checkShape(raw []byte) error {
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
