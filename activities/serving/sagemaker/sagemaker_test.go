package sagemaker_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"firebreak/activities/conformance"
	"firebreak/activities/failure"
	"firebreak/activities/serving"
	"firebreak/activities/serving/sagemaker"
	"firebreak/activities/serving/sagemaker/sagemakerfake"
)

// The fake refuses what the policy of deploy/iam does not allow, so that whatever passes here stays within it. This holds
// the other half: the policy allows nothing that is not called.
func TestThePolicyIsWhatIsCalled(t *testing.T) {
	t.Parallel()
	called := map[string]bool{"iam:PassRole": true} // never called: AWS asks for it when a model is created
	for _, as := range shapes() {
		w := contained(t, as)
		run(t, pointing{w.control}, w.operation("checkpoint.rollback"))
		w.pointAt("17")
		rollback := w.operation("again")
		run(t, pointing{w.control}, rollback)
		enable := w.operation("endpoint.enable")
		run(t, serving.NewEnable(w.setup), enable)
		_, err := serving.NewEnable(w.setup).Undo(t.Context(), enable)
		require.NoError(t, err)
		maps.Copy(called, w.aws.Calls())
	}
	w := newWorld(t, parking)
	run(t, w.packages(), w.version())
	maps.Copy(called, w.aws.Calls())
	require.Equal(t, sagemakerfake.ReadPolicy(t, policyFile).Actions(), slices.Sorted(maps.Keys(called)))
}

func TestRecoveryFromEveryShape(t *testing.T) {
	t.Parallel()
	for _, as := range shapes() {
		t.Run(string(as), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, as)
			run(t, serving.NewDisable(w.setup), w.operation("endpoint.disable"))
			rollback := w.operation("checkpoint.rollback")
			run(t, pointing{w.control}, rollback)
			require.True(t, rollback.Effect.Changed)
			s, err := w.control.Observe(t.Context(), rollback)
			require.NoError(t, err)
			require.True(t, s.IsOff(""), "a rollback opens nothing")
			require.Equal(t, incidentID, s.Holder)

			enable := w.operation("endpoint.enable")
			run(t, serving.NewEnable(w.setup), enable)
			proof, err := serving.NewEnable(w.setup).Verify(t.Context(), enable)
			require.NoError(t, err)
			require.True(t, proof.Proved, proof.Method)
			for _, kind := range []string{"endpoint", "inference-component"} {
				for _, name := range []string{"credit-api", "scorer"} {
					require.NotContains(t, w.aws.TagsOf(kind, name), sagemaker.IncidentTag)
				}
			}

			made := 0
			for _, name := range w.aws.Models() {
				if strings.HasPrefix(name, "firebreak-") {
					made++
					require.Contains(t, w.aws.ModelOf(name)["PrimaryContainer"].(sagemakerfake.Object)["Environment"], "API_KEY", "the container is the same but for its model")
				}
			}
			require.Equal(t, 1, made, "an operation makes one model")

			_, err = serving.NewEnable(w.setup).Undo(t.Context(), enable)
			require.NoError(t, err)
		})
	}
}

func TestStagesOpenOneByOne(t *testing.T) {
	t.Parallel()
	w := contained(t, variants)
	shift := serving.NewShift(w.setup)
	for _, percent := range []int{5, 25} {
		op := w.operation("endpoint.shift")
		op.ID, op.With = op.ID+string(rune('a'+percent)), stage(percent)
		if percent == 5 {
			op.With["probes"] = "200"
		}
		run(t, shift, op)
		proof, err := shift.Verify(t.Context(), op)
		require.NoError(t, err)
		require.True(t, proof.Proved, proof.Method)
	}
	enable := w.operation("endpoint.enable")
	run(t, serving.NewEnable(w.setup), enable)
	proof, err := serving.NewEnable(w.setup).Verify(t.Context(), enable)
	require.NoError(t, err)
	require.True(t, proof.Proved, proof.Method)
	_, weights := w.aws.Serves("credit-api")
	require.Equal(t, map[string]float64{"model": 3, "parked": 0}, weights, "the weights of before the incident")
}

func TestWithoutAVariantThatRefusesThereIsNoStage(t *testing.T) {
	t.Parallel()
	for _, as := range []shape{component, parking} {
		w := contained(t, as)
		op := w.operation("endpoint.shift")
		op.With = stage(25)
		run(t, serving.NewShift(w.setup), op)
		require.Equal(t, "false", op.Effect.Facts["staged"])
		require.Contains(t, op.Effect.Summary, "has no variant beside it that refuses")
		require.Zero(t, w.provider.Changes())
	}
}

