package kserve_test

import (
	"strconv"
	"testing"

	"firebreak/activities/conformance"
	"firebreak/activities/failure"
	"firebreak/activities/serving"
)

const noReason = "a changed model is no reason to leave it running"

func TestDisableConforms(t *testing.T) {
	t.Parallel()
	conformance.Run(t, func(t *testing.T) *conformance.Subject {
		w := newWorld(t)
		s := w.subject("endpoint.disable")
		s.Action = serving.NewDisable(w.setup)
		s.WhyNoChange = noReason
		s.ChangeAfter, s.RefusalAfter = func(*testing.T) { w.holds(servicePath) }, failure.Refused
		s.Hollow = func(*testing.T) { w.stubborn.Store(true) }
		return s
	})
}

func TestIsolateConforms(t *testing.T) {
	t.Parallel()
	conformance.Run(t, func(t *testing.T) *conformance.Subject {
		w := newWorld(t)
		s := w.subject("endpoint.isolate")
		s.Action = serving.NewIsolate(w.setup)
		s.WhyNoChange = noReason
		s.ChangeAfter, s.RefusalAfter = func(*testing.T) { w.holds(fencePath) }, failure.Refused
		s.Hollow = func(*testing.T) { w.stubborn.Store(true) }
		return s
	})
}

func TestEnableConforms(t *testing.T) {
	t.Parallel()
	for name, disable := range map[string]func(serving.Setup) *serving.Disable{"stopped": serving.NewDisable, "isolated": serving.NewIsolate} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conformance.Run(t, func(t *testing.T) *conformance.Subject {
				w := newWorld(t)
				contained(t, disable(w.setup), w)
				s := w.subject("endpoint.enable")
				s.Provider.Forget()
				s.Action = serving.NewEnable(w.setup)
				s.Change = func(*testing.T) { w.pointAt(suspectURI) }
				s.WhyNoChangeAfter = "stopping again is always right"
				s.Hollow = func(*testing.T) { w.stale.Store(true) }
				return s
			})
		})
	}
}

func TestShiftConforms(t *testing.T) {
	t.Parallel()
	conformance.Run(t, func(t *testing.T) *conformance.Subject {
		w := newWorld(t)
		contained(t, serving.NewIsolate(w.setup), w)
		w.revisions("r2", "r2", "r2", "r1")
		s := w.subject("endpoint.shift")
		s.Provider.Forget()
		s.Operation.With = stage(25)
		s.Action = serving.NewShift(w.setup)
		s.Change = func(*testing.T) { w.pointAt(suspectURI) }
		s.WhyNoChangeAfter = "shutting again is always right"
		s.Hollow = func(*testing.T) { w.stale.Store(true) }
		return s
	})
}

func stage(percent int) map[string]string {
	return map[string]string{"percent": strconv.Itoa(percent), "probes": "100", "interval": "0s", "hold": "0s", "max_errors": "0"}
}
