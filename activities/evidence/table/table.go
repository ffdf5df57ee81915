// Package table reads which files make up a table: of Delta Lake its log, of Apache Iceberg its metadata, its manifest lists
// and its manifests. It reads no data file. What a table says of itself is data that may have been written by an attacker:
// everything is bounded, and no name leads out of the table's own bucket.
package table

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Roles of files.
const (
	DeltaLog        = "delta-log"
	DeltaData       = "delta-data"
	IcebergMetadata = "iceberg-metadata"
	IcebergManifest = "iceberg-manifest"
	IcebergData     = "iceberg-data"
	LakeFSMetadata  = "lakefs-metadata"
	LakeFSData      = "lakefs-data"
)

const (
	// mostFiles bounds how many files one table may name.
	mostFiles = 2_000_000
	// mostGaps bounds how many gaps are told.
	mostGaps = 5
	// MostBytes bounds one file of a table's log or metadata.
	MostBytes = 256 << 20
)

// ErrGone means that a file is not there.
var ErrGone = errors.New("it is not there")

// Reader returns the bytes of a key's current version in the table's bucket, at most MostBytes. A key that is not there is
// an error that wraps ErrGone.
type Reader func(ctx context.Context, key string) ([]byte, error)

// Table is what one table says of its files.
type Table struct {
	// Defining is the key of the file that says which version the table has.
	Defining string
	// Roles says what each file is, by key.
	Roles map[string]string
	// Text says in a line what was found, and what could not be.
	Text string
}

// found collects the files of one table.
type found struct {
	bucket string
	there  map[string]bool
	roles  map[string]string
	// elsewhere counts the files in other buckets or stores; example is the first.
	elsewhere int
	example   string
	// gaps say what could not be read.
	gaps []string
}

// parser returns the file that defines the table at root, and what the table is; no file if it is none.
type parser func(ctx context.Context, f *found, root string, keys []string, read Reader) (defining, text string, err error)

// Of returns the tables below a prefix, whose current keys are given. What a table names outside of the prefix, but in its
// bucket, is among its roles.
func Of(ctx context.Context, bucket string, keys []string, read Reader) ([]Table, error) {
	there := make(map[string]bool, len(keys))
	for _, key := range keys {
		there[key] = true
	}
	var out []Table
	for _, kind := range []struct {
		marker string
		parse  parser
	}{{"_delta_log/", delta}, {"metadata/", iceberg}, {"_lakefs/", lakeFS}} {
		for _, root := range roots(keys, kind.marker) {
			f := &found{bucket: bucket, there: there, roles: map[string]string{}}
			defining, text, err := kind.parse(ctx, f, root, keys, read)
			if err != nil {
				return nil, fmt.Errorf("read table s3://%s/%s: %w", bucket, root, err)
			}
			if defining != "" {
				out = append(out, Table{Defining: defining, Roles: f.roles, Text: f.text(text)})
			}
		}
	}
	return out, nil
}

// roots are the folders, with a slash at their end, that have a folder of the marker's name.
func roots(keys []string, marker string) []string {
	all := map[string]bool{}
	for _, key := range keys {
		if i := strings.Index("/"+key, "/"+marker); i >= 0 {
			all[key[:i]] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// under lists the current keys below a folder, in order.
func under(keys []string, folder string) []string {
	var out []string
	for _, key := range keys {
		if strings.HasPrefix(key, folder) {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// add notes a file by its key.
func (f *found) add(key, role string) error {
	if _, known := f.roles[key]; !known && len(f.roles) >= mostFiles {
		return fmt.Errorf("it names more than %d files", mostFiles)
	}
	f.roles[key] = role
	return nil
}

// name notes a file by the name that the table has for it: a URI, or a path below root. It returns its key, or "" if it is
// in another bucket or store.
func (f *found) name(root, name, role string) (string, error) {
	key := path.Join(root, name)
	if scheme, rest, absolute := strings.Cut(name, "://"); absolute {
		bucket, inBucket, _ := strings.Cut(rest, "/")
		key = inBucket
		if !slices.Contains([]string{"s3", "s3a", "s3n"}, scheme) || bucket != f.bucket {
			key = ""
		}
	}
	if key == "" || key == "." || key == ".." || strings.HasPrefix(key, "../") {
		f.elsewhere++
		f.example = cmp.Or(f.example, name)
		return "", nil
	}
	return key, f.add(key, role)
}

func (f *found) gap(format string, args ...any) {
	f.gaps = append(f.gaps, fmt.Sprintf(format, args...))
}

func (f *found) text(text string) string {
	if f.elsewhere > 0 {
		text += fmt.Sprintf("; %d of its files are in other buckets or stores and were not copied (%.200q)", f.elsewhere, f.example)
	}
	for i, gap := range f.gaps {
		if i == mostGaps {
			return text + fmt.Sprintf("; and %d more gaps", len(f.gaps)-i)
		}
		text += "; " + gap
	}
	return text
}

// lakeFS says what is known without asking the lakeFS server.
func lakeFS(_ context.Context, f *found, root string, keys []string, _ Reader) (defining, text string, err error) {
	for _, key := range under(keys, root) {
		role := LakeFSData
		if strings.HasPrefix(key, root+"_lakefs/") {
			defining, role = cmp.Or(defining, key), LakeFSMetadata
		}
		if err := f.add(key, role); err != nil {
			return "", "", err
		}
	}
	return defining, "lakeFS storage namespace s3://" + f.bucket + "/" + root + ": all physical objects; which of them a commit names is in _lakefs/ and was not read", nil
}
