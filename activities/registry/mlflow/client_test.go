package mlflow_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/registry/mlflow"
	"firebreak/activities/registry/mlflow/mlflowfake"
)

func TestSettings(t *testing.T) {
	for _, name := range []string{"MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"} {
		t.Setenv(name, "")
	}
	c, err := mlflow.NewClient()
	require.NoError(t, err)
	require.Nil(t, c, "no registry is configured")
	t.Setenv("MLFLOW_TRACKING_URI", "https://mlflow.example.com/")
	c, err = mlflow.NewClient()
	require.NoError(t, err)
	require.NotNil(t, c)
	for _, bad := range []string{"mlflow", "file:///tmp/mlruns", "sqlite:///x.db", "https://user:canary@mlflow.example.com"} {
		t.Setenv("MLFLOW_TRACKING_URI", bad)
		_, err = mlflow.NewClient()
		require.ErrorContains(t, err, "MLFLOW_TRACKING_URI")
		require.NotContains(t, err.Error(), "canary")
	}
}

func TestClientReadsVersions(t *testing.T) {
	t.Parallel()
	s := mlflowfake.New(t)
	s.Put("credit", "17", mlflowfake.Version{Status: "READY", Stage: "None", Source: "s3://r/17", Tags: map[string]string{"a": "b"}})
	s.Point("credit", "prod", "17")
	c, err := mlflow.New(mlflow.Settings{Address: s.URL, Token: mlflowfake.Token})
	require.NoError(t, err)
	v, err := c.Version(t.Context(), "credit", "17")
	require.NoError(t, err)
	require.Equal(t, &mlflow.Version{Name: "credit", Version: "17", Status: "READY", Stage: "None", Source: "s3://r/17", Tags: map[string]string{"a": "b"}, Aliases: []string{"prod"}}, v)
	v, err = c.Version(t.Context(), "credit", "99")
	require.NoError(t, err)
	require.Nil(t, v)
	_, err = c.Search(t.Context(), "it's")
	require.ErrorContains(t, err, "quote")
}

// Whatever answers, nothing of what it says but a code of a closed set gets into an error.
func TestClientKeepsAnswersOutOfErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status     int
		body, want string
	}{
		"an error of MLflow":    {400, `{"error_code":"INVALID_PARAMETER_VALUE","message":"canary"}`, "answered 400 INVALID_PARAMETER_VALUE"},
		"an error with a story": {400, `{"error_code":"canary in lower case"}`, "answered 400"},
		"a page of a proxy":     {502, "<html>canary</html>", "answered 502"},
		"a login page":          {200, "<html>canary</html>", "not its JSON"},
		"a redirect":            {302, "canary", "answered 302"},
		"no login":              {401, "canary", "set MLFLOW_TRACKING_TOKEN"},
		"no permission":         {403, "canary", "grant it EDIT"},
		"too much":              {200, strings.Repeat(" ", 9<<20), "answered more than"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				user, password, _ := r.BasicAuth()
				if user != "u" || password != "canary" {
					t.Errorf("login is %q", user)
				}
				w.Header().Set("Location", "http://127.0.0.1:1/")
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			}))
			t.Cleanup(s.Close)
			c, err := mlflow.New(mlflow.Settings{Address: s.URL, User: "u", Password: "canary"})
			require.NoError(t, err)
			_, err = c.Version(t.Context(), "credit", "17")
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "canary")
		})
	}
}

func TestClientHonoursCancel(t *testing.T) {
	t.Parallel()
	s := mlflowfake.New(t)
	c, err := mlflow.New(mlflow.Settings{Address: s.URL, Token: mlflowfake.Token})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Aliases(ctx, "credit")
	require.ErrorIs(t, err, context.Canceled)
}
