package objects_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/evidence/s3fake"
	"firebreak/activities/failure"
	"firebreak/internal/manifest"
)

func TestParseURI(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		uri  string
		want objects.Location
		err  bool
	}{
		"a folder":                   {uri: "s3://b/p/q/", want: objects.Location{Bucket: "b", Prefix: "p/q"}},
		"no slash at its end":        {uri: "s3://b/p/q", want: objects.Location{Bucket: "b", Prefix: "p/q"}},
		"a version id":               {uri: "s3://b/p/?versionId=c2", want: objects.Location{Bucket: "b", Prefix: "p"}},
		"a whole bucket":             {uri: "s3://b/", want: objects.Location{Bucket: "b"}},
		"a bucket alone":             {uri: "s3://b", want: objects.Location{Bucket: "b"}},
		"another store":              {uri: "gs://b/p", err: true},
		"a name that is no location": {uri: "logs/credit-api", err: true},
		"no bucket":                  {uri: "s3:///p", err: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := objects.ParseURI(tt.uri)
			code, _ := failure.CodeOf(err)
			require.Equal(t, tt.err, code == failure.Unsupported)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestVersionURIComesBack(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"null", "a+b/c=?&%", "3HL4kqtJvjVBH40Nrjfkd"} {
		bucket, key, got, err := objects.ParseVersionURI(objects.VersionURI("b", "k/ä k?", id))
		require.NoError(t, err)
		require.Equal(t, []string{"b", "k/ä k?", id}, []string{bucket, key, got})
	}
	for _, bad := range []string{"", "s3://b/k", "s3://b?versionId=1", "s3://b/k?versionId=", "s3://b/k?versionId=%zz", "http://b/k?versionId=1"} {
		_, _, _, err := objects.ParseVersionURI(bad)
		require.Error(t, err, bad)
	}
}

func TestListTakesWholeNamesAndEveryPage(t *testing.T) {
	t.Parallel()
	s := s3fake.New()
	for _, key := range []string{"credit/16/b", "credit/16/a", "credit/16/a", "credit/161/x", "credit/16", "other"} {
		s.Add("b", key, key)
	}
	s.Mark("b", "credit/16/b")
	versions, err := objects.List(t.Context(), s, objects.Location{Bucket: "b", Prefix: "credit/16"})
	require.NoError(t, err)
	type seen struct {
		key            string
		latest, marker bool
	}
	var got []seen
	for _, v := range versions {
		got = append(got, seen{v.Key, v.Latest, v.DeleteMarker})
	}
	require.Equal(t, []seen{
		{"credit/16", true, false}, {"credit/16/a", false, false}, {"credit/16/a", true, false},
		{"credit/16/b", false, false}, {"credit/16/b", true, true},
	}, got)
}

func TestRootIsOverTheCurrentFiles(t *testing.T) {
	t.Parallel()
	s := s3fake.New()
	s.Add("b", "m/16/weights", "an older version")
	s.Add("b", "m/16/weights", "weights")
	s.Add("b", "m/16/sub/config", "config")
	s.Add("b", "m/16/gone", "gone")
	s.Mark("b", "m/16/gone")
	s.Add("b", "m/16/sub/", "")
	s.Add("b", "m/16/model.sig", "signature")
	want, err := manifest.Root([]manifest.File{{Name: "sub/config", SHA256: sum("config")}, {Name: "weights", SHA256: sum("weights")}})
	require.NoError(t, err)

	got, err := objects.Root(t.Context(), s, objects.Location{Bucket: "b", Prefix: "m/16"}, "m/16/model.sig")
	require.NoError(t, err)
	require.Equal(t, want, got)

	unsigned, err := objects.Root(t.Context(), s, objects.Location{Bucket: "b", Prefix: "m/16"}, "")
	require.NoError(t, err)
	require.NotEqual(t, want, unsigned)
}

func TestRootOfNothing(t *testing.T) {
	t.Parallel()
	_, err := objects.Root(t.Context(), s3fake.New(), objects.Location{Bucket: "b", Prefix: "m"}, "")
	code, _ := failure.CodeOf(err)
	require.Equal(t, failure.EvidenceMismatch, code)
}

func TestRootHonoursCancel(t *testing.T) {
	t.Parallel()
	s := s3fake.New()
	s.Add("b", "m/a", "a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := objects.Root(ctx, s, objects.Location{Bucket: "b", Prefix: "m"}, "")
	require.ErrorIs(t, err, context.Canceled)
}

func sum(content string) string {
	raw := sha256.Sum256([]byte(content))
	return hex.EncodeToString(raw[:])
}
