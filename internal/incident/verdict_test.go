package incident_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
)

func proved(role incident.Role) incident.Step {
	return incident.Step{ID: string(role), Role: role, Target: "t", Status: incident.Done, Verified: true}
}

func with(s incident.Step, change func(*incident.Step)) incident.Step {
	change(&s)
	return s
}

func TestJudge(t *testing.T) {
	t.Parallel()
	acted := &incident.Receipt{Effect: &incident.Effect{Changed: true}}
	contain, recover := proved(incident.RoleContainment), proved(incident.RoleRecovery)
	cases := []struct {
		name  string
		steps []incident.Step
		want  incident.Verdict
	}{
		{"nothing yet", nil, incident.NotContained},
		{"everything proved", []incident.Step{proved(incident.RoleEvidence), contain, proved(incident.RoleNotification)}, incident.Contained},
		{"done without proof is not contained", []incident.Step{with(contain, func(s *incident.Step) { s.Verified = false })}, incident.NotContained},
		{"one of two targets", []incident.Step{contain, with(contain, func(s *incident.Step) { s.Status, s.Verified = incident.Failed, false })}, incident.NotContained},
		{"still pending", []incident.Step{contain, with(contain, func(s *incident.Step) { s.Status, s.Verified = incident.Pending, false })}, incident.NotContained},
		{"people decided against one", []incident.Step{contain, with(contain, func(s *incident.Step) { s.Status, s.Verified, s.Denied = incident.Skipped, false, true })}, incident.ContainedWithGaps},
		{"nothing to act on", []incident.Step{contain, {ID: "x", Role: incident.RoleContainment, Status: incident.Skipped}}, incident.Contained},
		{"the playbook left one out", []incident.Step{contain, with(contain, func(s *incident.Step) { s.Status, s.Verified, s.Omitted = incident.Skipped, false, true })}, incident.Contained},
		{"the playbook left the only one out", []incident.Step{with(contain, func(s *incident.Step) { s.Status, s.Verified, s.Omitted = incident.Skipped, false, true })}, incident.NotContained},
		{"only evidence", []incident.Step{proved(incident.RoleEvidence)}, incident.NotContained},
		{"legal not told", []incident.Step{contain, with(proved(incident.RoleNotification), func(s *incident.Step) { s.Status, s.Verified = incident.Retrying, false })}, incident.ContainedWithGaps},
		{"recovery did not take place", []incident.Step{contain, with(recover, func(s *incident.Step) { s.Status, s.Verified = incident.Skipped, false })}, incident.Contained},
		{"recovery acted and is not proved", []incident.Step{contain, with(recover, func(s *incident.Step) { s.Status, s.Verified, s.Receipt = incident.Failed, false, acted })}, incident.NotContained},
		{"recovery was undone", []incident.Step{contain, with(recover, func(s *incident.Step) { s.Status, s.Verified, s.Receipt = incident.Undone, false, acted })}, incident.ContainedWithGaps},
		{"recovery failed before it acted", []incident.Step{contain, with(recover, func(s *incident.Step) { s.Status, s.Verified = incident.Failed, false })}, incident.ContainedWithGaps},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, gaps := incident.Judge(&incident.Record{Steps: c.steps})
			require.Equal(t, c.want, got)
			require.Equal(t, c.want == incident.Contained, len(gaps) == 0, "every verdict but contained lists its gaps")
		})
	}
}

func TestJudgeWholeRecord(t *testing.T) {
	t.Parallel()
	contained := []incident.Step{proved(incident.RoleContainment), proved(incident.RoleNotification)}
	cases := []struct {
		name string
		rec  incident.Record
		want incident.Verdict
	}{
		{"personal data and nobody of legal to tell", incident.Record{Steps: contained[:1], Radius: incident.Radius{PersonalData: true}}, incident.ContainedWithGaps},
		{"settled without a manifest", incident.Record{Steps: contained, Progress: incident.Settled}, incident.ContainedWithGaps},
		{"unknown lineage is listed", incident.Record{Steps: contained, Radius: incident.Radius{Unknown: []string{"m@1"}}}, incident.ContainedWithGaps},
		{"a false positive stays one", incident.Record{Verdict: incident.FalsePositive}, incident.FalsePositive},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, _ := incident.Judge(&c.rec)
			require.Equal(t, c.want, got)
		})
	}
}

func TestModeAllows(t *testing.T) {
	t.Parallel()
	cases := []struct {
		mode incident.Mode
		env  string
		want bool
	}{
		{incident.Live, "prod", true}, {incident.Live, "staging", false}, {incident.Live, "", false},
		{incident.Drill, "staging", true}, {incident.Drill, "drill", true}, {incident.Drill, "prod", false}, {incident.Drill, "", false},
	}
	for _, c := range cases {
		require.Equal(t, c.want, c.mode.Allows(c.env), "%s in %q", c.mode, c.env)
	}
}
