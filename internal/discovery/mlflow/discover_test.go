package mlflow_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/discovery"
	"firebreak/internal/discovery/mlflow"
	"firebreak/internal/inventory"
)

var now = time.Date(2026, 9, 14, 6, 0, 0, 0, time.UTC)

const secret = "s3cr3t-t0ken-of-the-registry"

func client(t *testing.T, s *server) *mlflow.Client {
	t.Helper()
	c, err := mlflow.New(s.URL, secret, "", "")
	require.NoError(t, err)
	return mlflow.Impatient(c)
}

func fields(f *discovery.Found, id string) map[string]any {
	out := map[string]any{}
	for _, a := range f.Assets {
		if a.ID == id {
			for _, x := range a.Fields {
				out[x.Path] = x.Value
			}
		}
	}
	return out
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.token = secret
	f, err := mlflow.Discover(t.Context(), client(t, s), discovery.Options{Env: "prod"}, now)
	require.NoError(t, err)
	require.Equal(t, now, f.AsOf)
	require.Equal(t, map[string]any{
		"model": "credit-scorer", "root_digest": "sha256:" + strings.Repeat("ab", 32), "uri": "s3://nordwall-registry/credit-scorer/17",
		"built.run_id": "run-9340", "built.code_commit": "9ab27d4", "built.started": "2026-08-29T20:00:00Z", "built.finished": "2026-08-30T03:40:00Z",
		"built.datasets": []string{"loan-applications@f8e3c1a2"}, "promotion.stage": "prod",
	}, fields(f, "credit-scorer@17"))
	require.Equal(t, map[string]any{"dataset": "loan-applications", "uri": "s3://nordwall-data/loan-applications/2026-07-31/"}, fields(f, "loan-applications@f8e3c1a2"))
	require.Equal(t, []inventory.Edge{
		{From: "loan-applications@f8e3c1a2", Run: "run-9340", To: "credit-scorer@17", Source: "mlflow", EventTime: "2026-08-30T03:40:00Z"},
	}, f.Edges)
	notes := strings.Join(f.Notes, "\n")
	for _, want := range []string{
		`model "a b" can be no id`, "alias champion of credit-scorer is version 17", "N8: run gone of credit-scorer@18 was deleted",
		"N8: credit-scorer@9 names no run", "version 19 of credit-scorer is left out: its registration is FAILED_REGISTRATION",
		`logged dataset "dataset" with digest ""`, `credit-scorer@18 is kept in MLflow at an address of the kind "models"`, "N2: credit-scorer@9 has no tag firebreak.root_digest",
	} {
		require.Contains(t, notes, want)
	}
	require.NotContains(t, fields(f, "credit-scorer@18"), "uri", "nothing of it can be copied from there")
	require.False(t, f.Has("checkpoints", "credit-scorer@19"))
}

func TestABusyServerIsAskedAgain(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.busy.Store(2)
	_, err := mlflow.Discover(t.Context(), client(t, s), discovery.Options{}, now)
	require.NoError(t, err)
}

func TestDiscoverRefuses(t *testing.T) {
	t.Parallel()
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "https://elsewhere.example")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, c := range map[string]struct {
		spoil http.HandlerFunc
		asked int32
		want  string
	}{
		"no permission":     {answer(403, `{"error_code":"PERMISSION_DENIED","message":"`+secret+`"}`), 1, "HTTP 403: set MLFLOW_TRACKING_TOKEN"},
		"a redirect":        {answer(302, ""), 1, "HTTP 302: it leads elsewhere"},
		"always busy":       {answer(503, "<html>"+secret), 4, "HTTP 503"},
		"too many requests": {answer(429, ""), 4, "HTTP 429"},
		"a bad request":     {answer(400, `{"error_code":"INVALID_PARAMETER_VALUE"}`), 1, "HTTP 400 INVALID_PARAMETER_VALUE"},
		"a web page":        {answer(200, "<html>"), 1, "is this the address of a tracking server?"},
		"an endless answer": {func(w http.ResponseWriter, _ *http.Request) {
			for range 17 {
				_, _ = w.Write(make([]byte, 1<<20))
			}
		}, 1, "larger than"},
		"pages without end": {answer(200, `{"registered_models":[{"name":"m"}],"next_page_token":"again"}`), 2, "do not end"},
		"too many models": {func(w http.ResponseWriter, r *http.Request) {
			page := r.URL.Query().Get("page_token") + "1"
			_, _ = w.Write([]byte(`{"registered_models":[` + strings.Repeat(`{"name":"m"},`, 7000) + `{"name":"m"}],"next_page_token":"` + page + `"}`))
		}, 3, "more than 20000 models"},
		"too many versions": {func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "registered-models/search") {
				_, _ = w.Write([]byte(`{"registered_models":[{"name":"m"}]}`))
				return
			}
			page := r.URL.Query().Get("page_token") + "1"
			_, _ = w.Write([]byte(`{"model_versions":[` + strings.Repeat(`{"version":"1"},`, 40_000) + `{"version":"1"}],"next_page_token":"` + page + `"}`))
		}, 4, "m has more than 100000 versions"},
		"a cut connection": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 4, "ask MLflow for registered-models/search"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.spoil = c.spoil
			_, err := mlflow.Discover(t.Context(), client(t, s), discovery.Options{}, now)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), secret)
			require.NotContains(t, err.Error(), "hunter2")
			if name != "a cut connection" { // which the transport itself may try again
				require.Equal(t, c.asked, s.asked.Load())
			}
		})
	}
}

func TestCancelEndsIt(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.spoil = func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}
	_, err := mlflow.Discover(ctx, client(t, s), discovery.Options{}, now)
	require.ErrorIs(t, err, context.Canceled)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"mlflow":                            "none such as https://",
		"ftp://mlflow.example":              "none such as https://",
		"https://me:hunter2@mlflow.example": "has a name or password in it",
		"https://mlflow.example?a=hunter2":  "has a query",
		"https://mlflow.example/%zz":        "none such as",
	} {
		_, err := mlflow.New(address, "", "", "")
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

// FuzzAnswers holds that no answer of a server makes an id that cannot be one, or stops the program.
func FuzzAnswers(f *testing.F) {
	f.Add(`{"registered_models":[{"name":"m"}]}`, `{"model_versions":[{"name":"m","version":"1","run_id":"r"}]}`, `{"run":{"inputs":{"dataset_inputs":[{"dataset":{"name":"d","digest":"1"}}]}}}`)
	f.Fuzz(func(t *testing.T, models, versions, run string) {
		s := newServer(t)
		s.spoil = func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasSuffix(r.URL.Path, "registered-models/search"):
				_, _ = w.Write([]byte(models))
			case strings.HasSuffix(r.URL.Path, "model-versions/search"):
				_, _ = w.Write([]byte(versions))
			default:
				_, _ = w.Write([]byte(run))
			}
		}
		found, err := mlflow.Discover(t.Context(), client(t, s), discovery.Options{}, now)
		if err != nil {
			return
		}
		for _, a := range found.Assets {
			require.True(t, discovery.Usable(a.ID), "%q", a.ID)
		}
	})
}
