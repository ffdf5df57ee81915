package process

import (
	"fmt"
	"io"
	"os"
	"strings"
)

const (
	tailLines = 20
	tailBytes = 8 << 10
)

// logTail is the last lines of a log, for an error.
func logTail(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Sprintf("(its log: %v)", err)
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > tailBytes {
		if _, err := file.Seek(-tailBytes, io.SeekEnd); err != nil {
			return fmt.Sprintf("(its log: %v)", err)
		}
	}
	content, err := io.ReadAll(io.LimitReader(file, tailBytes))
	if err != nil {
		return fmt.Sprintf("(its log: %v)", err)
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	if len(lines) > tailLines {
		lines = lines[len(lines)-tailLines:]
	}
	if len(lines) == 1 && lines[0] == "" {
		return "its log " + path + " is empty"
	}
	return "the end of its log " + path + ":\n" + strings.Join(lines, "\n")
}
