package registry

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/failure"
	"firebreak/internal/artifact"
	"firebreak/internal/inventory"
	"firebreak/internal/manifest"
	"firebreak/internal/manifest/dsse"
	"firebreak/internal/manifest/oms"
)

// candidate is a checkpoint as it is in the store.
type candidate struct {
	api objects.Reader
	at  objects.Location
	// versions are the current versions of its files; the bundle is not among them.
	versions []objects.Version
	// bundle is the signature over the files, and since the time at which the store took it.
	bundle []byte
	since  time.Time
}

// open lists the checkpoint's files and reads its bundle.
func open(ctx context.Context, api objects.Reader, c *inventory.Checkpoint) (*candidate, error) {
	at, err := objects.ParseURI(c.URI)
	if err != nil {
		return nil, err
	}
	out := &candidate{api: api, at: at}
	bundle, err := out.readBundle(ctx, c)
	if err != nil {
		return nil, err
	}
	all, err := objects.List(ctx, api, at)
	if err != nil {
		return nil, err
	}
	for _, v := range all {
		if v.Latest && v.IsFile() && v.Key != bundle {
			out.versions = append(out.versions, v)
		}
	}
	if len(out.versions) == 0 {
		return nil, failure.New(failure.EvidenceMismatch, "%s: there is no object at %s", c.ID, at)
	}
	return out, nil
}

// readBundle reads the signature and returns its key if it may be beside the files.
func (c *candidate) readBundle(ctx context.Context, of *inventory.Checkpoint) (string, error) {
	uri, version, _ := strings.Cut(of.OMSBundle, "?versionId=")
	at, err := objects.ParseURI(uri)
	if err != nil || at.Prefix == "" {
		return "", failure.New(failure.Invalid, "%s: its signature %q is not an object in S3", of.ID, of.OMSBundle)
	}
	ctx, cancel := context.WithTimeout(ctx, objects.TransferTimeout(oms.MaxBundleBytes))
	defer cancel()
	in := &s3.GetObjectInput{Bucket: aws.String(at.Bucket), Key: aws.String(at.Prefix)}
	if version != "" {
		in.VersionId = aws.String(version)
	}
	out, err := c.api.GetObject(ctx, in)
	if err != nil {
		return "", fmt.Errorf("read signature of %s at %s: %w", of.ID, of.OMSBundle, err)
	}
	defer out.Body.Close()
	if c.bundle, err = io.ReadAll(io.LimitReader(out.Body, oms.MaxBundleBytes+1)); err != nil {
		return "", fmt.Errorf("read signature of %s: %w", of.ID, err)
	}
	c.since = aws.ToTime(out.LastModified).UTC()
	if at.Bucket == c.at.Bucket {
		return at.Prefix, nil
	}
	return "", nil
}

// signed returns what the key vouches for.
func (c *candidate) signed(key *dsse.Key) (*oms.Signed, error) {
	b, err := oms.ParseBundle(c.bundle)
	if err != nil {
		return nil, err
	}
	return b.Verify(key)
}

// hash returns the files with their digests.
func (c *candidate) hash(ctx context.Context) ([]manifest.File, error) {
	files := make([]manifest.File, len(c.versions))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(objects.Concurrency)
	for i, v := range c.versions {
		group.Go(func() error {
			sum, n, err := objects.Hash(ctx, c.api, c.at.Bucket, v)
			files[i] = manifest.File{Name: c.at.Name(v.Key), SHA256: sum, Size: n, VersionID: v.ID}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return files, nil
}

// scan returns what speaks against loading the files.
func (c *candidate) scan(ctx context.Context) ([]string, error) {
	var out []string
	for _, v := range c.versions {
		found, err := artifact.Scan(ctx, artifact.File{
			Name: c.at.Name(v.Key), Size: v.Size, ReaderAt: &ranged{ctx: ctx, api: c.api, bucket: c.at.Bucket, v: v},
		})
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// state names exactly these versions of exactly these files. It is "" if the store keeps no versions: then nothing but
// the bytes says whether they changed.
func (c *candidate) state() string {
	sorted := slices.SortedFunc(slices.Values(c.versions), func(a, b objects.Version) int { return cmp.Compare(a.Key, b.Key) })
	sum := sha256.New()
	for _, v := range sorted {
		if v.ID == "" || v.ID == objects.NoVersion {
			return ""
		}
		fmt.Fprintf(sum, "%q %q\n", v.Key, v.ID)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
