package registry

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"firebreak/activities/evidence/s3fake"
	"firebreak/activities/registry/mlflow/mlflowfake"
	"firebreak/internal/inventory"
	"firebreak/internal/manifest"
)

const nordwall = "../../testdata/inventory/nordwall.yaml"

func company(t *testing.T) *inventory.Inventory {
	t.Helper()
	inv, err := inventory.Load(nordwall)
	require.NoError(t, err)
	return inv
}

// files are those of checkpoints that exist nowhere.
func files() []manifest.File {
	return []manifest.File{{Name: "model.safetensors", SHA256: strings.Repeat("ab", 32), Size: 1, VersionID: "v1"}}
}

func TestFindings(t *testing.T) {
	t.Parallel()
	inv := company(t)
	server := mlflowfake.New(t)
	server.Put("credit-scorer", "16", mlflowfake.Version{Status: "READY", Tags: map[string]string{StatusTag: Quarantined}})
	server.Put("credit-scorer", "17", mlflowfake.Version{Status: "PENDING_REGISTRATION", Tags: map[string]string{DigestTag: "sha256:other"}})
	server.Put("credit-scorer", "15", mlflowfake.Version{Status: "READY", Source: "s3://x/15"})
	server.Put("credit-scorer", "14", mlflowfake.Version{Status: "READY"})
	server.Point("credit-scorer", "champion", "14")
	store := s3fake.New()
	other := *inv.Checkpoint("credit-scorer@16")
	other.ID = "credit-scorer@15"
	var err error
	other.RootDigest, err = manifest.Root(files())
	require.NoError(t, err)
	raw, err := yaml.Marshal(NewEntry(other, files()))
	require.NoError(t, err)
	store.Add("good", "list/credit-scorer@15.yaml", string(raw))
	store.Add("good", "list/credit-scorer-2@1.yaml", "of another model: never read")
	catalogue, err := NewCatalogue(store, "s3://good/list")
	require.NoError(t, err)

	f := NewSources(mlflowClient(t, server.URL, mlflowfake.Token), catalogue).Findings(t.Context(), inv, []string{"credit-scorer", "nobody"})
	require.Empty(t, f.Notes)
	require.Equal(t, []string{"the catalogue does not have it", "in MLflow its tag firebreak.status is quarantined"}, f.Against["credit-scorer@16"])
	require.Equal(t, []string{"the catalogue does not have it", "in MLflow its status is PENDING_REGISTRATION", "MLflow has the root digest sha256:other for it"}, f.Against["credit-scorer@17"])
	require.Len(t, f.Candidates, 2)
	require.Equal(t, "credit-scorer@15", f.Candidates[0].ID)
	require.Equal(t, other.Built, f.Candidates[0].Built, "the catalogue says what it was made from")
	require.Equal(t, "only in MLflow, not in the inventory (alias champion)", f.Candidates[1].Status)

	radius, err := inv.BlastRadius("credit-scorer@17")
	require.NoError(t, err)
	chosen := inv.WithFindings(f).Select("credit-scorer", radius)
	require.Equal(t, "credit-scorer@15", chosen.Checkpoint.ID, chosen.Rejected)
	require.Contains(t, strings.Join(chosen.Rejected, "\n"), "credit-scorer@14: status is only in MLflow")
}

// A registry that is down or slow keeps nobody from a plan; the note says so.
func TestFindingsWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	inv := company(t)
	server := mlflowfake.New(t)
	server.Fail(func(string) (int, bool) { return 503, false })
	store := s3fake.New()
	store.Add("good", "credit-scorer@16.yaml", "checkpoint: {id: credit-scorer@16}\nfils: []\n")
	catalogue, err := NewCatalogue(store, "s3://good")
	require.NoError(t, err)
	s := NewSources(mlflowClient(t, server.URL, mlflowfake.Token), catalogue)
	f := s.Findings(t.Context(), inv, []string{"credit-scorer"})
	require.Len(t, f.Notes, 2)
	require.Contains(t, f.Notes[0], "the catalogue was not asked about credit-scorer: read catalogue entry credit-scorer@16.yaml")
	require.Contains(t, f.Notes[1], "the registry was not asked about credit-scorer: GET model-versions/search: MLflow at")
	require.NotContains(t, strings.Join(f.Notes, ""), mlflowfake.Token)

	server.Fail(nil)
	server.Before(func(string) { time.Sleep(300 * time.Millisecond) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	f = s.Findings(ctx, inv, []string{"credit-scorer"})
	require.Contains(t, strings.Join(f.Notes, "\n"), "did not answer in time")
	require.Empty(t, NewSources(nil, nil).Findings(t.Context(), inv, []string{"credit-scorer"}).Notes)
}

func TestParseEntryRefuses(t *testing.T) {
	t.Parallel()
	root, err := manifest.Root(files())
	require.NoError(t, err)
	e := NewEntry(inventory.Checkpoint{ID: "m@1", Model: "m", RootDigest: root}, files())
	raw, err := yaml.Marshal(e)
	require.NoError(t, err)
	good := string(raw)
	got, err := ParseEntry(raw)
	require.NoError(t, err)
	require.Equal(t, e.Files, got.Files)
	require.Equal(t, e.Checkpoint.ID, got.Checkpoint.ID)
	for name, tt := range map[string]struct{ text, want string }{
		"an unknown key":                {good + "\nextra: 1\n", "field extra not found"},
		"a second document":             {good + "\n---\na: 1\n", "a second document follows"},
		"an anchor":                     {"a: &x 1\n" + good, "anchors"},
		"another digest":                {strings.Replace(good, root, "sha256:00", 1), "its files hash to"},
		"no file":                       {"checkpoint: {id: m@1}\n", "there is no file"},
		"too much":                      {strings.Repeat("#", maxEntryBytes+1), "larger than"},
		"something that is no document": {"\x00", "control characters"},
	} {
		_, err := ParseEntry([]byte(tt.text))
		require.ErrorContains(t, err, tt.want, name)
	}
}

func TestCatalogueRefusesEntriesUnderAnotherName(t *testing.T) {
	t.Parallel()
	root, err := manifest.Root(files())
	require.NoError(t, err)
	raw, err := yaml.Marshal(NewEntry(inventory.Checkpoint{ID: "m@1", Model: "m", RootDigest: root}, files()))
	require.NoError(t, err)
	store := s3fake.New()
	store.Add("good", "m@2.yaml", string(raw))
	c, err := NewCatalogue(store, "s3://good/")
	require.NoError(t, err)
	_, err = c.Entries(t.Context(), "m")
	require.ErrorContains(t, err, "it is about m@1 of m")
	none, err := NewCatalogue(store, "")
	require.NoError(t, err)
	require.Nil(t, none)
}

func FuzzEntry(f *testing.F) {
	root, err := manifest.Root(files())
	require.NoError(f, err)
	raw, err := yaml.Marshal(NewEntry(inventory.Checkpoint{ID: "m@1", Model: "m", RootDigest: root}, files()))
	require.NoError(f, err)
	f.Add(raw)
	f.Fuzz(func(t *testing.T, content []byte) {
		if e, err := ParseEntry(content); err == nil {
			require.NotEmpty(t, e.Files)
		}
	})
}
