package alert

import (
	"cmp"
	"encoding/json"
	"time"
)

// genericPost is firebreak's own form, for senders that are a script or a detector of one's own.
type genericPost struct {
	// ID is the same each time the alert is sent again.
	ID         string            `json:"id"`
	Status     string            `json:"status"`
	Title      string            `json:"title"`
	Summary    string            `json:"summary"`
	Severity   string            `json:"severity"`
	Confidence json.Number       `json:"confidence"`
	Facet      string            `json:"facet"`
	Kind       string            `json:"kind"`
	Asset      string            `json:"asset"`
	StartsAt   string            `json:"starts_at"`
	Fields     map[string]string `json:"fields"`
}

// DecodeGeneric reads firebreak's own form. Unknown names are faults: the sender is meant to be written for this form.
func DecodeGeneric(raw []byte, received time.Time) (Post, error) {
	p := newPost(raw)
	var w genericPost
	if err := decodeStrictly(raw, &w); err != nil {
		return p, err
	}
	switch {
	case w.ID == "":
		return p, malformed("id is missing: it tells a repetition from a new alert")
	case w.Title == "" && w.Summary == "":
		return p, malformed("title and summary are both missing")
	case w.Status != "" && w.Status != "firing" && w.Status != "resolved":
		return p, malformed("status is %.40q, want firing or resolved", w.Status)
	}
	s := p.newSignal(Generic, received)
	s.Resolved = w.Status == "resolved"
	s.Title, s.Summary = cut(clean(w.Title), MaxSummaryRunes), cut(clean(w.Summary), MaxSummaryRunes)
	s.Severity = cutBytes(clean(w.Severity), MaxValueBytes)
	s.Fields.Set(KindField, w.Kind)
	s.Fields.Set(AssetField, w.Asset)
	s.Fields.Set(ConfidenceField, string(w.Confidence))
	s.Fields.Set(FacetField, w.Facet)
	s.Fields.setAll("", w.Fields)
	s.StartsAt = received
	at := ""
	if w.StartsAt != "" {
		at = s.start(w.StartsAt)
	}
	s.identify(w.ID, w.ID, cmp.Or(at, "-"))
	p.Signals = []Signal{s}
	return p, nil
}
