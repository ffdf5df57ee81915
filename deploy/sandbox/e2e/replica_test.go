package e2e_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/company"
	"firebreak/deploy/sandbox/modelserver"
	"firebreak/deploy/sandbox/stack"
	"firebreak/internal/incident"
)

// A backdoored endpoint is cut off and its replicas live on, and what was in them is in the evidence: the files that they had
// loaded hash to the suspect checkpoint.
func TestReplicasAreCapturedAndLiveOnIsolated(t *testing.T) {
	t.Parallel()
	s, ctx := start(t), bounded(t)
	_, rec := play(t, ctx, s, incident.BackdoorDiscovery, "approve-rollback")
	require.Equal(t, incident.Contained, rec.Verdict, gaps(rec))
	require.Empty(t, served(t, s, "credit-api"))
	require.Len(t, kubernetesList(t, s, "/api/v1/namespaces/lending/pods?labelSelector=app%3Dcredit-scorer"), 1, "the replica lives")
	require.Len(t, kubernetesList(t, s, "/apis/networking.k8s.io/v1/namespaces/lending/networkpolicies"), 2, "a fence for each endpoint")

	pieces := capturedPieces(t, s)
	require.NotEmpty(t, pieces)
	roots := map[string]bool{}
	for key, content := range pieces {
		require.NotContains(t, content, modelserver.PodSecret, key)
		if strings.HasSuffix(key, "-files.txt") && !strings.HasSuffix(key, "-mapped-files.txt") {
			roots[rootOfListing(t, content)] = true
		}
	}
	require.Equal(t, map[string]bool{s.Company.Assets.Checkpoint("credit-scorer@17").RootDigest: true}, roots)
	for _, item := range []string{"-processes.txt", "-sockets.txt", "-mapped-files.txt", "-pod.json", "-log.txt", "-events.json"} {
		require.True(t, slices.ContainsFunc(keysOf(pieces), func(k string) bool { return strings.HasSuffix(k, item) }), item)
	}
}

// A network that enforces no policies must not keep a suspect model in service.
func TestIsolationThatDoesNotHoldBecomesAStop(t *testing.T) {
	t.Parallel()
	s, ctx := start(t), bounded(t)
	s.Models.IgnorePolicies("lending", "credit-scorer")
	_, rec := play(t, ctx, s, incident.BackdoorDiscovery, "approve-rollback")
	require.Equal(t, incident.Contained, rec.Verdict, gaps(rec))
	require.Empty(t, served(t, s, "credit-api"))
	require.Contains(t, step(t, rec, "disable-endpoints", "credit-api").Receipt.Effect.Summary, "it went on answering, so that it is taken out altogether")
	require.Empty(t, kubernetesList(t, s, "/api/v1/namespaces/lending/pods?labelSelector=app%3Dcredit-scorer"))
	require.Len(t, kubernetesList(t, s, "/api/v1/namespaces/lending/pods?labelSelector=app%3Dcredit-batch"), 1, "the other one holds")
}

// kubernetesList asks the API server itself, as the operator.
func kubernetesList(t *testing.T, s *stack.Stack, path string) []any {
	t.Helper()
	client, err := s.Kubernetes.Client()
	require.NoError(t, err)
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Kubernetes.URL+path, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+s.Kubernetes.Tokens[company.Operator])
	res, err := client.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	var list struct {
		Items []any `json:"items"`
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&list))
	return list.Items
}

// capturedPieces are the objects of replicas in the evidence store, by their keys.
func capturedPieces(t *testing.T, s *stack.Stack) map[string]string {
	t.Helper()
	client := company.S3Client(s.S3.Endpoint, s.S3.Region, company.Key{Access: s.S3.AccessKey, Secret: s.S3.SecretKey})
	out := map[string]string{}
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: aws.String("nordwall-evidence")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, o := range page.Contents {
			if !strings.Contains(*o.Key, "/replicas/") {
				continue
			}
			object, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("nordwall-evidence"), Key: o.Key})
			require.NoError(t, err)
			content, err := io.ReadAll(object.Body)
			require.NoError(t, err)
			require.NoError(t, object.Body.Close())
			out[*o.Key] = string(content)
		}
	}
	return out
}

func keysOf(pieces map[string]string) []string {
	var out []string
	for key := range pieces {
		out = append(out, key)
	}
	return out
}

// rootOfListing is the root digest of the files in the output of sha256sum.
func rootOfListing(t *testing.T, listing string) string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(listing), "\n")
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[66:], b[66:]) })
	root := sha256.New()
	for _, line := range lines {
		sum, err := hex.DecodeString(line[:64])
		require.NoError(t, err, line)
		root.Write(sum)
	}
	return "sha256:" + hex.EncodeToString(root.Sum(nil))
}
