package platforms

import (
	"context"
	"crypto/sha256"
	_ "embed" // for the requirements
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// RequireVariable makes what is missing an error, and first of all an installation.
const RequireVariable = "FIREBREAK_REQUIRE_PLATFORMS"

//go:embed requirements.txt
var requirements []byte

// ErrMissing means that the packages are not installed and nobody asked for it.
var ErrMissing = errors.New("the Python packages are not installed; run make test-platforms")

// Python returns the folder of programs of a virtual environment with the pinned packages. With RequireVariable set it
// installs them, which takes a minute or two; another process that does so is waited for.
func Python(ctx context.Context) (string, error) {
	return environment(ctx, requirements, nil, nil)
}

// environment is Python for any list of packages. What else makes an environment depend on is in salt, and finish completes
// one in its folder.
func environment(ctx context.Context, list, salt []byte, finish func(ctx context.Context, dir string) error) (string, error) {
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		return "", fmt.Errorf("%w: there is no python3", ErrMissing)
	}
	version, err := exec.CommandContext(ctx, interpreter, "-c", "import sys; print(sys.version)").Output()
	if err != nil {
		return "", fmt.Errorf("run %s: %w", interpreter, err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find cache folder: %w", err)
	}
	sum := sha256.Sum256(slices.Concat(version, list, salt))
	dir := filepath.Join(cache, "firebreak", "platforms", hex.EncodeToString(sum[:8]))
	bin, whole := filepath.Join(dir, "bin"), filepath.Join(dir, "complete")
	if _, err := os.Stat(whole); err == nil {
		return bin, nil
	}
	if os.Getenv(RequireVariable) == "" {
		return "", ErrMissing
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make %s: %w", dir, err)
	}
	unlock, err := lock(dir + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(whole); err == nil {
		return bin, nil
	}
	if err := install(ctx, interpreter, dir, list); err != nil {
		return "", err
	}
	if finish != nil {
		if err := finish(ctx, dir); err != nil {
			return "", err
		}
	}
	if err := os.WriteFile(whole, []byte(runtime.GOOS+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("mark %s complete: %w", dir, err)
	}
	return bin, nil
}

// install makes the environment.
func install(ctx context.Context, interpreter, dir string, packages []byte) error {
	if err := run(ctx, interpreter, "-m", "venv", "--clear", dir); err != nil {
		return err
	}
	list := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(list, packages, 0o600); err != nil {
		return fmt.Errorf("write requirements: %w", err)
	}
	// The list is whole, so nothing else is wanted; and nothing is built, which would run what a package brings along.
	return run(ctx, filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "-r", list)
}

func run(ctx context.Context, program string, args ...string) error {
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("run %s %s: %w\n%s", program, strings.Join(args, " "), err, out)
	}
	return nil
}

// lock waits for the file's lock, which ends with the process at the latest.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { _ = f.Close() }, nil
}
