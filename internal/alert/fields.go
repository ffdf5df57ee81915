package alert

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"firebreak/internal/incident"
)

// Limits of the fields of a signal. An incident takes over MaxFields of them; routes see up to maxSeen.
const (
	MaxFields     = 32
	MaxNameBytes  = 64
	MaxValueBytes = 256
	maxSeen       = 256
	// MaxClusterBytes is the limit of the one field that holds a list: the hashed keys of a cluster.
	MaxClusterBytes = 8 << 10
)

// The fields that decide where a signal goes by the built-in routes, whatever its sender.
const (
	KindField       = "firebreak_kind"
	AssetField      = "firebreak_asset"
	ConfidenceField = "firebreak_confidence"
	FacetField      = "firebreak_facet"
	SeverityField   = "severity"
	ClusterField    = incident.ClusterField
	// StatusField says "resolved" in events whose format has no place for it.
	StatusField = "firebreak_status"
	ownPrefix   = "firebreak_"
)

// Fields are a sender's facts by name.
type Fields map[string]string

// Set takes a fact over, cleaned and bounded. What is empty is left out, and what is there first stays: a decoder sets what
// it knows before what the sender may call anything.
func (f Fields) Set(name, value string) {
	name, value = cutBytes(clean(name), MaxNameBytes), clean(value)
	if name == ClusterField {
		value = cutBytes(incident.HashKeys(value), MaxClusterBytes)
	} else {
		value = cutBytes(value, MaxValueBytes)
	}
	if _, there := f[name]; there || name == "" || value == "" || len(f) == maxSeen {
		return
	}
	f[name] = value
}

// setAll takes labels over, those for firebreak first: none of them is lost to the bound.
func (f Fields) setAll(prefix string, labels map[string]string) {
	for _, name := range byWeight(labels, nil) {
		f.Set(prefix+name, labels[name])
	}
}

// setTree takes the scalars of a JSON value over under their path. Lists are counted by their places.
func (f Fields) setTree(name string, v any, depth int) {
	switch v := v.(type) {
	case map[string]any:
		if depth == 0 {
			return
		}
		for _, key := range byWeight(v, nil) {
			f.setTree(joinName(name, key), v[key], depth-1)
		}
	case []any:
		if depth == 0 {
			return
		}
		for i, item := range v {
			if i == 8 {
				return
			}
			f.setTree(joinName(name, string(rune('0'+i))), item, depth-1)
		}
	default:
		f.Set(name, scalar(v))
	}
}

// lift takes the scalars of an object that are named for firebreak over under their own names.
func (f Fields) lift(v any) {
	object, _ := v.(map[string]any)
	for _, name := range byWeight(object, nil) {
		if strings.HasPrefix(name, ownPrefix) || name == SeverityField {
			f.Set(name, scalar(object[name]))
		}
	}
}

func joinName(a, b string) string {
	if a == "" {
		return b
	}
	return a + "." + b
}

// scalar writes a JSON scalar as it was written; other values are empty.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return ""
}

// bounded returns at most MaxFields fields: those named in keep, then those for firebreak, then in alphabetical order.
func (f Fields) bounded(keep []string) map[string]string {
	names := byWeight(f, keep)
	if len(names) == 0 {
		return nil
	}
	out := map[string]string{}
	for _, name := range names[:min(len(names), MaxFields)] {
		out[name] = f[name]
	}
	return out
}

// byWeight orders names: those in keep, those for firebreak, the others; each in alphabetical order.
func byWeight[V any](m map[string]V, keep []string) []string {
	weight := func(name string) int {
		switch {
		case slices.Contains(keep, name):
			return 0
		case strings.HasPrefix(name, ownPrefix):
			return 1
		}
		return 2
	}
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(weight(a), weight(b)), cmp.Compare(a, b))
	})
}

// cutBytes shortens s to at most n bytes of whole runes and marks that it did, so that a name that was cut is no other's.
func cutBytes(s string, n int) string {
	const mark = "…"
	if len(s) <= n {
		return s
	}
	end := n - len(mark)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + mark
}
