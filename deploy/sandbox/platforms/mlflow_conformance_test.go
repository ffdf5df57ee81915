package platforms_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"firebreak/activities/conformance"
	"firebreak/activities/registry"
	"firebreak/activities/registry/mlflow"
)

// read is what a path of the REST API answers, times of changes aside, which no client can set back. MLflow lists tags and
// aliases in no order.
func (l *lab) read(t *testing.T, path, query string) any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.server.URL+"/api/2.0/mlflow/"+path+"?"+query, http.NoBody)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusOK, answer.StatusCode, path)
	var out any
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&out))
	return settled(t, out)
}

func settled(t *testing.T, v any) any {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		delete(v, "last_updated_timestamp")
		for k := range v {
			v[k] = settled(t, v[k])
		}
	case []any:
		for i := range v {
			v[i] = settled(t, v[i])
		}
		slices.SortFunc(v, func(a, b any) int { return strings.Compare(text(t, a), text(t, b)) })
	}
	return v
}

func text(t *testing.T, v any) string {
	t.Helper()
	out, err := json.Marshal(v)
	require.NoError(t, err)
	return string(out)
}

// everything is all that MLflow says of the model and each of its versions.
func (l *lab) everything(t *testing.T) string {
	t.Helper()
	return text(t, []any{
		l.read(t, "registered-models/get", url.Values{"name": {l.name}}.Encode()),
		l.read(t, "model-versions/search", url.Values{"filter": {"name='" + l.name + "'"}}.Encode()),
		l.read(t, "model-versions/get", url.Values{"name": {l.name}, "version": {"2"}}.Encode()),
	})
}

func (l *lab) point(t *testing.T, alias, version string) {
	t.Helper()
	l.call(t, "registered-models/alias", map[string]any{"name": l.name, "alias": alias, "version": version})
}

// TestQuarantineConformsOnARealMLflow asks the whole kit of a real server. Its faults are the provider's: no server fails as
// it is told. The server asks for no login, so that a credential is only looked for in what comes back.
func TestQuarantineConformsOnARealMLflow(t *testing.T) {
	t.Parallel()
	server := startMLflow(t)
	var models atomic.Int64
	conformance.Run(t, func(t *testing.T) *conformance.Subject {
		const token = "token-of-the-worker-3141592653"
		l := labOn(t, server, fmt.Sprintf("credit-scorer-%d", models.Add(1)))
		var hollow atomic.Bool
		provider, address := stand(t, server.URL, func(r *http.Request) {
			if !hollow.Load() || !strings.HasSuffix(r.URL.Path, "/model-versions/search") {
				return
			}
			_, err := l.server.Call(t.Context(), "registered-models/alias", map[string]any{"name": l.name, "alias": "prod", "version": "2"})
			assert.NoError(t, err)
		}, nil)
		client, err := mlflow.New(mlflow.Settings{Address: address, Token: token})
		require.NoError(t, err)
		return &conformance.Subject{
			Action: registry.NewQuarantine(client.WithTimeout(5 * time.Second)), Operation: l.op, Provider: provider,
			Patience: time.Minute, Secrets: []string{token}, State: l.everything,
			Change:      func(t *testing.T) { l.point(t, "canary", "2") },
			ChangeAfter: func(t *testing.T) { l.point(t, "prod", "1") },
			// Somebody's deployment points its alias at the version again.
			Hollow: func(*testing.T) { hollow.Store(true) },
			Absent: func(t *testing.T) {
				l.call(t, "registered-models/rename", map[string]any{"name": l.name, "new_name": l.name + "-renamed"})
			},
		}
	})
}
