package e2e_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/fault"
	"firebreak/deploy/sandbox/scenario"
	"firebreak/internal/incident"
)

// A copy that takes long says how far it is, where somebody looks who wonders whether it hangs.
func TestStatusSaysHowFarALongCopyIs(t *testing.T) {
	t.Parallel()
	s, ctx := start(t), bounded(t)
	s.S3Proxy.Add(fault.Rule{
		Name: "slow", Method: http.MethodPut, Path: regexp.MustCompile(`^/nordwall-evidence/.*snapshot-datasets.*/objects/`), Action: fault.Delay(6 * time.Second),
	})
	r := post(t, ctx, s, incident.DatasetCompromise)
	said := regexp.MustCompile(`snapshot-datasets .* running .*copying: \d of 4 objects, [\d.]+ of [\d.]+ KiB`)
	seen := make(chan string, 1)
	go func() {
		for ctx.Err() == nil {
			if output, _, err := s.CLI(ctx, "status", r.ID); err == nil && said.MatchString(output) {
				seen <- output
				return
			}
			time.Sleep(300 * time.Millisecond)
		}
	}()
	rec, err := r.Until(ctx, scenario.Settled)
	require.NoError(t, err)
	require.Equal(t, incident.Contained, rec.Verdict, gaps(rec))
	select {
	case <-seen:
	default:
		require.Fail(t, "no status said how far the copy was")
	}
	output, code, err := s.CLI(ctx, "status", r.ID)
	require.NoError(t, err)
	require.Zero(t, code)
	require.False(t, strings.Contains(output, "copying:"), "what is done is not under way")
}
