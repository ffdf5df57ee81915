package manifest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxLine bounds one line of a list of objects.
const maxLine = 1 << 20

// listed is what of a line of a snapshot's or a capture's list names an object. A line without a key names none: a delete
// marker, a folder or a gap.
type listed struct {
	Key       string `json:"key"`
	VersionID string `json:"version_id"`
	SHA256    string `json:"sha256"`
	Size      int64  `json:"size"`
}

// checkObjects holds the list of objects against itself, and, if there is a folder, their bytes against it.
func (r *Report) checkObjects(s *Statement, folder *os.Root) {
	p := &s.Predicate
	for i := range p.Objects {
		o, where := &p.Objects[i], fmt.Sprintf("predicate.objects[%d]", i)
		if i > 0 && p.Objects[i-1].URI() >= o.URI() {
			r.add(ObjectAspect, where, "%s is listed twice or out of order", o.URI())
		}
		if o.Bucket != p.Store.Bucket {
			r.add(ObjectAspect, where, "%s is not in the evidence store %s", o.URI(), p.Store.Bucket)
		}
		if folder == nil {
			continue
		}
		content, ok := r.checkFile(ObjectAspect, where, folder, o)
		if ok && o.Kind == SnapshotObject {
			r.checkLines(where, folder, o, content)
		}
	}
}

// checkFile hashes a downloaded object. It returns the bytes of a list, whose lines are looked at next.
func (r *Report) checkFile(a Aspect, where string, folder *os.Root, o *Object) ([]byte, bool) {
	r.vouched[o.Key], r.vouched[o.Bucket+"/"+o.Key] = true, true
	file, err := openObject(folder, o)
	if errors.Is(err, fs.ErrNotExist) {
		r.add(a, where, "%s is not in the folder; get it with: aws s3api get-object --bucket %s --key %s --version-id '%s' FOLDER/%s", o.URI(), o.Bucket, o.Key, o.VersionID, o.Key)
		return nil, false
	}
	if err != nil {
		r.add(a, where, "%s cannot be read: %v", o.URI(), err)
		return nil, false
	}
	defer file.Close()
	var list bytes.Buffer
	sum := sha256.New()
	sink := io.Writer(sum)
	if o.Kind == SnapshotObject {
		sink = io.MultiWriter(sum, &list)
	}
	n, err := io.Copy(sink, io.LimitReader(file, o.Size+1))
	got := hex.EncodeToString(sum.Sum(nil))
	switch {
	case err != nil:
		r.add(a, where, "%s cannot be read: %v", o.URI(), err)
	case n > o.Size:
		r.add(a, where, "%s has more than the %d bytes that are listed", o.URI(), o.Size)
	case n < o.Size:
		r.add(a, where, "%s has %d bytes, and %d are listed", o.URI(), n, o.Size)
	case got != o.SHA256:
		r.add(a, where, "%s hashes to %s, not to %s", o.URI(), got, o.SHA256)
	default:
		r.Read++
		return list.Bytes(), true
	}
	return nil, false
}

// openObject finds a downloaded object. An *os.Root never leads out of its folder, whatever a key says.
func openObject(folder *os.Root, o *Object) (*os.File, error) {
	file, err := folder.Open(o.Key)
	if errors.Is(err, fs.ErrNotExist) {
		file, err = folder.Open(o.Bucket + "/" + o.Key)
	}
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// checkLines hashes what a list names, line by line.
func (r *Report) checkLines(where string, folder *os.Root, list *Object, content []byte) {
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, maxLine)
	named := 0
	for number := 1; lines.Scan(); number++ {
		at := fmt.Sprintf("line %d of %s (%s)", number, list.Key, where)
		var l listed
		if err := checkUnique(lines.Bytes()); err != nil {
			r.add(LineAspect, at, "it cannot be read: %v", err)
			continue
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			r.add(LineAspect, at, "it cannot be read: %v", err)
			continue
		}
		if l.Key == "" {
			continue
		}
		named++
		r.checkFile(LineAspect, at, folder, &Object{Bucket: list.Bucket, Key: l.Key, VersionID: l.VersionID, SHA256: l.SHA256, Size: l.Size})
	}
	if err := lines.Err(); err != nil {
		r.add(LineAspect, list.Key, "%v", err)
	}
	if named != list.Listed {
		r.add(LineAspect, where, "%s names %d objects, and the manifest says %d", list.URI(), named, list.Listed)
	}
}
