package scenario

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"firebreak/internal/incident"
)

// Result is what a played incident came to, in the form of the --json file.
type Result struct {
	IncidentID string           `json:"incident_id"`
	Kind       incident.Kind    `json:"kind"`
	Verdict    incident.Verdict `json:"verdict"`
	// ElapsedMS is the time from the post of the alert until every step had ended, people included.
	ElapsedMS int64        `json:"elapsed_ms"`
	Steps     []StepResult `json:"steps"`
	Evidence  struct {
		Manifest string `json:"manifest"`
		Objects  int    `json:"objects"`
	} `json:"evidence"`
	Legal struct {
		Channel string `json:"channel"`
		TS      string `json:"ts"`
	} `json:"legal"`
}

// StepResult is one action on one target.
type StepResult struct {
	ID        string              `json:"id"`
	Action    string              `json:"action"`
	Target    string              `json:"target"`
	Status    incident.StepStatus `json:"status"`
	Verified  bool                `json:"verified"`
	StartedAt time.Time           `json:"started_at"`
	EndedAt   time.Time           `json:"ended_at"`
}

// Result sums up the record of a settled incident.
func (r *Run) Result(rec *incident.Record) Result {
	out := Result{IncidentID: rec.ID, Kind: rec.Kind, Verdict: rec.Verdict, ElapsedMS: rec.SettledAt.Sub(r.began).Milliseconds()}
	for _, s := range rec.Steps {
		out.Steps = append(out.Steps, StepResult{s.ID, s.Action, s.Target, s.Status, s.Verified, s.StartedAt, s.EndedAt})
	}
	out.Evidence.Manifest, out.Evidence.Objects = rec.Evidence.Manifest, rec.Evidence.Objects
	out.Legal.Channel, out.Legal.TS = rec.Legal.Channel, rec.Legal.TS
	return out
}

// People is how long the run waited for the command lines of its people.
func (r *Run) People() time.Duration { return r.people }

// Write saves the result as indented JSON.
func (res Result) Write(file string) error {
	raw, err := json.MarshalIndent(res, "", "  ")
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	if err := os.WriteFile(file, append(raw, '\n'), 0o644); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}
