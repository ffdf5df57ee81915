package evidence

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// isolate keeps the machine's own AWS settings out of a test.
func isolate(t *testing.T) {
	t.Helper()
	absent := filepath.Join(t.TempDir(), "absent")
	for name, v := range map[string]string{
		"AWS_CONFIG_FILE": absent, "AWS_SHARED_CREDENTIALS_FILE": absent, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_PROFILE": "", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "",
		"AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": "", "AWS_WEB_IDENTITY_TOKEN_FILE": "", "AWS_ROLE_ARN": "",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "",
	} {
		t.Setenv(name, v)
	}
}

func TestNewS3SaysWhatIsMissing(t *testing.T) {
	isolate(t)
	_, err := NewS3(t.Context())
	require.ErrorContains(t, err, "AWS_REGION")
	t.Setenv("AWS_REGION", "eu-central-1")
	_, err = NewS3(t.Context())
	require.ErrorContains(t, err, "AWS_ACCESS_KEY_ID")
}

func TestNewS3HonoursAnEndpoint(t *testing.T) {
	isolate(t)
	t.Setenv("AWS_REGION", "eu-central-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
	client, err := NewS3(t.Context())
	require.NoError(t, err)
	require.False(t, client.Options().UsePathStyle)
	t.Setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:7070")
	client, err = NewS3(t.Context())
	require.NoError(t, err)
	require.True(t, client.Options().UsePathStyle)
	require.Equal(t, "http://127.0.0.1:7070", *client.Options().BaseEndpoint)
}
