package alert

import (
	"bytes"
	"encoding/base64"
	"mime"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The media types in which CloudEvents arrive: a whole event, or its data alone with the attributes in headers.
const (
	StructuredCloudEvent = "application/cloudevents+json"
	binaryCloudEvent     = "application/json"
)

// cloudEventsVersion is the version of the specification that is read.
const cloudEventsVersion = "1.0"

// attributeName is how the specification lets attributes be named.
var attributeName = regexp.MustCompile(`^[a-z0-9]{1,64}$`)

// DecodeCloudEvent reads one CloudEvent 1.0, in structured or in binary mode of the HTTP binding.
func DecodeCloudEvent(contentType string, header map[string][]string, raw []byte, received time.Time) (Post, error) {
	p := newPost(raw)
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return p, malformed("the Content-Type cannot be read: %w", err)
	}
	var attributes map[string]string
	var data any
	switch media {
	case StructuredCloudEvent:
		attributes, data, err = structuredEvent(raw)
	case binaryCloudEvent:
		attributes, data, err = binaryEvent(header, raw)
	default:
		return p, malformed("the Content-Type is %.80q, want %s or %s", media, StructuredCloudEvent, binaryCloudEvent)
	}
	if err != nil {
		return p, err
	}
	if v := attributes["specversion"]; v != cloudEventsVersion {
		return p, malformed("%w: specversion is %.20q, want %q", ErrVersion, v, cloudEventsVersion)
	}
	for _, name := range []string{"id", "source", "type"} {
		if clean(attributes[name]) == "" {
			return p, malformed("the attribute %s is missing", name)
		}
	}
	p.Signals = []Signal{p.cloudEvent(attributes, data, received)}
	return p, nil
}

func (p *Post) cloudEvent(attributes map[string]string, data any, received time.Time) Signal {
	s := p.newSignal(CloudEvents, received)
	for _, name := range []string{"id", "source", "type", "subject", "time"} {
		s.Fields.Set(name, attributes[name])
	}
	// An extension's name has no underscore, so firebreakkind stands for firebreak_kind.
	for _, name := range []string{KindField, AssetField, ConfidenceField, FacetField, StatusField} {
		s.Fields.Set(name, attributes[strings.ReplaceAll(name, "_", "")])
	}
	s.Fields.lift(data)
	s.Fields.setAll("ext.", extensions(attributes))
	s.Fields.setTree("data", data, 4)
	s.Resolved = strings.EqualFold(s.Fields[StatusField], "resolved")
	s.Severity = s.Fields[SeverityField]
	s.Title = s.Fields["type"]
	if object, ok := data.(map[string]any); ok {
		s.Summary = cut(clean(scalar(object["summary"])), MaxSummaryRunes)
	}
	s.StartsAt = received
	if at := attributes["time"]; at != "" {
		s.start(at)
	}
	s.identify(attributes["id"], attributes["source"], attributes["id"])
	return s
}

// extensions are the attributes beyond those of the specification.
func extensions(attributes map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range attributes {
		if !slices.Contains([]string{"id", "source", "type", "subject", "time", "specversion", "datacontenttype", "dataschema"}, name) {
			out[name] = value
		}
	}
	return out
}

// structuredEvent reads an event whose attributes and data are one JSON object.
func structuredEvent(raw []byte) (attributes map[string]string, data any, err error) {
	var w map[string]any
	if err := decode(raw, &w); err != nil {
		return nil, nil, err
	}
	attributes = map[string]string{}
	for name, value := range w {
		if name == "data" || name == "data_base64" {
			continue
		}
		if !attributeName.MatchString(name) {
			return nil, nil, malformed("%.80q is no name of an attribute", name)
		}
		if attributes[name] = scalar(value); attributes[name] == "" && value != nil && value != "" {
			return nil, nil, malformed("the attribute %s is neither text, number nor truth value", name)
		}
	}
	data, inline := w["data"]
	encoded, there := w["data_base64"]
	if !there {
		return attributes, data, nil
	}
	if inline {
		return nil, nil, malformed("it has both data and data_base64")
	}
	text, _ := encoded.(string)
	bytes, err := base64.StdEncoding.DecodeString(text)
	if err != nil || text == "" {
		return nil, nil, malformed("data_base64 is not base64")
	}
	return attributes, looseJSON(bytes), nil
}

// binaryEvent reads an event whose attributes are headers and whose data is the body.
func binaryEvent(header map[string][]string, raw []byte) (attributes map[string]string, data any, err error) {
	attributes = map[string]string{}
	for name, values := range header {
		name, ours := strings.CutPrefix(strings.ToLower(name), "ce-")
		if !ours {
			continue
		}
		if len(values) != 1 || !attributeName.MatchString(name) {
			return nil, nil, malformed("the header ce-%.80s is no single attribute", name)
		}
		value, err := url.PathUnescape(textproto.TrimString(values[0]))
		if err != nil {
			return nil, nil, malformed("the header ce-%s is not percent-encoded as it must be", name)
		}
		attributes[name] = value
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return attributes, nil, nil
	}
	if err := decode(raw, &data); err != nil {
		return nil, nil, err
	}
	return attributes, data, nil
}

// looseJSON is the value of bytes that may be JSON, or nil.
func looseJSON(raw []byte) any {
	var v any
	if decode(raw, &v) != nil {
		return nil
	}
	return v
}
