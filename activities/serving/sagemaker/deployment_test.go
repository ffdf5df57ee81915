package sagemaker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/activities/serving"
	"firebreak/activities/serving/sagemaker"
	"firebreak/activities/serving/sagemaker/sagemakerfake"
	"firebreak/internal/inventory"
)

func TestGuardrails(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		asked inventory.Guardrails
		want  sagemakerfake.Object
		err   string
	}{
		"canary": {inventory.Guardrails{Traffic: "canary", Percent: 10, Wait: "10m", Alarms: []string{"credit-5xx"}}, sagemakerfake.Object{
			"BlueGreenUpdatePolicy": sagemakerfake.Object{"TrafficRoutingConfiguration": sagemakerfake.Object{
				"Type": "CANARY", "WaitIntervalInSeconds": 600.0, "CanarySize": sagemakerfake.Object{"Type": "CAPACITY_PERCENT", "Value": 10.0},
			}},
			"AutoRollbackConfiguration": sagemakerfake.Object{"Alarms": []any{sagemakerfake.Object{"AlarmName": "credit-5xx"}}},
		}, ""},
		"linear": {inventory.Guardrails{Traffic: "linear", Percent: 25}, sagemakerfake.Object{
			"BlueGreenUpdatePolicy": sagemakerfake.Object{"TrafficRoutingConfiguration": sagemakerfake.Object{
				"Type": "LINEAR", "WaitIntervalInSeconds": 300.0, "LinearStepSize": sagemakerfake.Object{"Type": "CAPACITY_PERCENT", "Value": 25.0},
			}},
		}, ""},
		"a canary of all":    {asked: inventory.Guardrails{Traffic: "canary", Percent: 100}, err: "is not 1 to 50"},
		"a time that is not": {asked: inventory.Guardrails{Traffic: "canary", Percent: 5, Wait: "soon"}, err: `wait "soon"`},
		"another word":       {asked: inventory.Guardrails{Traffic: "slowly"}, err: `traffic "slowly"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := contained(t, parking)
			require.NotContains(t, w.aws.Updates()[0], "DeploymentConfig", "containment waits for no guardrails")
			w.endpoint.Serving.Guardrails = &c.asked
			op := w.operation("endpoint.enable")
			enable := serving.NewEnable(w.setup)
			var err error
			op.Capture, err = enable.Capture(t.Context(), op)
			require.NoError(t, err)
			_, err = enable.Do(t.Context(), op)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				code, _ := failure.CodeOf(err)
				require.Equal(t, failure.Invalid, code)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, w.aws.Updates()[1]["DeploymentConfig"])
		})
	}
}

func TestADeploymentThatIsTurnedBackIsNoSuccess(t *testing.T) {
	t.Parallel()
	w := contained(t, parking)
	w.endpoint.Serving.Guardrails = &inventory.Guardrails{Traffic: "canary", Percent: 10, Alarms: []string{"credit-5xx"}}
	w.aws.TurnBack(1)
	op := w.operation("endpoint.enable")
	enable := serving.NewEnable(w.setup)
	var err error
	op.Capture, err = enable.Capture(t.Context(), op)
	require.NoError(t, err)
	_, err = enable.Do(t.Context(), op)
	require.ErrorContains(t, err, "SageMaker went back to refuses")
	code, _ := failure.CodeOf(err)
	require.Equal(t, failure.Refused, code, "a person looks at the alarm first")

	for _, as := range []shape{component, variants, parking} {
		w := newWorld(t, as)
		op := w.operation("checkpoint.rollback")
		w.aws.TurnBack(1)
		op.Capture, err = pointing{w.control}.Capture(t.Context(), op)
		require.NoError(t, err)
		_, err = pointing{w.control}.Do(t.Context(), op)
		require.ErrorContains(t, err, "SageMaker went back to", as)
		_, final := failure.CodeOf(err)
		require.False(t, final)
		_, err = pointing{w.control}.Do(t.Context(), op)
		require.NoError(t, err)
	}
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	for _, as := range shapes() {
		t.Run(string(as), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, as)
			w.aws.Slow(-1)
			op := w.operation("endpoint.disable")
			disable := serving.NewDisable(w.setup)
			var err error
			op.Capture, err = disable.Capture(t.Context(), op)
			require.NoError(t, err)
			_, err = disable.Do(within(t, 4*time.Second), op)
			require.ErrorContains(t, err, "it is still Updating")
			_, final := failure.CodeOf(err)
			require.False(t, final)
			changes := w.provider.Changes()
			_, err = disable.Do(within(t, 4*time.Second), op)
			require.ErrorContains(t, err, "it is still Updating")
			require.Equal(t, changes, w.provider.Changes(), "another attempt waits on, and changes nothing")
		})
	}
}

func TestACopyThatAWSHasNoRoomForDoesNotHoldUpContainment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, component)
	w.aws.Short("scorer", 5)
	op := w.operation("endpoint.disable")
	run(t, serving.NewDisable(w.setup), op)
	require.Empty(t, w.aws.ComponentServes("scorer"))
	require.Equal(t, "5", w.aws.TagsOf("inference-component", "scorer")[sagemaker.CopiesTag], "as many as were wished")
}
