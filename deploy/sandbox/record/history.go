package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"

	"firebreak/internal/incident"
)

// compressFrom is the size in bytes from which a history is written compressed.
const compressFrom = 200 << 10

// write writes the history of a workflow as JSON, with ids and times as the server recorded them, byte for byte: payloads
// are not spelled out, because that would not bring back the same bytes.
func (r *recorder) write(ctx context.Context, id string, kind incident.Kind, name string) error {
	var h history.History
	events := r.client.GetWorkflowHistory(ctx, id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return fmt.Errorf("read history of %s: %w", id, err)
		}
		h.Events = append(h.Events, e)
	}
	raw, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(&h)
	if err != nil {
		return fmt.Errorf("encode history of %s: %w", id, err)
	}
	file := filepath.Join(r.folder, string(kind), name+".json")
	if len(raw) > compressFrom {
		file += ".gz"
		if raw, err = compress(raw); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if err := os.WriteFile(file, raw, 0o644); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	r.files++
	return nil
}

func compress(raw []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("compress history: %w", err)
	}
	if _, err := w.Write(raw); err != nil {
		return nil, fmt.Errorf("compress history: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress history: %w", err)
	}
	return out.Bytes(), nil
}

// publish replaces the folder out by what was recorded.
func (r *recorder) publish(out string) error {
	if err := os.RemoveAll(out); err != nil {
		return fmt.Errorf("remove old histories: %w", err)
	}
	if err := os.Chmod(r.folder, 0o755); err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	if err := os.Rename(r.folder, out); err != nil {
		return fmt.Errorf("publish histories: %w", err)
	}
	return nil
}
