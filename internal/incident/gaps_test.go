package incident

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A proof that holds and says what it leaves open is containment with a gap, never without one.
func TestJudgeShowsWhatAProofLeavesOpen(t *testing.T) {
	t.Parallel()
	r := &Record{Steps: []Step{{
		ID: "withdraw", Action: "vault.withdraw", Target: "key", Role: RoleContainment, Status: Done, Verified: true,
		Receipt: &Receipt{Proof: &Proof{Proved: true, Gaps: []string{"copies stay valid"}}},
	}}}
	verdict, gaps := Judge(r)
	require.Equal(t, ContainedWithGaps, verdict)
	require.Equal(t, []string{"withdraw: vault.withdraw on key: copies stay valid"}, gaps)

	r.Steps[0].Receipt.Proof.Gaps = nil
	verdict, gaps = Judge(r)
	require.Equal(t, Contained, verdict)
	require.Empty(t, gaps)
}
