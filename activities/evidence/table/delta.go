package table

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strconv"
)

// deltaCommit and deltaCheckpoint are names in a log (Delta protocol, "Delta Log Entries" and "Checkpoints").
var (
	deltaCommit     = regexp.MustCompile(`^([0-9]{20})\.json$`)
	deltaCheckpoint = regexp.MustCompile(`^([0-9]{20})\.checkpoint(\..+)?\.(parquet|json)$`)
)

// action is the part of a line of a commit that names files.
type action struct {
	Add    *deltaFile `json:"add"`
	Remove *deltaFile `json:"remove"`
	CDC    *deltaFile `json:"cdc"`
}

type deltaFile struct {
	// Path is relative to the table or a URI, in URL encoding.
	Path           string `json:"path"`
	DeletionVector *struct {
		StorageType    string `json:"storageType"`
		PathOrInlineDV string `json:"pathOrInlineDv"`
	} `json:"deletionVector"`
}

// delta replays a log's commits. A checkpoint is Parquet and is not read: what only it names is known by the prefix.
func delta(ctx context.Context, f *found, root string, keys []string, read Reader) (defining, text string, err error) {
	first, last, checkpoint := int64(-1), int64(-1), false
	live := map[string]bool{}
	for _, key := range under(keys, root+"_delta_log/") {
		if err := f.add(key, DeltaLog); err != nil {
			return "", "", err
		}
		name := path.Base(key)
		checkpoint = checkpoint || deltaCheckpoint.MatchString(name)
		m := deltaCommit.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		content, err := read(ctx, key)
		if err != nil {
			return "", "", err
		}
		version, _ := strconv.ParseInt(m[1], 10, 64) // twenty digits may be too many, and are the highest then
		if err := f.replay(content, root, live); err != nil {
			f.gap("commit %d of its log cannot be read (%v)", version, err)
		}
		if first < 0 {
			first = version
		}
		last, defining = version, key
	}
	if last < 0 {
		return "", "", nil
	}
	if first > 0 || checkpoint {
		f.gap("its checkpoints are Parquet and were not read: files that only they name are there if they are below the prefix")
	}
	n := 0
	for key, in := range live {
		if in {
			n++
		} else if !f.there[key] {
			delete(f.roles, key) // it was removed, and cleaned up since
		}
	}
	return defining, fmt.Sprintf("Delta table s3://%s/%s at version %d: commits %d to %d name %d live files", f.bucket, root, last, first, last, n), nil
}

// replay applies one commit. A commit may remove and add the same file with another deletion vector: it is live then.
func (f *found) replay(content []byte, root string, live map[string]bool) error {
	added := map[string]bool{}
	for line := range bytes.Lines(content) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var a action
		if err := json.Unmarshal(line, &a); err != nil {
			return err
		}
		for _, file := range []*deltaFile{a.Add, a.CDC, a.Remove} {
			if file == nil {
				continue
			}
			key, err := f.deltaName(root, file)
			if err != nil {
				return err
			}
			if key == "" {
				continue
			}
			added[key] = added[key] || file != a.Remove
			live[key] = added[key]
		}
	}
	return nil
}

func (f *found) deltaName(root string, file *deltaFile) (string, error) {
	name, err := url.PathUnescape(file.Path)
	if err != nil || name == "" {
		return "", fmt.Errorf("%.200q is no path", file.Path)
	}
	if v := file.DeletionVector; v != nil && v.StorageType == "p" {
		if _, err := f.name(root, v.PathOrInlineDV, DeltaData); err != nil {
			return "", err
		}
	}
	return f.name(root, name, DeltaData)
}
