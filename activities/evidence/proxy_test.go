package evidence

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/failure"
)

// What answers 200 in place of the store is neither an empty listing nor a bucket without versions: it is tried again.
func TestAPageOfAProxyIsNoAnswerOfAStore(t *testing.T) {
	t.Parallel()
	for name, page := range map[string]string{"a page": "<html>Welcome to the proxy</html>", "nothing": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, page) }))
			t.Cleanup(server.Close)
			api := s3.New(s3.Options{
				BaseEndpoint: &server.URL, Region: "eu-central-1", UsePathStyle: true, RetryMaxAttempts: 1,
				Credentials: credentials.NewStaticCredentialsProvider("worker", "secret", ""),
			})
			_, a, op := newScene(t)
			capture(t, a, op)
			p, err := newPlan(op)
			require.NoError(t, err)
			broken := NewSnapshot(api)
			stages := map[string]func() error{
				"list": func() error { _, err := broken.Capture(t.Context(), op); return err },
				"copy": func() error {
					r := &run{Snapshot: broken, op: op, plan: p}
					_, err := r.whole(t.Context(), objects.Version{Bucket: "data", Key: "loans/v1/part", ID: "v1", ETag: `"e"`}, "copy")
					return err
				},
				"write": func() error {
					_, err := putLocked(t.Context(), api, vault, piece{key: "manifest", bytes: []byte("{}")}, p.lock, time.Now())
					return err
				},
			}
			for stage, do := range stages {
				err := do()
				require.ErrorContains(t, err, "in place of the store", stage)
				_, final := failure.CodeOf(err)
				require.False(t, final, "%s: %v", stage, err)
			}
		})
	}
}
