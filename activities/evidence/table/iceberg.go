package table

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"

	"github.com/twmb/avro/ocf"
)

// icebergMetadata is a name of table metadata: v3.metadata.json or 00003-<uuid>.metadata.json, compressed or not (Iceberg
// table spec, "File System Tables" and "Metastore Tables").
var icebergMetadata = regexp.MustCompile(`^v?([0-9]+)(-[0-9a-fA-F-]+)?(\.gz)?\.metadata\.json(\.gz)?$`)

// metadata is the part of table metadata that names files.
type metadata struct {
	Snapshots []struct {
		ManifestList string   `json:"manifest-list"`
		Manifests    []string `json:"manifests"`
	} `json:"snapshots"`
	Log []struct {
		File string `json:"metadata-file"`
	} `json:"metadata-log"`
	Statistics          []statistics `json:"statistics"`
	PartitionStatistics []statistics `json:"partition-statistics"`
}

type statistics struct {
	Path string `json:"statistics-path"`
}

// iceberg follows the newest metadata below the prefix. A catalogue may point at other metadata; it is not asked.
func iceberg(ctx context.Context, f *found, root string, keys []string, read Reader) (defining, text string, err error) {
	newest := -1
	for _, key := range under(keys, root+"metadata/") {
		m := icebergMetadata.FindStringSubmatch(path.Base(key))
		if m == nil {
			continue
		}
		if err := f.add(key, IcebergMetadata); err != nil {
			return "", "", err
		}
		if n, err := strconv.Atoi(m[1]); err == nil && n >= newest {
			newest, defining = n, key
		}
	}
	if newest < 0 {
		return "", "", nil
	}
	content, err := read(ctx, defining)
	if err != nil {
		return "", "", err
	}
	text = fmt.Sprintf("Iceberg table s3://%s/%s at %s, the newest metadata there (a catalogue may point at other)", f.bucket, root, path.Base(defining))
	var m metadata
	if err := decodeMetadata(content, &m); err != nil {
		f.gap("it cannot be read (%v)", err)
		return defining, text, nil
	}
	if err := f.history(ctx, root, &m, read); err != nil {
		return "", "", err
	}
	data := 0
	for _, role := range f.roles {
		if role == IcebergData {
			data++
		}
	}
	return defining, text + fmt.Sprintf(": %d snapshots name %d data and delete files", len(m.Snapshots), data), nil
}

// decodeMetadata reads metadata that may be compressed.
func decodeMetadata(content []byte, m *metadata) error {
	if !bytes.HasPrefix(content, []byte{0x1f, 0x8b}) {
		return json.Unmarshal(content, m)
	}
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return err
	}
	plain, err := io.ReadAll(io.LimitReader(z, MostBytes+1))
	if err == nil && len(plain) > MostBytes {
		err = errors.New("it is too large")
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, m)
}

// history notes the files of every snapshot that the metadata still has.
func (f *found) history(ctx context.Context, root string, m *metadata, read Reader) error {
	others := []string{}
	for _, older := range m.Log {
		others = append(others, older.File)
	}
	for _, s := range slices.Concat(m.Statistics, m.PartitionStatistics) {
		others = append(others, s.Path)
	}
	for _, name := range others {
		if _, err := f.name(root, name, IcebergMetadata); err != nil {
			return err
		}
	}
	for _, s := range m.Snapshots {
		manifests := s.Manifests
		if s.ManifestList != "" {
			listed, err := f.manifestList(ctx, root, s.ManifestList, read)
			if err != nil {
				return err
			}
			manifests = append(manifests, listed...)
		}
		for _, name := range manifests {
			if err := f.manifest(ctx, root, name, read); err != nil {
				return err
			}
		}
	}
	return nil
}

// manifestList returns the manifests that a list names.
func (f *found) manifestList(ctx context.Context, root, name string, read Reader) ([]string, error) {
	var out []string
	err := f.records(ctx, root, name, read, func(row map[string]any) error {
		manifest, _ := row["manifest_path"].(string)
		if manifest == "" {
			return errors.New("an entry names no manifest")
		}
		if out = append(out, manifest); len(out) > mostFiles {
			return fmt.Errorf("it names more than %d manifests", mostFiles)
		}
		return nil
	})
	return out, err
}

// deleted is the status of a manifest's entry whose file the snapshot took out; the snapshots that still have it name it
// themselves.
const deleted = int32(2)

// manifest notes the files of one manifest.
func (f *found) manifest(ctx context.Context, root, name string, read Reader) error {
	return f.records(ctx, root, name, read, func(row map[string]any) error {
		if row["status"] == deleted {
			return nil
		}
		file, _ := row["data_file"].(map[string]any)
		data, _ := file["file_path"].(string)
		if data == "" {
			return errors.New("an entry names no file")
		}
		_, err := f.name(root, data, IcebergData)
		return err
	})
}

// records notes a file of Avro records and passes each on, unless that was done before. What cannot be read is a gap.
func (f *found) records(ctx context.Context, root, name string, read Reader, each func(map[string]any) error) error {
	before := len(f.roles)
	key, err := f.name(root, name, IcebergManifest)
	if err != nil || key == "" || len(f.roles) == before {
		return err
	}
	content, err := read(ctx, key)
	if errors.Is(err, ErrGone) {
		f.gap("%.200q, which it names, is not there", key)
		return nil
	}
	if err != nil {
		return err
	}
	r, err := ocf.NewReader(bytes.NewReader(content))
	if err != nil {
		f.gap("%.200q cannot be read (%v)", key, err)
		return nil
	}
	defer r.Close()
	for {
		var row map[string]any
		err := r.Decode(&row)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = each(row)
		}
		if err != nil {
			f.gap("%.200q cannot be read to its end (%v)", key, err)
			return nil
		}
	}
}
