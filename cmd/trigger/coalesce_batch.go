package main

import (
	"encoding/base64"
	"encoding/json"

	"firebreak/internal/incident"
	"firebreak/workflows"
)

const (
	// batchBytes bounds one signal; Temporal warns from 512 KiB and refuses 2 MiB.
	batchBytes = 256 << 10
	// batchAlerts bounds the different alerts of one signal; repetitions are counts.
	batchAlerts = 999
	// batchRoom is left for what surrounds the alerts.
	batchRoom = 1 << 10
	// maxRaws bounds the memory of what was posted with alerts of which most may be repetitions. Most of it is not yet
	// compressed.
	maxRaws = 8 * batchBytes
)

// batch is what one call to Temporal delivers, all for the same incident or the same triage.
type batch struct {
	alerts  incident.AlertBatch
	request *incident.Request
	triage  *workflows.TriageRequest
}

// sameness tells repetitions from alerts that say something new: a repetition may be graver than what it repeats.
type sameness struct {
	key, severity, facet string
	confidence           float64
	resolved             bool
}

// packer fills a batch up to its limits.
type packer struct {
	batch batch
	bytes int
	seen  map[sameness]struct{}
	// raws leads to what was posted, by digest: it travels with the first alert of a post that is no repetition.
	raws     map[string]*handover
	rawBytes int
}

func newPacker() *packer {
	return &packer{bytes: batchRoom, seen: map[sameness]struct{}{}, raws: map[string]*handover{}}
}

// add takes a handover into the batch. It reports false if the batch is full: the handover then goes into the next one.
func (p *packer) add(h *handover) bool {
	if h.Triage != nil {
		triage := *h.Triage
		triage.Alert.Raw = h.raw()
		p.batch.triage = &triage
		p.batch.alerts.Count++
		return true
	}
	a := h.Alert
	same := sameness{a.Key, a.Severity, a.Facet, a.Confidence, a.Resolved}
	if _, repeated := p.seen[same]; !repeated {
		a.Raw = nil
		// What was decoded from JSON, with a time that was checked, can be encoded; a fault would show in the call.
		encoded, _ := json.Marshal(a)
		n := len(p.batch.alerts.Alerts)
		if n == batchAlerts || n > 0 && p.bytes+len(encoded)+1 > batchBytes {
			return false
		}
		p.bytes += len(encoded) + 1
		p.seen[same] = struct{}{}
		p.batch.alerts.Alerts = append(p.batch.alerts.Alerts, a)
	}
	p.carry(h)
	if p.batch.request == nil {
		p.batch.request = h.Request
	}
	p.batch.alerts.Count++
	return true
}

// carry notes what was posted, once each.
func (p *packer) carry(h *handover) {
	digest, size := h.Alert.RawSHA256, len(h.Posted)+len(h.Alert.Raw)
	if size > 0 && p.raws[digest] == nil && p.rawBytes+size <= maxRaws {
		p.raws[digest] = h
		p.rawBytes += size
	}
}

// pack returns the batch. What was posted comes with it as far as there is room; the digest always stays.
func (p *packer) pack() batch {
	const field = len(`,"raw":""`)
	alerts := p.batch.alerts.Alerts
	for i := range alerts {
		h := p.raws[alerts[i].RawSHA256]
		if h == nil {
			continue
		}
		raw := h.raw()
		size := base64.StdEncoding.EncodedLen(len(raw)) + field
		if p.bytes+size > batchBytes {
			continue
		}
		p.bytes += size
		alerts[i].Raw = raw
		delete(p.raws, alerts[i].RawSHA256)
	}
	return p.batch
}
