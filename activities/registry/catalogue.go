package registry

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"firebreak/activities/evidence/objects"
	"firebreak/internal/inventory"
	"firebreak/internal/manifest"
)

// Catalogue is a team's own list of known-good checkpoints in S3, one document <checkpoint id>.yaml each. No registry and no
// serving platform vouches for bytes, so this does: for every file it has the digest and the version id. It is best kept
// in a bucket under Object Lock that no training job can write.
//
// What is in it is checked like everything else: an entry without a valid signature over its files is no known-good.
type Catalogue struct {
	api objects.Reader
	at  objects.Location
}

const (
	// maxEntryBytes and maxEntries bound what is read of a catalogue.
	maxEntryBytes = 32 << 20
	maxEntries    = 2000
)

// NewCatalogue returns the catalogue at an S3 URI, or nil if the URI is empty.
func NewCatalogue(api objects.Reader, uri string) (*Catalogue, error) {
	if uri == "" {
		return nil, nil
	}
	at, err := objects.ParseURI(uri)
	if err != nil {
		return nil, fmt.Errorf("FIREBREAK_CATALOGUE: %w", err)
	}
	return &Catalogue{api: api, at: at}, nil
}

// Entries returns the entries of a model.
func (c *Catalogue) Entries(ctx context.Context, model string) ([]Entry, error) {
	all, err := objects.List(ctx, c.api, c.at)
	if err != nil {
		return nil, err
	}
	var out []Entry
	for _, v := range all {
		id, isEntry := strings.CutSuffix(c.at.Name(v.Key), ".yaml")
		if !isEntry || !v.Latest || v.DeleteMarker || !strings.HasPrefix(id, model+"@") {
			continue
		}
		if len(out) == maxEntries {
			return nil, fmt.Errorf("read catalogue %s: it has more than %d entries of %s", c.at, maxEntries, model)
		}
		e, err := c.read(ctx, v)
		if err != nil {
			return nil, err
		}
		if e.Checkpoint.ID != id || e.Checkpoint.Model != model {
			return nil, fmt.Errorf("read catalogue entry %s: it is about %s of %s", id, e.Checkpoint.ID, e.Checkpoint.Model)
		}
		out = append(out, *e)
	}
	return out, nil
}

func (c *Catalogue) read(ctx context.Context, v objects.Version) (*Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, objects.TransferTimeout(v.Size))
	defer cancel()
	out, err := c.api.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(c.at.Bucket), Key: aws.String(v.Key), VersionId: v.Pin()})
	if err != nil {
		return nil, fmt.Errorf("read catalogue entry %s: %w", v.Key, err)
	}
	defer out.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(out.Body, maxEntryBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read catalogue entry %s: %w", v.Key, err)
	}
	e, err := ParseEntry(raw)
	if err != nil {
		return nil, fmt.Errorf("read catalogue entry %s: %w", v.Key, err)
	}
	return e, nil
}

// compare says what speaks against a checkpoint whose files were hashed: that the catalogue does not have it, or has it
// otherwise.
func (c *Catalogue) compare(ctx context.Context, good *inventory.Checkpoint, files []manifest.File) ([]string, error) {
	entries, err := c.Entries(ctx, good.Model)
	if err != nil {
		return nil, err
	}
	for i := range entries {
		if entries[i].Checkpoint.ID == good.ID {
			return entries[i].differences(good, files), nil
		}
	}
	return []string{"the catalogue " + c.at.String() + " does not have it"}, nil
}
