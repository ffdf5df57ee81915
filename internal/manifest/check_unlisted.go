package manifest

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
)

// maxUnlisted bounds how many files are named that nothing vouches for.
const maxUnlisted = 100

// checkUnlisted names the files of the folder that are no part of what was sealed, except the manifest itself.
func (r *Report) checkUnlisted(sealed []byte, folder *os.Root) {
	if folder == nil {
		return
	}
	full := errors.New("enough")
	err := fs.WalkDir(folder.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() || r.vouched[name] || same(folder, name, d, sealed):
			return nil
		case len(r.Unlisted) == maxUnlisted:
			return full
		}
		r.Unlisted = append(r.Unlisted, name)
		return nil
	})
	if err != nil && !errors.Is(err, full) {
		r.add(ObjectAspect, "folder", "it cannot be looked through: %v", err)
	}
}

// same reports whether a file is the manifest that is being checked.
func same(folder *os.Root, name string, d fs.DirEntry, sealed []byte) bool {
	info, err := d.Info()
	if err != nil || info.Size() != int64(len(sealed)) || !info.Mode().IsRegular() {
		return false
	}
	file, err := folder.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, int64(len(sealed))))
	return err == nil && bytes.Equal(content, sealed)
}
