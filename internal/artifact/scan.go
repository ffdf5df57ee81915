package artifact

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// File is a file to look into. ReadAt may be called for any range of Size bytes.
type File struct {
	Name string
	Size int64
	io.ReaderAt
}

// headBytes is how much of a file's beginning decides what it is.
const headBytes = 16

// Scan returns what speaks against loading the file, none if nothing does. An error means that the file could not be read.
func Scan(ctx context.Context, f File) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	head := make([]byte, min(headBytes, f.Size))
	if _, err := f.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("read %s: %w", f.Name, err)
	}
	ext := strings.ToLower(path.Ext(f.Name))
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return scanZip(ctx, f)
	case len(head) > 1 && head[0] == opProto && head[1] <= highestProtocol, slices.Contains(pickled(), ext):
		return scanPickle(f)
	case ext == ".safetensors":
		return scanSafetensors(f)
	case bytes.HasPrefix(head, []byte("\x7fELF")), bytes.HasPrefix(head, []byte("MZ")), bytes.HasPrefix(head, []byte("#!")):
		return []string{f.Name + " is a program"}, nil
	case slices.Contains(inert(), ext), ext == "" && slices.Contains(plain(), path.Base(f.Name)):
		return nil, nil
	case slices.Contains(programs(), ext):
		return []string{f.Name + " is code"}, nil
	}
	return []string{f.Name + " is of a kind that is not known to be safe to load"}, nil
}

// pickled are the endings of files that loaders unpickle, whatever their first bytes are.
func pickled() []string {
	return []string{".pkl", ".pickle", ".pt", ".pth", ".bin", ".ckpt", ".joblib", ".dill", ".cloudpickle"}
}

// inert are the endings of files that hold data only.
func inert() []string {
	return []string{
		".json", ".jsonl", ".txt", ".md", ".rst", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".csv", ".tsv", ".parquet", ".jinja", ".jinja2",
		".gguf", ".model", ".tiktoken", ".vocab", ".merges", ".sig", ".pem", ".png", ".jpg", ".svg", ".pdf", ".gitattributes", ".gitignore",
	}
}

// plain are the names of files without an ending that models come with.
func plain() []string {
	return []string{"MLmodel", "LICENSE", "LICENCE", "NOTICE", "README", "USE_POLICY"}
}

func programs() []string {
	return []string{".py", ".pyc", ".pyd", ".ipynb", ".so", ".dll", ".dylib", ".sh", ".bat", ".ps1", ".exe", ".jar", ".class", ".js", ".whl", ".egg", ".lua", ".r"}
}
