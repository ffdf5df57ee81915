package e2e_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/company"
	"firebreak/deploy/sandbox/scenario"
	"firebreak/deploy/sandbox/stack"
	"firebreak/internal/incident"
)

// startWith brings up a stack whose playbooks are the built-in ones with some text replaced.
func startWith(t *testing.T, pattern, replacement string) *stack.Stack {
	t.Helper()
	dir := t.TempDir()
	sources, err := filepath.Glob("../../../playbooks/*.yaml")
	require.NoError(t, err)
	changed := 0
	for _, file := range sources {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		out := regexp.MustCompile(pattern).ReplaceAll(raw, []byte(replacement))
		if !bytes.Equal(raw, out) {
			changed++
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.Base(file)), out, 0o600))
	}
	require.Positive(t, changed, "the pattern changes no playbook")
	s, err := stack.Start(t.Context(), stack.Options{Data: t.TempDir(), Log: io.Discard, Playbooks: dir})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	return s
}

// Somebody lets traffic in to the endpoint again behind firebreak's back, as a GitOps controller would. The watch must see it from
// outside and take the endpoint out of service again.
func TestRegressionUnderWatchIsContainedAgain(t *testing.T) {
	t.Parallel()
	s, ctx := startWith(t, `(?m)^watch: .*$`, "watch: {every: 10s}"), bounded(t)
	r, rec := play(t, ctx, s, incident.BackdoorDiscovery, "approve-rollback")
	require.Equal(t, incident.Contained, rec.Verdict, gaps(rec))
	require.Empty(t, served(t, s, "credit-api"))
	unfence(t, s, "credit-api")
	require.Eventually(t, func() bool { return served(t, s, "credit-api") != "" }, 20*time.Second, 50*time.Millisecond)
	rec, err := r.Until(ctx, func(rec *incident.Record) bool {
		return rec.Watched.Regressions == 1 && rec.Verdict == incident.Contained
	})
	require.NoError(t, err)
	require.Empty(t, served(t, s, "credit-api"), "the endpoint is out of service again")
	require.Contains(t, fmt.Sprint(rec.Timeline), "REGRESSION")
}

// unfence removes the policy that cuts an endpoint's pods off, as the company's operator.
func unfence(t *testing.T, s *stack.Stack, endpoint string) {
	t.Helper()
	e := s.Company.Assets.Endpoint(endpoint)
	url := fmt.Sprintf("%s/apis/networking.k8s.io/v1/namespaces/%s/networkpolicies/firebreak-%s", s.Kubernetes.URL, e.Serving.Namespace, e.Serving.Name)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, url, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+s.Kubernetes.Tokens[company.Operator])
	client, err := s.Kubernetes.Client()
	require.NoError(t, err)
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
}

// Nobody of security answers. The revocation does not take place, and the verdict says so.
func TestSilenceOfTheApproversIsAGap(t *testing.T) {
	t.Parallel()
	s, ctx := startWith(t, `(?s)(id: approve-revocation.*?timeout: )\d+m(.*?remind_every: )\d+m`, "${1}3s${2}1s"), bounded(t)
	r := post(t, ctx, s, incident.DatasetCompromise)
	r.Silent = []string{"approve-revocation"}
	rec, err := r.Until(ctx, scenario.Settled)
	require.NoError(t, err)
	require.Equal(t, incident.ContainedWithGaps, rec.Verdict)
	require.Contains(t, gaps(rec), "nobody decided in time")
	require.NoError(t, listBuckets(t, s, s.Company.PushKeys[0]), "nothing was revoked")
}
