package build

import (
	"context"
	"fmt"
	"os/exec"
	"time"
)

// installed finds a program on the PATH that is recent enough, by what it
// says of itself when asked for its version.
func installed(ctx context.Context, name, ask string, recent func(output string) bool) (string, bool) {
	binary, err := exec.LookPath(name)
	if err != nil {
		return "", false
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	output, err := exec.CommandContext(ctx, binary, ask).Output()
	if err != nil || !recent(string(output)) {
		return "", false
	}
	return binary, true
}

// recentTemporal reads "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)".
// Every flag that the sandbox starts it with is there in 1.4 and later.
func recentTemporal(output string) bool {
	return atLeast(output, "temporal version %d.%d", 1, 4)
}

// recentVault reads "Vault v1.21.1 (2453aac2638a, built 2025-11-18T13:04:32Z)".
// The sandbox's plugin is served as 1.15 and later expect it.
func recentVault(output string) bool {
	return atLeast(output, "Vault v%d.%d", 1, 15)
}

func atLeast(output, format string, wantMajor, wantMinor int) bool {
	var major, minor int
	if _, err := fmt.Sscanf(output, format, &major, &minor); err != nil {
		return false
	}
	return major > wantMajor || major == wantMajor && minor >= wantMinor
}
