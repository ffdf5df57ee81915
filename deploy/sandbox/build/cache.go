package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// keepFor is how long a server that nothing asked for stays in the cache: a
// change to a server's module leaves the old binary, of up to 250 MB, behind.
const keepFor = 7 * 24 * time.Hour

// moduleHash covers what a binary is made of: go.mod, go.sum, the Go files of
// its module and the toolchain with its target. The folder without, if one is
// named, is no part of it.
func moduleHash(ctx context.Context, module, without string) (string, error) {
	toolchain, err := goOutput(ctx, module, "env", "GOVERSION", "GOOS", "GOARCH", "CGO_ENABLED")
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%q\n", toolchain)
	err = filepath.WalkDir(module, func(file string, entry fs.DirEntry, err error) error {
		if err == nil && without != "" && entry.IsDir() && file == filepath.Join(module, without) {
			return filepath.SkipDir
		}
		if err != nil || entry.IsDir() || !partOfBinary(entry.Name()) {
			return err
		}
		name, err := filepath.Rel(module, file)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%q %d\n", filepath.ToSlash(name), len(content))
		_, err = sum.Write(content)
		return err
	})
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}

func partOfBinary(name string) bool {
	if name == "go.mod" || name == "go.sum" {
		return true
	}
	return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
}

// inCache tells whether an entry is there, and marks it as used.
func inCache(entry string) bool {
	now := time.Now()
	return os.Chtimes(entry, now, now) == nil
}

// forgetOld removes entries of the server that nothing has used for long.
// What cannot be removed stays: a full cache is no reason to fail a build.
func (b *Builder) forgetOld(name string) {
	old, err := filepath.Glob(filepath.Join(b.Cache, name+"-*"))
	if err != nil {
		return
	}
	for _, entry := range old {
		info, err := os.Stat(entry)
		if err == nil && time.Since(info.ModTime()) > keepFor {
			_ = os.RemoveAll(entry)
		}
	}
}

// lock waits for the cache's lock, which one process holds at a time, and
// returns what releases it. The system releases it too when the process ends.
func (b *Builder) lock(ctx context.Context, name string) (func(), error) {
	file, err := os.OpenFile(filepath.Join(b.Cache, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open lock of the build cache: %w", err)
	}
	poll := time.NewTicker(200 * time.Millisecond)
	defer poll.Stop()
	for told := false; ; told = true {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil
		}
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR {
			_ = file.Close()
			return nil, fmt.Errorf("lock the build cache: %w", err)
		}
		if !told {
			_, _ = io.WriteString(b.Log, "waiting to build the "+name+" server: another build is under way\n")
		}
		select {
		case <-ctx.Done():
			_ = file.Close()
			return nil, fmt.Errorf("wait for the build cache: %w", ctx.Err())
		case <-poll.C:
		}
	}
}
