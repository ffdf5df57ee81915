package production_test

import (
	"os"
	"testing"

	"firebreak/deploy/sandbox/build"
)

// The programs are linked once for all tests: each has a sandbox of its own.
func TestMain(m *testing.M) { os.Exit(build.WithPrograms(m.Run)) }
