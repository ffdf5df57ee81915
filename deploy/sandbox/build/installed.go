package build

import (
	"context"
	"fmt"
	"os/exec"
	"time"
)

// installedTemporal finds a Temporal CLI on the PATH that has every flag the
// sandbox starts it with: 1.4 and later.
func installedTemporal(ctx context.Context) (string, bool) {
	binary, err := exec.LookPath("temporal")
	if err != nil {
		return "", false
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	output, err := exec.CommandContext(ctx, binary, "--version").Output()
	if err != nil || !recentTemporal(string(output)) {
		return "", false
	}
	return binary, true
}

// recentTemporal reads "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)".
func recentTemporal(output string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(output, "temporal version %d.%d", &major, &minor); err != nil {
		return false
	}
	return major > 1 || major == 1 && minor >= 4
}
