package e2e_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/company"
	"firebreak/deploy/sandbox/fault"
	"firebreak/deploy/sandbox/stack"
	"firebreak/internal/incident"
)

// One thing is broken at a time between firebreak and the servers. The verdict must change, and change back where the
// thing is mended.
func TestWhatIsBrokenShowsInTheVerdict(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		breaks func(*stack.Stack)
		want   incident.Verdict
		gap    string
		// mend repairs it; the incident must then become contained by itself. Nil if that needs a person.
		mend func(*stack.Stack)
		// look checks the servers when the incident has settled.
		look func(*testing.T, *stack.Stack, *incident.Record)
	}{
		{
			name: "the revoked credential still works",
			breaks: func(s *stack.Stack) {
				s.VaultProxy.Add(fault.Rule{Name: "swallow", Path: regexp.MustCompile(`^/v1/sys/leases/revoke-prefix/`), Action: fault.Answer(http.StatusNoContent, nil, "")})
			},
			want: incident.NotContained, gap: "vault.revoke on ci-registry-push is retrying: not proved",
			mend: func(s *stack.Stack) { s.VaultProxy.Clear() },
			look: func(t *testing.T, s *stack.Stack, _ *incident.Record) {
				require.NoError(t, listBuckets(t, s, s.Company.PushKeys[0]), "the leaked key is alive, so the verdict is right")
			},
		},
		{
			name:   "the endpoint still answers",
			breaks: func(s *stack.Stack) { s.Models.IgnoreStop("lending", "credit-scorer") },
			want:   incident.NotContained, gap: "endpoint.disable on credit-api is retrying: not proved",
			look: func(t *testing.T, s *stack.Stack, rec *incident.Record) {
				require.NotEmpty(t, served(t, s, "credit-api"))
				require.Equal(t, incident.Skipped, step(t, rec, "rollback", "credit-api").Status)
				require.True(t, step(t, rec, "reopen", "credit-batch").Verified, "the other endpoint recovers all the same")
			},
		},
		{
			name:   "the served digest is not the known-good one",
			breaks: func(s *stack.Stack) { s.Models.ServeStale("lending", "credit-scorer") },
			want:   incident.ContainedWithGaps, gap: "endpoint.enable on credit-api is undone: not proved",
			look: func(t *testing.T, s *stack.Stack, rec *incident.Record) {
				require.Empty(t, served(t, s, "credit-api"), "what serves the wrong bytes is taken out of service again")
				require.Equal(t, s.Company.Assets.Checkpoint("credit-scorer@16").RootDigest, served(t, s, "credit-batch"))
			},
		},
		{
			name: "an object is not locked",
			breaks: func(s *stack.Stack) {
				key := s.Company.WorkerS3
				s.S3Proxy.Add(fault.Rule{
					Name: "unlock", Method: http.MethodPut, Times: 1, Path: regexp.MustCompile(`^/nordwall-evidence/.*snapshot-checkpoints.*/objects/`),
					Action: fault.StripObjectLock(aws.Credentials{AccessKeyID: key.Access, SecretAccessKey: key.Secret}, s.S3.Region),
				})
			},
			want: incident.ContainedWithGaps, gap: "checkpoint.snapshot on credit-scorer@17 is",
			look: func(t *testing.T, s *stack.Stack, rec *incident.Record) {
				require.Equal(t, incident.Skipped, step(t, rec, "rollback", "credit-api").Status, "no state is replaced without locked evidence")
			},
		},
		{
			name: "the known-good checkpoint has a file that nobody signed",
			breaks: func(s *stack.Stack) {
				client := company.S3Client(s.S3.Endpoint, s.S3.Region, company.Key{Access: s.S3.AccessKey, Secret: s.S3.SecretKey})
				_, err := client.PutObject(context.Background(), &s3.PutObjectInput{
					Bucket: aws.String("nordwall-registry"), Key: aws.String("credit-scorer/16/modeling.py"), Body: strings.NewReader("import os"),
				})
				if err != nil {
					panic(err) // the store is this test's own
				}
			},
			want: incident.ContainedWithGaps, gap: "credit-scorer@16 is not known-good: modeling.py is not signed; modeling.py is code",
			look: func(t *testing.T, s *stack.Stack, rec *incident.Record) {
				require.Equal(t, incident.Failed, step(t, rec, "verify-candidate", "credit-api").Status)
				require.Equal(t, incident.Skipped, step(t, rec, "rollback", "credit-api").Status, "whoever approved")
				require.Empty(t, served(t, s, "credit-api"))
			},
		},
		{
			name:   "Slack and mail are down",
			breaks: func(s *stack.Stack) { s.Slack.Down(true); s.Mail.Down(true) },
			want:   incident.ContainedWithGaps, gap: "legal is not told in #ir-legal",
			mend: func(s *stack.Stack) { s.Slack.Down(false) },
			look: func(t *testing.T, s *stack.Stack, rec *incident.Record) {
				require.Empty(t, rec.Legal.TS)
				require.True(t, step(t, rec, "reopen", "credit-api").Verified, "containment and recovery went on")
			},
		},
		{
			name:   "Vault is unreachable",
			breaks: func(s *stack.Stack) { s.VaultProxy.Add(fault.Rule{Name: "down", Action: fault.Refuse()}) },
			want:   incident.NotContained, gap: "vault.revoke on ingest-loans is retrying",
			mend: func(s *stack.Stack) { s.VaultProxy.Clear() },
			look: func(t *testing.T, s *stack.Stack, rec *incident.Record) {
				require.True(t, step(t, rec, "disable-endpoints", "credit-api").Verified, "the rest is contained meanwhile")
			},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, ctx := start(t), bounded(t)
			c.breaks(s)
			r, rec := play(t, ctx, s, incident.DatasetCompromise)
			require.Equal(t, c.want, rec.Verdict, gaps(rec))
			require.Contains(t, gaps(rec), c.gap)
			c.look(t, s, rec)
			if c.mend == nil {
				return
			}
			c.mend(s)
			rec, err := r.Until(ctx, func(rec *incident.Record) bool { return rec.Verdict == incident.Contained })
			require.NoError(t, err)
			require.NotEmpty(t, rec.Legal.TS)
		})
	}
}
