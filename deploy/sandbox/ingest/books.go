package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"firebreak/internal/incident"
	"firebreak/workflows"
)

// Books is what Temporal holds of one incident.
type Books struct {
	// Keys are the fingerprints in the order in which they arrived first.
	Keys []string
	// Times says how often each is there; Signals and Count how many batches came, and what they stand for.
	Times   map[string]int
	Signals int
	Count   int
	// Bytes is the largest batch.
	Bytes int
}

// Read reads the history of an incident; one that was never started has empty books.
func Read(ctx context.Context, c client.Client, id string) (*Books, error) {
	b := &Books{Times: map[string]int{}}
	events := c.GetWorkflowHistory(ctx, id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		var missing *serviceerror.NotFound
		if errors.As(err, &missing) {
			return b, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read history of %s: %w", id, err)
		}
		signal := e.GetWorkflowExecutionSignaledEventAttributes()
		if signal.GetSignalName() != workflows.AlertsSignal {
			continue
		}
		var batch incident.AlertBatch
		if err := converter.GetDefaultDataConverter().FromPayloads(signal.GetInput(), &batch); err != nil {
			return nil, fmt.Errorf("decode batch of %s: %w", id, err)
		}
		b.enter(batch)
		b.Bytes = max(b.Bytes, signal.GetInput().Size())
	}
	return b, nil
}

func (b *Books) enter(batch incident.AlertBatch) {
	b.Signals++
	b.Count += batch.Count
	for _, a := range batch.Alerts {
		// source/group/fingerprint/start[/resolved]
		key := strings.Split(a.Key, "/")[2]
		if b.Times[key]++; b.Times[key] == 1 {
			b.Keys = append(b.Keys, key)
		}
	}
}

// IncidentID is the id of the first incident of an asset.
func IncidentID(asset string) string { return incident.WorkflowID(Kind, asset, "") }
