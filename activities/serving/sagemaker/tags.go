package sagemaker

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"firebreak/playbooks"
)

// The tags that firebreak keeps on an endpoint or an inference component. They are its books there, and what a person needs
// who must restore it without firebreak.
const (
	// OperationTag names the operation that disabled or enabled it last, IncidentTag the incident that holds it, and
	// PointerTag the operation that chose its model last.
	OperationTag = "firebreak:operation"
	IncidentTag  = "firebreak:incident"
	PointerTag   = "firebreak:rollback-operation"
	// CopiesTag is how many copies an inference component had, and ScalingTag which of its scaling was suspended already.
	CopiesTag  = "firebreak:copies"
	ScalingTag = "firebreak:scaling"
	// WeightsTag are the weights that an endpoint's variants had.
	WeightsTag = "firebreak:weights"
	// ConfigTag is the endpoint configuration that a parked endpoint goes back to.
	ConfigTag = "firebreak:config"

	tagPrefix = "firebreak:"
	tagLimit  = 256
)

// stopTags are the tags that taking out of service and putting back change.
func stopTags() []string {
	return []string{OperationTag, IncidentTag, CopiesTag, ScalingTag, WeightsTag, ConfigTag}
}

// tagValue is a name as a tag can hold it. One that is too long or has characters that no tag may have becomes its digest.
func tagValue(name string) string {
	if len(name) <= tagLimit && regexp.MustCompile(`^[\p{L}\p{N} _.:/=+\-@]*$`).MatchString(name) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// named is the name that a tag stands for: the operation's own, if it is that one.
func named(tag, own string) string {
	if tag == tagValue(own) {
		return own
	}
	return tag
}

// objectName is the name of what an operation creates, so that it creates it once.
func objectName(op *playbooks.Operation, address string) string {
	sum := sha256.Sum256([]byte(op.ID + "\n" + address))
	return "firebreak-" + hex.EncodeToString(sum[:16])
}

func weightsTag(weights map[string]float32) string {
	parts := make([]string, 0, len(weights))
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		parts = append(parts, name+"="+strconv.FormatFloat(float64(weights[name]), 'g', -1, 32))
	}
	return strings.Join(parts, " ")
}

// readWeights reads what weightsTag wrote. It is nil for anything else.
func readWeights(tag string) map[string]float32 {
	out := map[string]float32{}
	for part := range strings.FieldsSeq(tag) {
		name, text, ok := strings.Cut(part, "=")
		w, err := strconv.ParseFloat(text, 32)
		if !ok || name == "" || err != nil || w < 0 {
			return nil
		}
		out[name] = float32(w)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// Suspended says which parts of a component's scaling are suspended.
type Suspended struct {
	In        bool `json:"in"`
	Out       bool `json:"out"`
	Scheduled bool `json:"scheduled"`
}

func (s Suspended) tag() string {
	return fmt.Sprintf("in=%t out=%t scheduled=%t", s.In, s.Out, s.Scheduled)
}

// readSuspended reads what Suspended.tag wrote; anything else is scaling that was not suspended.
func readSuspended(tag string) Suspended {
	var s Suspended
	_, _ = fmt.Sscanf(tag, "in=%t out=%t scheduled=%t", &s.In, &s.Out, &s.Scheduled) // what cannot be read is false
	return s
}
