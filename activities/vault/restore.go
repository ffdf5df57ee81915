package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"firebreak/activities/failure"
)

// restore writes a definition back as it was captured. It reports false if it is there already, and refuses to overwrite
// another one, which somebody made since.
func (s server) restore(ctx context.Context, path, definition string) (bool, error) {
	present, err := s.readExact(ctx, path)
	if err != nil {
		return false, err
	}
	if present != "" {
		same, err := equalJSON(present, definition)
		if err != nil {
			return false, fmt.Errorf("compare %s with what was captured: %w", path, err)
		}
		if !same {
			return false, failure.New(failure.TargetChanged, "%s was made anew since it was captured and is not overwritten", path)
		}
		return false, nil
	}
	return true, s.writeExact(ctx, path, definition)
}

// equalJSON compares values, whatever the order of keys. Vault answers null for a list that was never set and [] for one
// that was set to nothing; the two mean the same.
func equalJSON(a, b string) (bool, error) {
	var canonical [2][]byte
	for i, text := range []string{a, b} {
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			return false, err
		}
		encoded, err := json.Marshal(withoutEmpty(value))
		if err != nil {
			return false, err
		}
		canonical[i] = encoded
	}
	return bytes.Equal(canonical[0], canonical[1]), nil
}

// withoutEmpty drops the members of an object that are null or an empty list.
func withoutEmpty(value any) any {
	object, ok := value.(map[string]any)
	if !ok {
		return value
	}
	maps.DeleteFunc(object, func(_ string, member any) bool {
		list, isList := member.([]any)
		return member == nil || (isList && len(list) == 0)
	})
	return object
}
