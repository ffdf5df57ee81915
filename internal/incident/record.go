package incident

import (
	"strings"
	"time"
)

// Progress says how far an incident has come.
type Progress string

// An incident is opening until its plan is resolved, responding while the playbook runs, settled when every step has
// ended, and closed when a person closed it. A settled incident that is not contained keeps trying.
const (
	Opening    Progress = "opening"
	Responding Progress = "responding"
	Settled    Progress = "settled"
	Closed     Progress = "closed"
)

// Record is the whole state of an incident: the answer to the status query and the workflow's result.
type Record struct {
	ID        string `json:"incident_id"`
	Kind      Kind   `json:"kind"`
	Asset     string `json:"asset"`
	Mode      Mode   `json:"mode"`
	Requester string `json:"requester"`
	Summary   string `json:"summary,omitempty"`
	// Severity, Confidence and Facet are those of the request; conditions of the playbook compare them.
	Severity   string   `json:"severity,omitempty"`
	Confidence float64  `json:"confidence,omitempty"`
	Facet      string   `json:"facet,omitempty"`
	Progress   Progress `json:"progress"`
	Verdict    Verdict  `json:"verdict"`
	Gaps       []string `json:"gaps,omitempty"`

	DetectedAt time.Time `json:"detected_at"`
	OpenedAt   time.Time `json:"opened_at"`
	SettledAt  time.Time `json:"settled_at,omitzero"`
	ClosedAt   time.Time `json:"closed_at,omitzero"`

	Playbook PlaybookRef `json:"playbook"`
	Radius   Radius      `json:"blast_radius"`
	// PlanDigest is what an approval is bound to: playbook, inventory, mode and every resolved target.
	PlanDigest string     `json:"plan_digest"`
	Steps      []Step     `json:"steps"`
	Approvals  []Approval `json:"approvals,omitempty"`
	Tasks      []Task     `json:"tasks,omitempty"`
	Waits      []Wait     `json:"waits,omitempty"`
	Children   []Child    `json:"children,omitempty"`
	Clocks     []Clock    `json:"clocks,omitempty"`
	Watched    Watched    `json:"watched,omitzero"`
	// Paused is true while no new step is started. What runs goes on to its proof.
	Paused bool `json:"paused,omitempty"`
	// Aborted is set when the playbook was ended before its end, and says why.
	Aborted  string   `json:"aborted,omitempty"`
	Evidence Evidence `json:"evidence"`
	Legal    Legal    `json:"legal"`
	Thread   Thread   `json:"thread,omitzero"`
	Alerts   []Alert  `json:"alerts,omitempty"`
	// AlertCount counts every signal that joined, also those no longer kept in Alerts.
	AlertCount int     `json:"alert_count"`
	Timeline   []Event `json:"timeline"`
}

// PlaybookRef identifies the playbook snapshot that an incident runs.
type PlaybookRef struct {
	File            string `json:"file"`
	Title           string `json:"title"`
	Digest          string `json:"digest"`
	InventoryDigest string `json:"inventory_digest"`
}

// Radius is the blast radius in the record: the ids of the assets that the incident reaches.
type Radius struct {
	DatasetVersions []string `json:"dataset_versions,omitempty"`
	Checkpoints     []string `json:"checkpoints,omitempty"`
	Models          []string `json:"models,omitempty"`
	Endpoints       []string `json:"endpoints,omitempty"`
	Writers         []string `json:"writers,omitempty"`
	Callers         []string `json:"callers,omitempty"`
	// Communications are credentials that open Slack or its identity provider: whoever did this may read along there.
	Communications []string `json:"communications,omitempty"`
	PersonalData   bool     `json:"personal_data"`
	HighRisk       bool     `json:"high_risk"`
	// SharedCredentials is true if a credential in the radius has more than one holder's work depending on it.
	SharedCredentials bool `json:"shared_credentials"`
	// Criticality are those of the affected systems: safety, business or internal. Exposure are those of the endpoints.
	Criticality []string `json:"criticality,omitempty"`
	Exposure    []string `json:"exposure,omitempty"`
	Environment string   `json:"environment,omitempty"`
	// ContainOnTimeout is what the affected models' containment policies do if nobody decides: disable or throttle.
	ContainOnTimeout []string `json:"contain_on_timeout,omitempty"`
	// CompromisedSince is when the compromise began at the earliest, if somebody said so.
	CompromisedSince time.Time `json:"compromised_since,omitzero"`
	// Unknown lists assets whose lineage is unknown; they count as affected (V9).
	Unknown []string `json:"unknown_lineage,omitempty"`
	// Cluster are the gateway keys, by their SHA-256, that the incident is about; none if nobody named any.
	Cluster []string `json:"cluster,omitempty"`
	// Unreached says of each key of the cluster that nothing can be done to why not; each is a gap.
	Unreached []string `json:"unreached_keys,omitempty"`
}

// Evidence is where the incident's manifest is kept.
type Evidence struct {
	// Manifest is the S3 URI, with its version id, of the locked manifest that lists every receipt and object.
	Manifest string `json:"manifest"`
	SHA256   string `json:"sha256,omitempty"`
	// Objects counts the locked object versions that the snapshots preserved.
	Objects int `json:"objects"`
	// Signer is the key that signed the manifest, as name:version; empty if it is not signed.
	Signer string `json:"signer,omitempty"`
	// Gaps is what the manifest could not hold, e.g. a signature. The verdict shows them.
	Gaps []string `json:"gaps,omitempty"`
}

// Legal says where and when legal was told. TS is Slack's message timestamp, or the Message-ID of the e-mail that went instead;
// both are empty while legal is not told.
type Legal struct {
	Channel string    `json:"channel"`
	TS      string    `json:"ts"`
	ToldAt  time.Time `json:"told_at,omitzero"`
	// AcknowledgedBy names who in legal or privacy acknowledged the brief.
	AcknowledgedBy string    `json:"acknowledged_by,omitempty"`
	AcknowledgedAt time.Time `json:"acknowledged_at,omitzero"`
}

// Thread is the incident's thread in the on-call channel. TS is Slack's timestamp of its root message; Shown counts the
// timeline's events that have been posted.
type Thread struct {
	Channel   string `json:"channel"`
	ChannelID string `json:"channel_id,omitempty"`
	TS        string `json:"ts,omitempty"`
	Shown     int    `json:"shown"`
	// Root is the digest of the root message as it was last shown; Last is the timestamp of our newest message in the thread.
	Root string `json:"root,omitempty"`
	Last string `json:"last,omitempty"`
	// Asked are the messages that ask people for something and are still open.
	Asked []ThreadMessage `json:"asked,omitempty"`
	// More is true if the update left something for the next one.
	More bool `json:"more,omitempty"`
}

// ThreadMessage is a message in a thread: the operation that it belongs to, where it is and what it last showed.
type ThreadMessage struct {
	ID     string `json:"id"`
	TS     string `json:"ts"`
	Digest string `json:"digest"`
}

// ByEmail reports whether legal was told by e-mail instead of in the channel.
func (l Legal) ByEmail() bool { return strings.HasPrefix(l.TS, "<") }

// Where says in words where legal was told.
func (l Legal) Where() string {
	if l.ByEmail() {
		return "by e-mail " + l.TS + " instead of in " + l.Channel
	}
	return "in " + l.Channel
}

// Event is one line of the timeline.
type Event struct {
	At     time.Time `json:"at"`
	Step   string    `json:"step,omitempty"`
	Target string    `json:"target,omitempty"`
	What   string    `json:"what"`
}
