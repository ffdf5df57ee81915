package kserve_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/activities/serving"
	"firebreak/activities/serving/kube/kubefake"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// stages is an endpoint whose containment is an isolation, rolled back, and ready to be opened in stages.
type stages struct {
	*world
	shift  *serving.Shift
	enable *serving.Enable
}

func newStages(t *testing.T) *stages {
	t.Helper()
	w := newWorld(t)
	contained(t, serving.NewIsolate(w.setup), w)
	w.revisions("r2", "r2", "r2", "r1")
	return &stages{w, serving.NewShift(w.setup), serving.NewEnable(w.setup)}
}

func (s *stages) open(t *testing.T, percent int) (*playbooks.Operation, *incident.Proof) {
	t.Helper()
	op := s.operation("endpoint.shift")
	op.ID, op.With = op.ID+string(rune('a'+percent)), stage(percent)
	var err error
	op.Capture, err = s.shift.Capture(t.Context(), op)
	require.NoError(t, err)
	op.Effect, err = s.shift.Do(t.Context(), op)
	require.NoError(t, err)
	proof, err := s.shift.Verify(t.Context(), op)
	require.NoError(t, err)
	return op, proof
}

func (s *stages) answers(t *testing.T) int {
	t.Helper()
	counts, err := s.setup.Outside.Repeat(t.Context(), s.endpoint.Probe, 20, 0)
	require.NoError(t, err)
	return counts.Answered
}

func TestStagesOpenOneByOne(t *testing.T) {
	t.Parallel()
	s := newStages(t)
	for _, percent := range []int{10, 25} {
		op, proof := s.open(t, percent)
		require.True(t, proof.Proved, proof.Method)
		require.Equal(t, "true", op.Effect.Facts["staged"])
		require.Empty(t, s.kube.Object(fencePath), "the fence around all pods is gone")
		require.Contains(t, s.kube.Object(fencePath+"-rest"), `"serving.knative.dev/revision":"r1"`, "the revision before stays fenced")
	}
	op := s.operation("endpoint.enable")
	var err error
	op.Capture, err = s.enable.Capture(t.Context(), op)
	require.NoError(t, err)
	op.Effect, err = s.enable.Do(t.Context(), op)
	require.NoError(t, err)
	proof, err := s.enable.Verify(t.Context(), op)
	require.NoError(t, err)
	require.True(t, proof.Proved, proof.Method)
	require.Zero(t, s.share())
	require.NotEmpty(t, s.kube.Object(fencePath+"-rest"), "the revision before is not to be reached, even once all traffic is let in")

	_, err = s.enable.Undo(t.Context(), op)
	require.NoError(t, err)
	require.Zero(t, s.answers(t), "a last stage that is undone ends contained, not at the stage before")
}

func TestAStageThatFailsEndsContained(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		spoil func(*stages)
		shown string
	}{
		"the suspect answers": {func(s *stages) { s.stale.Store(true) }, "answered with sha256:suspect instead of the known-good"},
		"more than the share": {func(s *stages) { s.kube.AfterEachChange(func() { s.dropShare() }) }, "100 of 100 answered"},
		"less than the share": {func(s *stages) { s.kube.AfterEachChange(func() { s.fenceAgain() }) }, "0 of 100 answered"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStages(t)
			_, proof := s.open(t, 10)
			require.True(t, proof.Proved, proof.Method)
			c.spoil(s)
			op, proof := s.open(t, 25)
			require.False(t, proof.Proved)
			require.Contains(t, proof.Method, c.shown)

			s.kube.AfterEachChange(nil)
			_, err := s.shift.Undo(t.Context(), op)
			require.NoError(t, err)
			require.Zero(t, s.answers(t))
			effect, err := s.shift.Undo(t.Context(), op)
			require.NoError(t, err)
			require.False(t, effect.Changed)
		})
	}
}

func (w *world) dropShare() {
	w.kube.MergeAt(servicePath, kubefake.Object{"spec": kubefake.Object{"predictor": kubefake.Object{"canaryTrafficPercent": nil}}})
}

func (w *world) fenceAgain() { w.kube.Add(fencePath, kubefake.Object{"spec": kubefake.Object{}}) }

func TestWithoutRevisionsThereIsNoStage(t *testing.T) {
	t.Parallel()
	cases := map[string]func(*stages){
		"raw deployment": func(s *stages) { s.revisions("", "", "", "") },
		"stopped": func(s *stages) {
			s.kube.MergeAt(servicePath, kubefake.Object{"metadata": kubefake.Object{"annotations": kubefake.Object{"serving.kserve.io/stop": "true"}}})
		},
		"only one revision": func(s *stages) { s.revisions("r1", "r1", "r1", "") },
	}
	for name, set := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStages(t)
			set(s)
			before := s.state(t)
			op, proof := s.open(t, 25)
			require.Contains(t, op.Effect.Summary, "no stage of 25 %")
			require.False(t, op.Effect.Changed)
			require.True(t, proof.Proved, proof.Method)
			require.Contains(t, proof.Method, "out of service until it is enabled")
			require.Equal(t, before, s.state(t))
		})
	}
}

func TestAStageWaitsForItsRevision(t *testing.T) {
	t.Parallel()
	s := newStages(t)
	s.revisions("r2", "r1", "r1", "")
	op := s.operation("endpoint.shift")
	op.With = stage(25)
	var err error
	op.Capture, err = s.shift.Capture(t.Context(), op)
	require.NoError(t, err)
	_, err = s.shift.Do(t.Context(), op)
	require.ErrorContains(t, err, "r2 is not ready")
	_, final := failure.CodeOf(err)
	require.False(t, final)
}
