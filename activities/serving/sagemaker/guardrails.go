package sagemaker

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"firebreak/activities/failure"
	"firebreak/internal/inventory"
)

const (
	// defaultBake is how long the alarms are watched after each shift if the inventory does not say.
	defaultBake = 5 * time.Minute
	longestBake = time.Hour
)

// deployment is how SageMaker is to replace one fleet by the other: by its guardrails, if the inventory asks for them, or
// all at once. Containment never waits for guardrails.
func deployment(g *inventory.Guardrails) (*types.DeploymentConfig, error) {
	if g == nil {
		return nil, nil
	}
	bake := defaultBake
	if g.Wait != "" {
		var err error
		if bake, err = time.ParseDuration(g.Wait); err != nil || bake < 0 || bake > longestBake {
			return nil, failure.New(failure.Invalid, "guardrails: wait %q of the inventory is not a time of at most one hour, e.g. 5m", g.Wait)
		}
	}
	routing := &types.TrafficRoutingConfig{Type: types.TrafficRoutingConfigTypeAllAtOnce, WaitIntervalInSeconds: aws.Int32(int32(bake.Seconds()))}
	size := &types.CapacitySize{Type: types.CapacitySizeTypeCapacityPercent, Value: aws.Int32(int32(g.Percent))}
	switch {
	case g.Traffic == "canary" && g.Percent >= 1 && g.Percent <= 50:
		routing.Type, routing.CanarySize = types.TrafficRoutingConfigTypeCanary, size
	case g.Traffic == "linear" && g.Percent >= 10 && g.Percent <= 50:
		routing.Type, routing.LinearStepSize = types.TrafficRoutingConfigTypeLinear, size
	case g.Traffic == "canary", g.Traffic == "linear":
		return nil, failure.New(failure.Invalid, "guardrails: percent %d of the inventory is not 1 to 50 for canary, or 10 to 50 for linear", g.Percent)
	case g.Traffic != "" && g.Traffic != "all-at-once":
		return nil, failure.New(failure.Invalid, "guardrails: traffic %q of the inventory is not canary, linear or all-at-once", g.Traffic)
	}
	out := &types.DeploymentConfig{BlueGreenUpdatePolicy: &types.BlueGreenUpdatePolicy{TrafficRoutingConfiguration: routing}}
	if len(g.Alarms) > 0 {
		out.AutoRollbackConfiguration = &types.AutoRollbackConfig{}
		for _, name := range g.Alarms {
			out.AutoRollbackConfiguration.Alarms = append(out.AutoRollbackConfiguration.Alarms, types.Alarm{AlarmName: &name})
		}
	}
	return out, nil
}
