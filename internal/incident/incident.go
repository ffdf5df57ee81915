package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is the class of an incident. A playbook file bears its kind's name.
type Kind string

// The kinds whose workflows firebreak registers.
const (
	BackdoorDiscovery Kind = "backdoor-discovery"
	ExtractionEvent   Kind = "extraction-event"
	DatasetCompromise Kind = "dataset-compromise"
)

// Kinds lists the known kinds in the order in which they are shown.
func Kinds() []Kind {
	return []Kind{BackdoorDiscovery, ExtractionEvent, DatasetCompromise}
}

// ParseKind returns the kind named s, or an error that lists the known ones.
func ParseKind(s string) (Kind, error) {
	if slices.Contains(Kinds(), Kind(s)) {
		return Kind(s), nil
	}
	known := make([]string, 0, len(Kinds()))
	for _, k := range Kinds() {
		known = append(known, string(k))
	}
	return "", fmt.Errorf("unknown incident kind %q (known: %s)", s, strings.Join(known, ", "))
}

// Mode says whether an incident may touch production.
type Mode string

// A live incident resolves production assets only; a drill resolves only assets whose environment is staging or drill.
const (
	Live  Mode = "live"
	Drill Mode = "drill"
)

// Allows reports whether an incident in this mode may act on an asset of the environment env (inventory rule N12).
func (m Mode) Allows(env string) bool {
	if m == Drill {
		return env == "staging" || env == "drill"
	}
	return env == "prod"
}

// idPrefix starts the workflow id of every incident, so that they can be listed by it.
const idPrefix = "incident/"

// WorkflowID is the one place where an incident's id is built: the same kind and asset always join the same open
// incident. The discriminator is optional.
func WorkflowID(kind Kind, asset, discriminator string) string {
	id := idPrefix + string(kind) + "/" + asset
	if discriminator != "" {
		id += "/" + discriminator
	}
	return id
}

// IsWorkflowID reports whether id names an incident.
func IsWorkflowID(id string) bool { return strings.HasPrefix(id, idPrefix) }

// Request starts an incident. It names a kind and an asset; it can never carry steps or targets, which come from the
// playbook and the inventory that the worker reads.
type Request struct {
	Kind  Kind   `json:"kind"`
	Asset string `json:"asset"`
	Mode  Mode   `json:"mode"`
	// Requester is the inventory id of the person who started the incident, or the name of the alert source. A
	// requester's approvals do not count.
	Requester string `json:"requester"`
	Summary   string `json:"summary,omitempty"`
	// Severity is SEV1 (highest) to SEV4. Confidence is the detector's, 0 to 1. Facet narrows the kind: integrity,
	// confidentiality or both; api, membership, weights or stolen_credential; malware.
	Severity   string  `json:"severity,omitempty"`
	Confidence float64 `json:"confidence,omitempty"`
	Facet      string  `json:"facet,omitempty"`
	// Cluster names the gateway keys that act together in an extraction, by their SHA-256. Which of them can be acted on is
	// the inventory's word.
	Cluster []string `json:"cluster,omitempty"`
	// Recheck is the id of the closed incident of the same kind and asset that this one repeats: its containment is proved
	// again before anything else is done.
	Recheck string `json:"recheck,omitempty"`
	// Parent is the id of the incident whose playbook runs this one as a child.
	Parent string `json:"parent,omitempty"`
	// DetectedAt is the time of the first signal.
	DetectedAt time.Time `json:"detected_at"`
	// CompromisedSince is when the compromise began at the earliest, as far as a person knows. Without it the oldest suspect's
	// making counts.
	CompromisedSince time.Time `json:"compromised_since,omitzero"`
	// PlaybookDigest, when set, is the digest of the playbook that the requester expects to be run.
	PlaybookDigest string `json:"playbook_digest,omitempty"`
}

// Alert is one signal about an incident, as the trigger accepted it. Its text is data and is never interpreted.
type Alert struct {
	// Key is the sender's own identity of the alert; a re-sent alert has the same key.
	Key        string    `json:"key"`
	Source     string    `json:"source"`
	Kind       Kind      `json:"kind"`
	Asset      string    `json:"asset"`
	Severity   string    `json:"severity,omitempty"`
	Summary    string    `json:"summary,omitempty"`
	Resolved   bool      `json:"resolved,omitempty"`
	StartsAt   time.Time `json:"starts_at"`
	ReceivedAt time.Time `json:"received_at"`
	// RawSHA256 is the digest of the exact bytes that the sender posted.
	RawSHA256 string `json:"raw_sha256"`
	// Confidence and Facet are as in Request; an alert that joins can raise severity and confidence.
	Confidence float64 `json:"confidence,omitempty"`
	Facet      string  `json:"facet,omitempty"`
	// Fields are the sender's own facts by name, cleaned and bounded, e.g. the model version or the digest that was served.
	Fields map[string]string `json:"fields,omitempty"`
	// Raw is what the sender posted, compressed with gzip. It is there once for each distinct post, until it is kept as
	// evidence; RawURI then says where, with the object's version id.
	Raw    []byte `json:"raw,omitempty"`
	RawURI string `json:"raw_uri,omitempty"`
	// RawBytes is how long Raw was, so that what is not kept yet shows as missing.
	RawBytes int `json:"raw_bytes,omitempty"`
}

// AlertBatch is what one signal carries. A storm of alerts reaches an incident as counts, not as copies.
type AlertBatch struct {
	Alerts []Alert `json:"alerts"`
	// Count is how many alerts the batch stands for, repetitions included.
	Count int `json:"count"`
}