// What was known of the time before is kept by a second containment of the same endpoint, whoever asks for it.
func TestTheBooksOfTheTimeBeforeAreKept(t *testing.T) {
	t.Parallel()
	for as, tags := range map[shape]map[string]string{
		component: {sagemaker.CopiesTag: "2", sagemaker.ScalingTag: "in=false out=false scheduled=true"},
		variants:  {sagemaker.WeightsTag: "model=3 parked=0"},
		parking:   {sagemaker.ConfigTag: "credit-17"},
	} {
		t.Run(string(as), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, as)
			disable := serving.NewDisable(w.setup)
			op := w.operation("endpoint.disable")
			var err error
			op.Capture, err = disable.Capture(t.Context(), op)
			require.NoError(t, err)
			w.provider.Break(conformance.Fault{Status: 500, Changes: true, Times: 1})
			_, err = disable.Do(t.Context(), op)
			require.Error(t, err)
			for range 2 { // the second time by another step
				_, err = disable.Do(t.Context(), op)
				require.NoError(t, err)
				op.ID += "-again"
			}
			kind, name := "endpoint", "credit-api"
			if as == component {
				kind, name = "inference-component", "scorer"
			}
			held := w.aws.TagsOf(kind, name)
			for key, value := range tags {
				require.Equal(t, value, held[key])
			}
		})
	}
}

func TestIncidentsWithNamesThatNoTagHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, variants)
	op := w.operation("endpoint.disable")
	op.IncidentID = "incident/backdoor-discovery/" + strings.Repeat("m", 300)
	op.ID = op.IncidentID + "/{contain}/credit-api"
	run(t, serving.NewDisable(w.setup), op)
	s, err := w.control.Observe(t.Context(), op)
	require.NoError(t, err)
	require.Equal(t, op.IncidentID, s.Holder)
	require.Equal(t, op.ID, s.Operation)
	_, err = serving.NewDisable(w.setup).Undo(t.Context(), op)
	require.NoError(t, err)
}

// An endpoint that is InService again may have been turned back.
func TestWhatCannotBeChanged(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		as     shape
		broken func(*world)
		code   failure.Code
		says   string
	}{
		"a failed endpoint":                {variants, func(w *world) { w.aws.Status("credit-api", "Failed") }, failure.Unsupported, "lets it only be deleted"},
		"one that is being deleted":        {parking, func(w *world) { w.aws.Status("credit-api", "Deleting") }, failure.Unsupported, "is being deleted"},
		"a variant that is not here":       {variants, func(w *world) { w.aws.Deploy("credit-api", "credit-17") }, failure.Invalid, "has no variant parked"},
		"a configuration that is not here": {parking, func(w *world) { w.endpoint.Disable.ConfigRef = "gone" }, failure.Invalid, "Could not find endpoint configuration"},
		"a component of another endpoint":  {component, func(w *world) { w.endpoint.Serving.Name = "other" }, failure.Invalid, "the inventory says other"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.as)
			op := w.operation("endpoint.disable")
			disable := serving.NewDisable(w.setup)
			var err error
			op.Capture, err = disable.Capture(t.Context(), op)
			require.NoError(t, err)
			c.broken(w)
			_, err = disable.Do(t.Context(), op)
			require.ErrorContains(t, err, c.says)
			code, _ := failure.CodeOf(err)
			require.Equal(t, c.code, code)
		})
	}
}

func TestWithoutAWayToRefuseAPersonActs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, parking)
	w.endpoint.Disable.Method = "route-weight"
	_, err := serving.NewDisable(w.setup).Capture(t.Context(), w.operation("endpoint.disable"))
	require.ErrorContains(t, err, "do it by hand")
	code, _ := failure.CodeOf(err)
	require.Equal(t, failure.Unsupported, code)
}

func TestWithoutARegion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, parking)
	w.endpoint.Serving.Cluster = ""
	w.setup.Platforms = serving.Platforms{"sagemaker": sagemaker.New(sagemaker.NewFromConfig(aws.Config{}, 0))}
	_, err := serving.NewDisable(w.setup).Capture(t.Context(), w.operation("endpoint.disable"))
	require.ErrorContains(t, err, "set AWS_REGION")
	_, err = sagemaker.NewPackages(sagemaker.NewFromConfig(aws.Config{}, 0)).Capture(t.Context(), w.version())
	require.ErrorContains(t, err, "set AWS_REGION")
}
