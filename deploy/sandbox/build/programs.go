package build

import (
	"context"
	"fmt"
	"io"
	"os"
)

// ProgramsVariable names a folder in which firebreak's own commands are already, so that Product need not link them anew for
// every sandbox of a test run.
const ProgramsVariable = "FIREBREAK_SANDBOX_PROGRAMS"

// WithPrograms builds worker and trigger once, lets run use them and returns its exit code. It is for TestMain.
func WithPrograms(run func() int) int {
	code, err := withPrograms(context.Background(), run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "build programs for the tests:", err)
		return 1
	}
	return code
}

func withPrograms(ctx context.Context, run func() int) (int, error) {
	folder, err := os.MkdirTemp("", "firebreak-programs-")
	if err != nil {
		return 0, fmt.Errorf("make folder for programs: %w", err)
	}
	defer os.RemoveAll(folder)
	b, err := New(ctx, io.Discard)
	if err != nil {
		return 0, err
	}
	for _, pkg := range []string{"./cmd/worker", "./cmd/trigger"} {
		if _, err := b.Product(ctx, pkg, folder); err != nil {
			return 0, err
		}
	}
	if err := os.Setenv(ProgramsVariable, folder); err != nil {
		return 0, fmt.Errorf("set %s: %w", ProgramsVariable, err)
	}
	return run(), nil
}
