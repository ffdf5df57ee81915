package process

import "syscall"

// attributes gives the process a group of its own, and has the kernel kill
// it when the sandbox dies, by whatever cause.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
