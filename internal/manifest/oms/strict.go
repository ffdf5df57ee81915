package oms

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxDepth is how deep the JSON of a bundle may nest; the format needs six levels.
const maxDepth = 32

// checkJSON refuses a document that two readers could understand in two ways: a key that occurs twice in one object, in
// whatever case, and anything after the document.
func checkJSON(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := checkValue(d, 0); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON document")
	}
	return nil
}

func checkValue(d *json.Decoder, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("it nests deeper than %d levels", maxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	switch token {
	case json.Delim('{'):
		return checkObject(d, depth)
	case json.Delim('['):
		for d.More() {
			if err := checkValue(d, depth+1); err != nil {
				return err
			}
		}
		return closed(d)
	}
	return nil
}

func checkObject(d *json.Decoder, depth int) error {
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return fmt.Errorf("read JSON: %w", err)
		}
		key, _ := token.(string)
		if folded := strings.ToLower(key); seen[folded] {
			return fmt.Errorf("key %q occurs twice", key)
		} else {
			seen[folded] = true
		}
		if err := checkValue(d, depth+1); err != nil {
			return err
		}
	}
	return closed(d)
}

func closed(d *json.Decoder) error {
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	return nil
}
