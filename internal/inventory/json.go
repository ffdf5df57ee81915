package inventory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
)

// isJSON reports whether a document may be in JSON: the first thing in it opens an object.
func isJSON(raw []byte) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	return len(raw) > 0 && raw[0] == '{'
}

// decodeJSON reads a document in JSON. It is there because large inventories are made by tools: the YAML decoder needs
// minutes for a million edges. It knows the keys by the yaml tags, and is as strict as YAML's: no unknown key, none twice,
// nothing after the document. What it takes, the YAML decoder takes with the same result.
func decodeJSON(raw []byte) (*Inventory, error) {
	d := &jsonDecoder{dec: json.NewDecoder(bytes.NewReader(raw)), keys: map[reflect.Type]map[string]int{}}
	d.dec.UseNumber()
	inv := &Inventory{}
	if err := d.value(reflect.ValueOf(inv).Elem()); err != nil {
		return nil, err
	}
	if _, err := d.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the document")
	}
	return inv, nil
}

type jsonDecoder struct {
	dec *json.Decoder
	// keys remembers the fields of the types that were met.
	keys map[reflect.Type]map[string]int
}

// value reads the next value into v.
func (d *jsonDecoder) value(v reflect.Value) error {
	tok, err := d.dec.Token()
	if err != nil {
		return err
	}
	if tok == nil {
		return nil // as in YAML, null leaves what is there
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch tok {
	case json.Delim('{'):
		if v.Kind() == reflect.Map {
			return d.mapping(v)
		}
		return d.object(v)
	case json.Delim('['):
		return d.list(v)
	}
	return scalar(tok, v)
}

func scalar(tok json.Token, v reflect.Value) error {
	switch x := tok.(type) {
	case string:
		if v.Kind() == reflect.String {
			v.SetString(x)
			return nil
		}
	case bool:
		if v.Kind() == reflect.Bool {
			v.SetBool(x)
			return nil
		}
	case json.Number:
		switch v.Kind() {
		case reflect.Int, reflect.Int64:
			n, err := strconv.ParseInt(x.String(), 10, 64)
			if err == nil {
				v.SetInt(n)
			}
			return err
		case reflect.Float64:
			f, err := x.Float64()
			if err == nil {
				v.SetFloat(f)
			}
			return err
		default:
		}
	}
	return fmt.Errorf("%v is no %s", tok, v.Kind())
}

func (d *jsonDecoder) key() (string, error) {
	tok, err := d.dec.Token()
	if err != nil {
		return "", err
	}
	key, ok := tok.(string)
	if !ok {
		return "", fmt.Errorf("%v is no key", tok)
	}
	return key, nil
}

func (d *jsonDecoder) object(v reflect.Value) error {
	if v.Kind() != reflect.Struct {
		return fmt.Errorf("an object is no %s", v.Kind())
	}
	fields, known := d.keys[v.Type()]
	if !known {
		fields = keysOf(v.Type())
		d.keys[v.Type()] = fields
	}
	var seen uint64 // no entry has more fields than that; a test holds it
	for d.dec.More() {
		key, err := d.key()
		if err != nil {
			return err
		}
		i, ok := fields[key]
		if !ok || seen&(1<<i) != 0 {
			return fmt.Errorf("key %q is unknown or there twice", key)
		}
		seen |= 1 << i
		if err := d.value(v.Field(i)); err != nil {
			return err
		}
	}
	_, err := d.dec.Token()
	return err
}

func (d *jsonDecoder) mapping(v reflect.Value) error {
	v.Set(reflect.MakeMap(v.Type()))
	for d.dec.More() {
		key, err := d.key()
		if err != nil {
			return err
		}
		k := reflect.ValueOf(key)
		if v.MapIndex(k).IsValid() {
			return fmt.Errorf("key %q is there twice", key)
		}
		e := reflect.New(v.Type().Elem()).Elem()
		if err := d.value(e); err != nil {
			return err
		}
		v.SetMapIndex(k, e)
	}
	_, err := d.dec.Token()
	return err
}

func (d *jsonDecoder) list(v reflect.Value) error {
	if v.Kind() != reflect.Slice {
		return fmt.Errorf("a list is no %s", v.Kind())
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	for d.dec.More() {
		n := v.Len()
		if n == v.Cap() {
			v.Grow(1)
		}
		v.SetLen(n + 1)
		if err := d.value(v.Index(n)); err != nil {
			return err
		}
	}
	_, err := d.dec.Token()
	return err
}
