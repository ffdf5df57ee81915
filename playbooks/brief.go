package playbooks

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"firebreak/internal/incident"
	"firebreak/internal/legal"
)

// Brief is the facts that legal is told, without conclusions. It has versions: zero is the heads-up, and each later change of
// the facts is a further one. Its JSON form is in workflow history: fields are only ever added.
type Brief struct {
	IncidentID string          `json:"incident_id"`
	Kind       incident.Kind   `json:"kind"`
	Mode       incident.Mode   `json:"mode"`
	Title      string          `json:"title"`
	Asset      string          `json:"asset"`
	Summary    string          `json:"summary,omitempty"`
	DetectedAt time.Time       `json:"detected_at"`
	OpenedAt   time.Time       `json:"opened_at,omitzero"`
	Radius     incident.Radius `json:"blast_radius"`
	// Data describes the personal data concerned, one line a dataset.
	Data []string `json:"data,omitempty"`
	// Regimes names the regulatory regimes of the affected systems that counsel should look at.
	Regimes []string `json:"regimes,omitempty"`
	// Actions says what containment is under way.
	Actions []string `json:"actions,omitempty"`

	Version  int    `json:"version,omitempty"`
	Severity string `json:"severity,omitempty"`
	// Playbook is the file that is run and its digest; ATLAS are its technique ids.
	Playbook string   `json:"playbook,omitempty"`
	ATLAS    []string `json:"atlas,omitempty"`
	// AsOf is when the version was made; the time left of a clock is counted from it. NextBriefAt is when the next version is
	// due.
	AsOf        time.Time `json:"as_of,omitzero"`
	NextBriefAt time.Time `json:"next_brief_at,omitzero"`
	// Systems, ModelExposure and ThirdParties are lines of the inventory's facts.
	Systems       []string `json:"systems,omitempty"`
	ModelExposure []string `json:"model_exposure,omitempty"`
	ThirdParties  []string `json:"third_parties,omitempty"`
	// Taken, Pending and Evidence are what the record says was done, is to be done and is preserved. Consequences says where
	// containment stands.
	Taken        []string `json:"taken,omitempty"`
	Pending      []string `json:"pending,omitempty"`
	Evidence     []string `json:"evidence,omitempty"`
	Consequences []string `json:"consequences,omitempty"`
	// Changes says what is new since the version before.
	Changes []string `json:"changes,omitempty"`
	// Anchors are people's findings. Clocks are the duties that may follow.
	Anchors      []legal.AnchorSet `json:"anchors,omitempty"`
	Clocks       []legal.Clock     `json:"clocks,omitempty"`
	Acknowledged []Acknowledgement `json:"acknowledged,omitempty"`
	// Profile and Subjects are what the clocks were opened from.
	Profile  legal.Profile `json:"profile,omitzero"`
	Subjects legal.Data    `json:"subjects,omitzero"`
}

// Acknowledgement is a person's word that a version of the brief was read.
type Acknowledgement struct {
	Version int       `json:"version"`
	Person  string    `json:"person"`
	Role    string    `json:"role,omitempty"`
	At      time.Time `json:"at"`
}

// Acknowledges reports whether somebody of the role has acknowledged the version.
func (b *Brief) Acknowledges(version int, role string) bool {
	for _, a := range b.Acknowledged {
		if a.Version == version && a.Role == role {
			return true
		}
	}
	return false
}

// RemindActivity takes a Reminder and returns an incident.Effect.
const RemindActivity = "legal.remind"

// Reminder is a message to legal in the thread of the brief.
type Reminder struct {
	// ID is the idempotency key: a reminder is posted once under it.
	ID         string        `json:"id"`
	IncidentID string        `json:"incident_id"`
	Mode       incident.Mode `json:"mode"`
	Channel    string        `json:"channel"`
	// ThreadTS is the timestamp of the brief. Empty, or gone, means the channel itself.
	ThreadTS string   `json:"thread_ts,omitempty"`
	Lines    []string `json:"lines"`
	// Mention are Slack ids of the people whom the reminder is for.
	Mention []string `json:"mention,omitempty"`
	// Email are the addresses that are used where Slack cannot be; Exposed is why it must not be: what of the blast radius
	// opens it.
	Email   []string `json:"email,omitempty"`
	Exposed []string `json:"exposed,omitempty"`
	// Since is a time before which the reminder cannot have been posted.
	Since time.Time `json:"since,omitzero"`
}

// NewReminder makes the reminder that a share of a clock's time is gone. It is the same however often it is made: its key
// names the clock, the deadline and the percentage, so that a deadline that moved is reminded of anew.
func (p *Plan) NewReminder(c legal.Clock, percent int, now time.Time, told incident.Legal) Reminder {
	r := Reminder{
		ID: strings.Join([]string{
			p.Brief.IncidentID, "clock", c.Regime, c.Deadline().UTC().Format(time.RFC3339), strconv.Itoa(percent),
		}, "/"),
		IncidentID: p.Brief.IncidentID, Mode: p.Brief.Mode, Channel: told.Channel, ThreadTS: told.TS, Since: p.Brief.DetectedAt,
		Lines: c.Warning(percent, now), Email: p.LegalEmail(), Exposed: p.Radius.Communications,
	}
	if r.Channel == "" {
		r.Channel = p.legalChannel()
	}
	for _, id := range c.Addressees(percent) {
		for i := range p.People {
			if p.People[i].ID != id {
				continue
			}
			if p.People[i].Slack != "" {
				r.Mention = append(r.Mention, p.People[i].Slack)
			}
			if a := p.People[i].Email(); a != "" && !slices.Contains(r.Email, a) {
				r.Email = append(r.Email, a)
			}
		}
	}
	return r
}

// LegalEmail are the addresses of legal for where Slack cannot be used.
func (p *Plan) LegalEmail() []string {
	var out []string
	p.Playbook.Walk(func(_ string, s *Step) {
		for _, t := range p.Targets[s.ID] {
			if t.Stakeholder == nil {
				continue
			}
			for _, a := range t.Stakeholder.Email {
				if !slices.Contains(out, a) {
					out = append(out, a)
				}
			}
		}
	})
	return out
}

// legalChannel is where the playbook tells legal, or "" if the inventory names no channel. Steps are walked in the order of
// the playbook.
func (p *Plan) legalChannel() string {
	channel := ""
	p.Playbook.Walk(func(_ string, s *Step) {
		if a, ok := FindAction(s.Action); !ok || a.Role != incident.RoleNotification {
			return
		}
		for _, t := range p.Targets[s.ID] {
			if channel == "" && t.Stakeholder != nil {
				channel = t.Stakeholder.Channel
			}
		}
	})
	return channel
}
