package browser

import (
	"errors"
	"os"
	"os/exec"
)

const (
	// Variable names the browser to use; RequireVariable=1 makes a missing one an error instead of a skipped test.
	Variable        = "FIREBREAK_CHROMIUM"
	RequireVariable = "FIREBREAK_REQUIRE_BROWSER"
)

// Find returns the path of a Chromium: the one that the environment names, or one that is installed.
func Find() (string, error) {
	if named := os.Getenv(Variable); named != "" {
		return exec.LookPath(named)
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no Chromium found: install one, or name it in " + Variable)
}
