package e2e_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/company"
	"firebreak/deploy/sandbox/stack"
	"firebreak/internal/incident"
	"firebreak/internal/manifest"
)

// Who says that they read the evidence is in its chain of custody, while the incident is open and after it is closed.
func TestWhoReadTheEvidenceIsInTheChain(t *testing.T) {
	t.Parallel()
	s, ctx := start(t), bounded(t)
	r, rec := play(t, ctx, s, incident.ExtractionEvent)
	access := func(person, reason string) (string, int) {
		output, code, err := s.CLI(ctx, "evidence", "access", r.ID, "--as", person, "--reason", reason)
		require.NoError(t, err)
		return output, code
	}
	output, code := access("leg-1", "for the brief")
	require.Zero(t, code, output)
	output, code = access("mallory", "curious")
	require.Equal(t, 4, code, output)
	require.Contains(t, output, "mallory is not in the inventory")
	require.NoError(t, r.Close(ctx, false))
	// A closed incident is sealed again, with what was read meanwhile, before its workflow ends.
	closed, err := r.Until(ctx, func(now *incident.Record) bool {
		return now.Progress == incident.Closed && now.Evidence.Manifest != rec.Evidence.Manifest
	})
	require.NoError(t, err)
	output, code = access("priv-1", "for the authority")
	require.Zero(t, code, output)
	output, code = access("mallory", "still curious")
	require.Equal(t, 4, code, output)

	chain := chainOf(t, s)
	require.Empty(t, manifest.CheckChain(chain, manifest.Genesis(rec.ID, incident.Live)))
	var reads []string
	for _, e := range chain {
		if e.Action == manifest.Read {
			reads = append(reads, e.Actor+" "+e.Reason+" "+e.Evidence)
		}
	}
	require.Equal(t, []string{"leg-1 for the brief " + rec.Evidence.Manifest, "priv-1 for the authority " + closed.Evidence.Manifest}, reads)
	evidenceHolds(t, s, closed)
}

// chainOf reads the chain of custody from the store, link by link.
func chainOf(t *testing.T, s *stack.Stack) []manifest.Event {
	t.Helper()
	client := company.S3Client(s.S3.Endpoint, s.S3.Region, company.Key{Access: s.S3.AccessKey, Secret: s.S3.SecretKey})
	var chain []manifest.Event
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: aws.String("nordwall-evidence")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, o := range page.Contents {
			if !strings.Contains(*o.Key, "/custody/") {
				continue
			}
			object, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("nordwall-evidence"), Key: o.Key})
			require.NoError(t, err)
			content, err := io.ReadAll(object.Body)
			require.NoError(t, err)
			require.NoError(t, object.Body.Close())
			for line := range strings.Lines(string(content)) {
				var e manifest.Event
				require.NoError(t, json.Unmarshal([]byte(line), &e))
				chain = append(chain, e)
			}
		}
	}
	return chain
}
