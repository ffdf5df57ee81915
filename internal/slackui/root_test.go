package slackui

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
)

func TestRootAndStatusSayHowFarALongStepIs(t *testing.T) {
	t.Parallel()
	rec := record()
	const far = "copying: 3 of 10 objects, 1.5 of 4.0 GiB, 210.0 MiB/s"
	rec.Steps = append(rec.Steps, incident.Step{ID: "snapshot-checkpoints", Target: "credit-scorer@17", Status: incident.Running, HowFar: far})
	for _, m := range []Message{Root(rec, Options{}), Status(rec, Options{})} {
		text, err := json.Marshal(m.Blocks)
		require.NoError(t, err)
		require.Contains(t, string(text), "Under way")
		require.Contains(t, string(text), "snapshot-checkpoints credit-scorer@17: "+far)
	}
}
