package openlineage

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Limits of one source: its bytes, its events, and the datasets that one run names.
const (
	MaxBytes    = 256 << 20
	maxEvents   = 1_000_000
	maxDatasets = 10_000
)

// event is what is used of a run event. Facets that are not named here are not read.
type event struct {
	Type string    `json:"eventType"`
	Time time.Time `json:"eventTime"`
	Run  struct {
		ID string `json:"runId"`
	} `json:"run"`
	Job struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"job"`
	Inputs  []dataset `json:"inputs"`
	Outputs []dataset `json:"outputs"`
}

type dataset struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Facets    struct {
		Version *struct {
			Version string `json:"datasetVersion"`
		} `json:"version"`
		Ownership *struct {
			Owners []struct {
				Name string `json:"name"`
				Type string `json:"type"`
			} `json:"owners"`
		} `json:"ownership"`
		Tags *struct {
			Tags []struct {
				Key   string `json:"key"`
				Value string `json:"value"`
			} `json:"tags"`
		} `json:"tags"`
		Lifecycle *struct {
			Change string `json:"lifecycleStateChange"`
		} `json:"lifecycleStateChange"`
	} `json:"facets"`
}

// each calls do with every event of a source: an array, or one after the other.
func each(r io.Reader, do func(n int, e *event) error) error {
	limited := &io.LimitedReader{R: r, N: MaxBytes + 1}
	buffered := bufio.NewReader(limited)
	array, err := opensArray(buffered)
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	dec := json.NewDecoder(buffered)
	if array {
		if _, err := dec.Token(); err != nil {
			return fmt.Errorf("read events: %w", err)
		}
	}
	for n := 1; !array || dec.More(); n++ {
		e := &event{}
		err := dec.Decode(e)
		switch {
		case limited.N <= 0:
			return fmt.Errorf("read events: the source is larger than %d bytes; split it", MaxBytes)
		case errors.Is(err, io.EOF) && !array:
			return nil
		case err != nil:
			return fmt.Errorf("read event %d: %w", n, err)
		case n > maxEvents:
			return fmt.Errorf("read events: there are more than %d; split the source", maxEvents)
		case len(e.Inputs)+len(e.Outputs) > maxDatasets:
			return fmt.Errorf("read event %d: it names more than %d datasets", n, maxDatasets)
		}
		if err := do(n, e); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("read events: the array does not end: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("read events: something follows the array")
	}
	return nil
}

func opensArray(r *bufio.Reader) (bool, error) {
	for {
		c, err := r.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return false, errors.New("there are none")
		case err != nil:
			return false, err
		case c == ' ' || c == '\n' || c == '\r' || c == '\t':
			continue
		}
		return c == '[', r.UnreadByte()
	}
}
