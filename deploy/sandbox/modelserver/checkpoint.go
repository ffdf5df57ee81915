package modelserver

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// checkpoint is what one storageUri held when it was loaded, in memory.
type checkpoint struct {
	uri    string
	digest string // "sha256:<root>"
	files  []file // sorted by name
}

type file struct {
	name  string // relative to the prefix
	bytes []byte
}

var errNoObjects = errors.New("no objects")

// loadCheckpoint reads all current objects under uri, s3://bucket/prefix/. The
// last slash may be missing; what ends in a slash is a folder and no file.
func loadCheckpoint(ctx context.Context, store objectStore, uri string) (*checkpoint, error) {
	bucket, prefix, err := parseStorageURI(uri)
	if err != nil {
		return nil, err
	}
	loaded := &checkpoint{uri: uri}
	pages := s3.NewListObjectsV2Paginator(store, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list objects under %s: %w", uri, err)
		}
		for _, object := range page.Contents {
			key := aws.ToString(object.Key)
			if strings.HasSuffix(key, "/") {
				continue
			}
			content, err := readObject(ctx, store, bucket, key)
			if err != nil {
				return nil, err
			}
			loaded.files = append(loaded.files, file{name: strings.TrimPrefix(key, prefix), bytes: content})
		}
	}
	if len(loaded.files) == 0 {
		return nil, fmt.Errorf("load checkpoint %s: %w", uri, errNoObjects)
	}
	slices.SortFunc(loaded.files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	loaded.digest = "sha256:" + hex.EncodeToString(rootDigest(loaded.files))
	return loaded, nil
}

func readObject(ctx context.Context, store objectStore, bucket, key string) ([]byte, error) {
	object, err := store.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, fmt.Errorf("get object %s: %w", key, err)
	}
	defer func() { _ = object.Body.Close() }()
	content, err := io.ReadAll(object.Body)
	if err != nil {
		return nil, fmt.Errorf("read object %s: %w", key, err)
	}
	return content, nil
}

func parseStorageURI(uri string) (bucket, prefix string, err error) {
	rest, ok := strings.CutPrefix(uri, "s3://")
	bucket, prefix, _ = strings.Cut(rest, "/")
	if !ok || bucket == "" {
		return "", "", fmt.Errorf("storage uri %q is not s3://bucket/prefix/", uri)
	}
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	return bucket, prefix, nil
}

// rootDigest is the digest of OpenSSF Model Signing v1.0: SHA-256 over the
// concatenated raw SHA-256 digests of the files, in the order of their names.
func rootDigest(sorted []file) []byte {
	root := sha256.New()
	for _, f := range sorted {
		sum := sha256.Sum256(f.bytes)
		root.Write(sum[:])
	}
	return root.Sum(nil)
}
