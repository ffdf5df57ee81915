package platforms_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/platforms"
)

// python returns the folder of programs, or skips the test where nobody asked for the packages.
func python(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	bin, err := platforms.Python(ctx)
	if errors.Is(err, platforms.ErrMissing) && os.Getenv(platforms.RequireVariable) == "" {
		t.Skip(err)
	}
	require.NoError(t, err)
	return bin
}
