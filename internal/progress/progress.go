// Package progress says how far a long activity is. The activity counts in a Meter that its context carries; what runs it
// sends the Meter's reports as heartbeats, where a status can read them.
package progress

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Report is how far an activity is: the detail of its heartbeat. It holds no name of an object and no secret.
type Report struct {
	// Step and Target name what it works on, as the incident's record does.
	Step   string `json:"step,omitempty"`
	Target string `json:"target,omitempty"`
	// Stage is a word for what is being done, such as "copying".
	Stage string `json:"stage"`
	// Objects of Total objects and Bytes of Size bytes are done.
	Objects int64 `json:"objects"`
	Total   int64 `json:"total"`
	Bytes   int64 `json:"bytes"`
	Size    int64 `json:"size"`
	// Rate is in bytes a second since the stage began, what an earlier attempt had done not counted.
	Rate int64 `json:"rate"`
	// Slowed is how often the store asked for fewer requests.
	Slowed int64 `json:"slowed,omitempty"`
}

// String is the report in a line, such as "copying: 3 of 10 objects, 1.5 of 4.0 GiB, 210.0 MiB/s".
func (r Report) String() string {
	unit, name := unitOf(r.Size)
	text := fmt.Sprintf("%s: %d of %d objects, %.1f of %.1f %s", r.Stage, r.Objects, r.Total, float64(r.Bytes)/unit, float64(r.Size)/unit, name)
	rate, name := unitOf(r.Rate)
	text += fmt.Sprintf(", %.1f %s/s", float64(r.Rate)/rate, name)
	if r.Slowed > 0 {
		text += fmt.Sprintf(", slowed down %d times by the store", r.Slowed)
	}
	return text
}

func unitOf(n int64) (float64, string) {
	switch {
	case n >= 1<<30:
		return 1 << 30, "GiB"
	case n >= 1<<20:
		return 1 << 20, "MiB"
	default:
		return 1 << 10, "KiB"
	}
}

// Meter counts. Its methods are safe for concurrent use, and do nothing on a nil Meter.
type Meter struct {
	mu     sync.Mutex
	report Report
	began  time.Time
	// resumed are bytes that were done before the stage began.
	resumed int64
	// step and target are what every report names.
	step, target string
}

// For says what the activity works on.
func (m *Meter) For(step, target string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.step, m.target = step, target
}

// Begin starts a stage of so many objects and bytes.
func (m *Meter) Begin(stage string, total, size int64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.report = Report{Stage: stage, Total: total, Size: size, Slowed: m.report.Slowed}
	m.began, m.resumed = time.Now(), 0
}

// Add counts what was done now.
func (m *Meter) Add(objects, bytes int64) { m.add(objects, bytes, 0, 0) }

// Found counts what an earlier attempt had done; it does not count for the rate.
func (m *Meter) Found(objects, bytes int64) { m.add(objects, bytes, bytes, 0) }

// Slow counts that the store asked for fewer requests.
func (m *Meter) Slow() { m.add(0, 0, 0, 1) }

func (m *Meter) add(objects, bytes, resumed, slowed int64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.report.Objects += objects
	m.report.Bytes += bytes
	m.report.Slowed += slowed
	m.resumed += resumed
}

// Report returns how far it is, and false before the first stage.
func (m *Meter) Report() (Report, bool) {
	if m == nil {
		return Report{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.report
	r.Step, r.Target = m.step, m.target
	if spent := time.Since(m.began).Seconds(); spent > 0 {
		r.Rate = int64(float64(r.Bytes-m.resumed) / spent)
	}
	return r, r.Stage != ""
}

type key struct{}

// With returns a context that carries a new meter.
func With(ctx context.Context) (context.Context, *Meter) {
	m := &Meter{}
	return context.WithValue(ctx, key{}, m), m
}

// From returns the context's meter; nil if it carries none.
func From(ctx context.Context) *Meter {
	m, _ := ctx.Value(key{}).(*Meter)
	return m
}
