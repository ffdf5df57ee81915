package probe_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"firebreak/activities/probe"
)

func TestS3CredentialRefused(t *testing.T) {
	t.Parallel()
	secretKey := "canary-secret-that-must-not-leak"
	cases := []struct {
		name    string
		status  int
		body    string
		data    map[string]any
		refused bool
		how     string
		err     string
	}{
		{"a live credential", 200, `<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>`, nil, false, "ListBuckets answered with the credential", ""},
		{"a deleted user", 403, errorBody("InvalidAccessKeyId"), nil, true, "ListBuckets answered InvalidAccessKeyId", ""},
		{"a live credential without the right", 403, errorBody("AccessDenied"), nil, false, "ListBuckets answered AccessDenied", ""},
		{"a server in trouble is not a refusal", 503, errorBody("SlowDown"), nil, false, "ListBuckets answered SlowDown", ""},
		{"no credential in the data", 200, "", map[string]any{"username": "x"}, false, "", "it has no access_key"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/xml")
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			}))
			t.Cleanup(server.Close)
			data := c.data
			if data == nil {
				data = map[string]any{"access_key": "AK" + "IAEXAMPLE", "secret_key": secretKey}
			}
			client := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &server.URL, UsePathStyle: true})
			refused, how, err := probe.NewS3Credential(client).Refused(context.Background(), data)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.refused, refused)
			require.Equal(t, c.how, how)
			require.NotContains(t, how, secretKey)
		})
	}
}

func TestS3CredentialWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	dead := "http://127.0.0.1:1"
	client := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &dead, UsePathStyle: true})
	_, _, err := probe.NewS3Credential(client).Refused(context.Background(), map[string]any{"access_key": "a", "secret_key": "hush"})
	require.EqualError(t, err, "use credential on S3: no answer")
}

func errorBody(code string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>` + code + `</Code><Message>m</Message></Error>`
}
