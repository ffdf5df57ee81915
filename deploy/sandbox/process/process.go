// Package process runs the sandbox's servers as subprocesses that leave
// nothing behind: each is a process group of its own, which ends with it, and
// on Linux with the sandbox itself.
package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// The times that hold when a Command names none.
const (
	defaultReadyWithin = 60 * time.Second
	defaultGrace       = 10 * time.Second
	readyPoll          = 20 * time.Millisecond
)

// ErrEnded is the error of a server that ended before it was ready.
var ErrEnded = errors.New("the process has ended")

// Command describes a subprocess.
type Command struct {
	// Name stands in errors.
	Name string
	// Path is the binary, Args its arguments without its own name.
	Path string
	Args []string
	// Env is the whole environment, NAME=value: nothing is inherited, so
	// that a developer's own VAULT_TOKEN or AWS_PROFILE reaches no server.
	// BaseEnv has what most programs need.
	Env []string
	// Dir is the working folder; the caller's own when empty.
	Dir string
	// Credential is the user the process runs as; nil is the caller's own.
	// PostgreSQL refuses to run as root.
	Credential *syscall.Credential
	// LogFile takes standard output and error; a restart appends to it.
	LogFile string
	// Ready returns nil once the server answers. It is called again and
	// again until then, each time with a context of two seconds.
	Ready func(context.Context) error
	// ReadyWithin is how long Start waits for Ready; 60 s when zero.
	ReadyWithin time.Duration
	// Grace is how long Stop waits between SIGTERM and SIGKILL; 10 s when zero.
	Grace time.Duration
}

// BaseEnv is PATH, LANG and TMPDIR of this process with home as HOME.
func BaseEnv(home string) []string {
	env := []string{"HOME=" + home}
	for _, name := range []string{"PATH", "LANG", "TMPDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// Process is a started Command. Its methods may be called by several
// goroutines at the same time.
type Process struct {
	command Command

	mu      sync.Mutex
	current *run
}

// run is one life of a Process.
type run struct {
	pid  int
	done chan struct{}
	// err is set before done is closed.
	err error
}

// Start starts the command and waits until it is ready. When it ends before,
// or is not ready in time, it is killed, and the error holds the last lines
// of its log. A cancelled ctx ends the wait, not a server that is ready.
func Start(ctx context.Context, command Command) (*Process, error) {
	if command.ReadyWithin == 0 {
		command.ReadyWithin = defaultReadyWithin
	}
	if command.Grace == 0 {
		command.Grace = defaultGrace
	}
	p := &Process{command: command}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// start begins a new run; p.mu is held.
func (p *Process) start(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("start %s: %w", p.command.Name, err)
	}
	log, err := os.OpenFile(p.command.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open log of %s: %w", p.command.Name, err)
	}
	defer log.Close()
	current, err := launch(p.command, log)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.command.Name, err)
	}
	p.current = current
	if err := p.awaitReady(ctx, current); err != nil {
		current.signal(syscall.SIGKILL)
		<-current.done
		return fmt.Errorf("start %s: %w\n%s", p.command.Name, err, logTail(p.command.LogFile))
	}
	return nil
}

// launch starts the process on a thread that lives as long as it does: the
// signal that a Linux child gets at its parent's death is sent at the death
// of the parent's thread.
func launch(command Command, log *os.File) (*run, error) {
	child := exec.Command(command.Path, command.Args...)
	child.Dir = command.Dir
	child.Env = append([]string{}, command.Env...)
	child.Stdout, child.Stderr = log, log
	child.SysProcAttr = attributes()
	child.SysProcAttr.Credential = command.Credential
	current := &run{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := child.Start(); err != nil {
			started <- err
			return
		}
		current.pid = child.Process.Pid
		started <- nil
		current.err = child.Wait()
		// Whatever the server started itself goes with it.
		current.signal(syscall.SIGKILL)
		close(current.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return current, nil
}

func (p *Process) awaitReady(ctx context.Context, current *run) error {
	if p.command.Ready == nil {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.command.ReadyWithin, fmt.Errorf("it is not ready after %s", p.command.ReadyWithin))
	defer cancel()
	poll := time.NewTicker(readyPoll)
	defer poll.Stop()
	for {
		attempt, end := context.WithTimeout(ctx, 2*time.Second)
		err := p.command.Ready(attempt)
		end()
		if err == nil && current.alive() {
			return nil
		}
		select {
		case <-current.done:
			return fmt.Errorf("%w: %v", ErrEnded, current.err)
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-poll.C:
		}
	}
}

// Stop asks the process to end with SIGTERM and kills it when it has not
// ended after the grace. It returns once the process is gone, and nil for one
// that had ended before.
func (p *Process) Stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	current := p.current
	current.signal(syscall.SIGTERM)
	grace := time.NewTimer(p.command.Grace)
	defer grace.Stop()
	select {
	case <-current.done:
		return nil
	case <-grace.C:
	}
	slog.Warn("killing a server that did not stop", "server", p.command.Name, "grace", p.command.Grace)
	return p.kill()
}

// Kill ends the process with SIGKILL, as a crash would, and returns once it
// is gone.
func (p *Process) Kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kill()
}

func (p *Process) kill() error {
	p.current.signal(syscall.SIGKILL)
	// A killed process may stay for a while in a system call.
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	select {
	case <-p.current.done:
		return nil
	case <-limit.C:
		return fmt.Errorf("kill %s: process %d is still there", p.command.Name, p.current.pid)
	}
}

// Restart kills the process if it runs, starts the same command again and
// waits until it is ready.
func (p *Process) Restart(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.kill(); err != nil {
		return err
	}
	return p.start(ctx)
}

// Done is closed when the current run of the process has ended. After
// Restart, it is another channel.
func (p *Process) Done() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current.done
}

// PID is the process id of the current run.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current.pid
}

// LogFile is where the process writes.
func (p *Process) LogFile() string { return p.command.LogFile }

// signal reaches the whole process group. A group that is gone is no error.
func (r *run) signal(signal syscall.Signal) {
	_ = syscall.Kill(-r.pid, signal)
}

func (r *run) alive() bool {
	select {
	case <-r.done:
		return false
	default:
		return true
	}
}
