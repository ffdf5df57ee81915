package evidence

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"
)

const (
	// mostHistoryBytes is above what a Temporal server keeps of one run (50 MiB, as protobuf) in the longer form of JSON.
	mostHistoryBytes = 256 << 20
	historyTimeout   = 2 * time.Minute
)

// histories is the part of Temporal's client that reads what happened in a run.
type histories interface {
	GetWorkflowHistory(ctx context.Context, workflowID, runID string, isLongPoll bool, filter enums.HistoryEventFilterType) client.HistoryEventIterator
}

// History exports workflow histories. Temporal is set once, before any activity runs.
type History struct{ Temporal histories }

// export writes what happened so far in a run as JSON, in the form that Temporal's replayer and command line read, packed
// with gzip. No secret is in it: none is ever written to history.
func (h *History) export(ctx context.Context, workflowID, runID string) ([]byte, error) {
	if h == nil || h.Temporal == nil {
		return nil, errors.New("export workflow history: the worker is not connected to Temporal")
	}
	ctx, cancel := context.WithTimeout(ctx, historyTimeout)
	defer cancel()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	events := h.Temporal.GetWorkflowHistory(ctx, workflowID, runID, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	size := 0
	for n := 0; events.HasNext(); n++ {
		event, err := events.Next()
		if err != nil {
			return nil, fmt.Errorf("export workflow history: %w", err)
		}
		text, err := temporalproto.CustomJSONMarshalOptions{}.Marshal(event)
		if err != nil {
			return nil, fmt.Errorf("export workflow history: encode event %d: %w", event.GetEventId(), err)
		}
		before := ",\n"
		if n == 0 {
			before = `{"events":[` + "\n"
		}
		if size += len(text); size > mostHistoryBytes {
			return nil, fmt.Errorf("export workflow history: it has more than %d bytes", mostHistoryBytes)
		}
		// A buffer takes everything.
		_, _ = z.Write([]byte(before))
		_, _ = z.Write(text)
	}
	if size == 0 {
		return nil, errors.New("export workflow history: it is empty")
	}
	_, _ = z.Write([]byte("\n]}\n"))
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("export workflow history: %w", err)
	}
	return out.Bytes(), nil
}
