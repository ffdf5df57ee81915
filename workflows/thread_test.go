package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// While evidence is being copied nothing happens for hours, and the thread says how far it is all the same. Of other steps
// there is nothing to say.
func TestThreadLooksAtLongCopiesNowAndThen(t *testing.T) {
	t.Parallel()
	long := func(action string, targets inventory.Query) playbooks.Step {
		return playbooks.Step{ID: "long", Action: action, Targets: targets, Timeout: time.Hour}
	}
	cases := map[string]struct {
		step        playbooks.Step
		least, most int
	}{
		"evidence":       {long("replica.capture", "radius.endpoints"), 9, 12},
		"another action": {long("endpoint.disable", "radius.endpoints"), 0, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSmall(t, c.step)
			w.channel = "#incidents"
			w.OnActivity(playbooks.ActivityName(c.step.Action, playbooks.Do), mock.Anything, mock.Anything).
				After(10*time.Minute).Return(&incident.Effect{Summary: "did", Changed: true}, nil)
			w.closeAt(time.Hour, false)
			w.run()
			during := 0
			for _, u := range w.updates {
				if u.Record.Steps[0].Status == incident.Running && len(u.Record.Timeline) == 0 {
					during++
				}
			}
			require.GreaterOrEqual(t, during, c.least)
			require.LessOrEqual(t, during, c.most)
		})
	}
}
