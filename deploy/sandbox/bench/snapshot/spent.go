package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// spent is what something took, in seconds: of the clock, and of the processors for the client (this process and its
// children) and for the server. On a machine that does other things too, the last two tell more than the first.
type spent struct {
	took, client, server float64
}

// spend measures f.
func (c *contest) spend(f func() error) (spent, error) {
	client, err1 := clientSeconds()
	server, err2 := serverSeconds(c.store.server.PID())
	if err := errors.Join(err1, err2); err != nil {
		return spent{}, err
	}
	began := time.Now()
	if err := f(); err != nil {
		return spent{}, err
	}
	took := time.Since(began).Seconds()
	clientAfter, err1 := clientSeconds()
	serverAfter, err2 := serverSeconds(c.store.server.PID())
	return spent{took: took, client: clientAfter - client, server: serverAfter - server}, errors.Join(err1, err2)
}

func clientSeconds() (float64, error) {
	var sum float64
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			return 0, fmt.Errorf("read own processor time: %w", err)
		}
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
	}
	return sum, nil
}

// tick is the unit of processor time in /proc, which is the same on every Linux that Go runs on.
const tick = 100

// serverSeconds reads the processor time of a process; where there is no /proc it is 0.
func serverSeconds(pid int) (float64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the server's processor time: %w", err)
	}
	// The name, in parentheses, may hold anything; utime and stime are the 14th and 15th field.
	_, rest, _ := strings.Cut(string(raw), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, errors.New("read the server's processor time: its record is too short")
	}
	user, err1 := strconv.ParseFloat(fields[11], 64)
	system, err2 := strconv.ParseFloat(fields[12], 64)
	return (user + system) / tick, errors.Join(err1, err2)
}
