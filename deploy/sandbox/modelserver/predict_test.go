package modelserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/modelserver"
)

// authorize knows one key; the key "fault" stands for a directory that is down.
func authorize(_ context.Context, namespace, name, key string) (bool, error) {
	if key == "fault" {
		return false, errors.New("directory is down")
	}
	return key == "k-1" && namespace == "lending" && name == "credit-scorer", nil
}

func TestPredict(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *modelserver.Options) { o.Authorize = authorize })
	b.kube.apply(service, storage(goodURI))
	b.waitFor(t, loaded())
	tests := map[string]struct {
		method, key, body string
		status            int
		predictions       int
		fingerprint       string
	}{
		"get":              {http.MethodGet, "k-1", "", 200, 1, "7c35c5a1785d"},
		"two instances":    {http.MethodPost, "k-1", `{"instances":[[1],[2]]}`, 200, 2, "7c35c5a1785d"},
		"no instances":     {http.MethodPost, "k-1", `{"instances":[]}`, 200, 0, "7c35c5a1785d"},
		"not json":         {http.MethodPost, "k-1", `{`, 400, -1, "7c35c5a1785d"},
		"other json":       {http.MethodPost, "k-1", `{"inputs":[]}`, 400, -1, "7c35c5a1785d"},
		"too large":        {http.MethodPost, "k-1", strings.Repeat("x", 1<<20+1), 413, -1, "7c35c5a1785d"},
		"no key":           {http.MethodPost, "", `{"instances":[1]}`, 401, -1, ""},
		"revoked key":      {http.MethodPost, "k-2", `{"instances":[1]}`, 401, -1, "ab8460920d12"},
		"directory down":   {http.MethodPost, "fault", `{"instances":[1]}`, 503, -1, "f1c562eae32f"},
		"method not known": {http.MethodDelete, "k-1", "", 405, -1, "-"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b.records.Reset()
			req, err := http.NewRequestWithContext(t.Context(), tc.method, b.url+"/"+service+predictPath, strings.NewReader(tc.body))
			require.NoError(t, err)
			req.Header.Set("x-api-key", tc.key)
			res, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			defer res.Body.Close()
			require.Equal(t, tc.status, res.StatusCode)
			require.Equal(t, tc.status == 200, res.Header.Get("x-model-digest") != "", "only an answer states a digest")
			if tc.predictions >= 0 {
				var body struct {
					Predictions []float64 `json:"predictions"`
					Digest      string    `json:"digest"`
				}
				require.NoError(t, json.NewDecoder(res.Body).Decode(&body))
				require.Len(t, body.Predictions, tc.predictions)
				require.Equal(t, goodDigest, body.Digest)
			}
			b.checkRecord(t, tc.fingerprint, tc.status, tc.key)
		})
	}
}

// checkRecord reads the one line that a request left; "-" wants none.
func (b *bench) checkRecord(t *testing.T, fingerprint string, status int, key string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	line := b.records.String()
	if fingerprint == "-" {
		require.Empty(t, line)
		return
	}
	require.Equal(t, 1, strings.Count(line, "\n"))
	var got modelserver.Request
	require.NoError(t, json.Unmarshal([]byte(line), &got))
	require.Equal(t, fingerprint, got.KeyFingerprint)
	require.Equal(t, status, got.Status)
	require.Equal(t, goodDigest, got.Digest)
	require.Equal(t, "lending", got.Namespace)
	require.Equal(t, "credit-scorer", got.Name)
	require.Len(t, got.InputSHA256, 64)
	require.False(t, got.Time.IsZero())
	if key != "" {
		require.NotContains(t, line, `"`+key+`"`)
	}
}

func TestHealthProbeNeedsNoKey(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *modelserver.Options) { o.Authorize = authorize })
	b.kube.apply(service, storage(goodURI))
	b.waitFor(t, loaded())
	status, _, _ := b.get(t, "/v1/health-probe")
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, b.records.String(), "a probe is no prediction")
}

func TestPredictionsDependOnTheWeights(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.kube.apply(service, storage(goodURI))
	b.waitFor(t, loaded())
	_, _, first := b.get(t, predictPath)
	_, _, again := b.get(t, predictPath)
	require.Equal(t, first["predictions"], again["predictions"])
	b.kube.apply(service, storage(badURI))
	require.Eventually(t, func() bool { return b.digest(t) == badDigest }, wait, tick)
	_, _, other := b.get(t, predictPath)
	require.NotEqual(t, first["predictions"], other["predictions"])
}
