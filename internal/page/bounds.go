package page

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"
	"unicode/utf8"

	"firebreak/internal/incident"
)

// The most characters that a page shows of one text: of what people and probes say, and of everything else, which is ids.
const (
	mostText = 4000
	mostID   = 600
)

// prose are the fields of a record that hold sentences.
func prose(field string) bool {
	return slices.Contains([]string{"Summary", "Instructions", "Method", "Reason", "Comment", "What", "Note", "Aborted", "Error", "Title", "Gaps"}, field)
}

// bounded is the record as a page may show it: a copy in which no text is longer than people read. It is done in one place, so
// that no field can be forgotten; the record that the page offers as JSON stays whole.
func bounded(raw []byte) (*incident.Record, error) {
	r := &incident.Record{}
	if err := json.Unmarshal(raw, r); err != nil {
		return nil, fmt.Errorf("copy the record: %w", err)
	}
	shorten(reflect.ValueOf(r).Elem(), mostID)
	return r, nil
}

func shorten(v reflect.Value, most int) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			shorten(v.Elem(), most)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			if prose(v.Type().Field(i).Name) {
				shorten(v.Field(i), mostText)
				continue
			}
			shorten(v.Field(i), mostID)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		for i := range v.Len() {
			shorten(v.Index(i), most)
		}
	case reflect.String:
		if s := v.String(); len(s) > most && utf8.RuneCountInString(s) > most {
			v.SetString(clip(most, s))
		}
	default:
	}
}
