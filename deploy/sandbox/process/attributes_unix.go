//go:build unix && !linux

package process

import "syscall"

// attributes gives the process a group of its own. Only Linux can end it
// with its parent.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
