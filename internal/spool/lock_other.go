//go:build !unix

package spool

import (
	"errors"
	"os"
)

// lockFolder refuses: two processes in one folder would lose entries, and only the locks of Unix end with their process.
func lockFolder(string) (*os.File, error) {
	return nil, errors.New("a spool needs a Unix system")
}
