// Package build builds the programs of the sandbox: its servers, each from a
// module of its own, once; and firebreak's own binaries, every time.
package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// The servers that a Builder can build.
const (
	Temporal   = "temporal"
	Vault      = "vault"
	S3         = "s3"
	Kubernetes = "kubernetes"
	// VaultPlugin is the secrets engine of the sandbox's Vault on its own, as
	// a plugin of a stock one.
	VaultPlugin = "vault-plugin"
	// S5cmd is no server but a client of one: what snapshots are compared with.
	S5cmd = "s5cmd"
)

// pluginFile is the file name of VaultPlugin, by which Vault will know it.
const pluginFile = "sandbox-aws"

// sandboxModule is the module whose folder holds servers/.
const sandboxModule = "firebreak/deploy/sandbox"

// Builder builds programs with the Go toolchain that is on the PATH.
type Builder struct {
	// Dir is the folder deploy/sandbox.
	Dir string
	// Cache is the folder for built servers.
	Cache string
	// Log is told what is being built and for how long. Nothing is written
	// for a server that is in the cache. Where servers are built by several
	// goroutines, they write to it at the same time.
	Log io.Writer
	// Programs is a folder that has firebreak's own commands; empty if they are to be built.
	Programs string
}

// New returns a Builder for the sandbox module that the working folder is
// in, with the user's own cache folder.
func New(ctx context.Context, log io.Writer) (*Builder, error) {
	dir, err := goOutput(ctx, "", "list", "-m", "-f", "{{.Dir}}", sandboxModule)
	if err != nil {
		return nil, fmt.Errorf("find module %s: %w", sandboxModule, err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("find cache folder: %w", err)
	}
	return &Builder{Dir: dir, Cache: filepath.Join(cache, "firebreak", "sandbox"), Log: log, Programs: os.Getenv(ProgramsVariable)}, nil
}

// Server is Builder.Server with New's Builder.
func Server(ctx context.Context, name string, log io.Writer) (string, error) {
	b, err := New(ctx, log)
	if err != nil {
		return "", err
	}
	return b.Server(ctx, name)
}

// Server returns the path of the binary of a server: Temporal, Vault, S3 or
// Kubernetes, or of VaultPlugin. The first call builds it, which takes
// minutes; later calls, of other processes too, find it in the cache until
// its module or the Go version changes. Heavy builds are done one at a time,
// whoever asks.
//
// An installed `temporal` of version 1.4 or later is used instead of a build.
// Builder.Vault does the same for an installed `vault`.
func (b *Builder) Server(ctx context.Context, name string) (string, error) {
	src, ok := sourceOf(name)
	if !ok {
		return "", fmt.Errorf("build server: there is no server %q", name)
	}
	if name == Temporal {
		if path, ok := installed(ctx, "temporal", "--version", recentTemporal); ok {
			return path, nil
		}
	}
	module := filepath.Join(b.Dir, "servers", src.module)
	hash, err := moduleHash(ctx, module, src.without)
	if err != nil {
		return "", fmt.Errorf("hash module of server %s: %w", name, err)
	}
	entry := filepath.Join(b.Cache, name+"-"+hash)
	binary := filepath.Join(entry, src.file)
	if inCache(entry) {
		return binary, nil
	}
	if err := os.MkdirAll(b.Cache, 0o755); err != nil {
		return "", fmt.Errorf("create cache folder: %w", err)
	}
	unlock, err := b.lock(ctx, name)
	if err != nil {
		return "", err
	}
	defer unlock()
	// The process that held the lock may have built this one.
	if inCache(entry) {
		return binary, nil
	}
	if err := b.compile(ctx, name, module, src, entry); err != nil {
		return "", fmt.Errorf("build server %s: %w", name, err)
	}
	b.forgetOld(name)
	return binary, nil
}

// Vault returns the Vault to run. Where `vault` of version 1.15 or later is
// installed it is that one, and plugin is the path of VaultPlugin, whose
// folder holds nothing else. Otherwise it is the sandbox's own server, which
// needs no plugin: plugin is empty.
func (b *Builder) Vault(ctx context.Context) (binary, plugin string, err error) {
	if binary, ok := installed(ctx, "vault", "version", recentVault); ok {
		plugin, err := b.Server(ctx, VaultPlugin)
		return binary, plugin, err
	}
	binary, err = b.Server(ctx, Vault)
	return binary, "", err
}

// source is where a binary comes from.
type source struct {
	// module is the folder under servers/ of the module that it is built in.
	module string
	// target is what `go build` is given there.
	target string
	// without is a folder of the module that is no part of it.
	without string
	// file is the binary's name in a folder of its own; empty for one that
	// needs no folder.
	file string
}

func sourceOf(name string) (source, bool) {
	switch name {
	case Temporal:
		return source{module: Temporal, target: "github.com/temporalio/cli/cmd/temporal"}, true
	case S3:
		return source{module: S3, target: "github.com/versity/versitygw/cmd/versitygw"}, true
	case S5cmd:
		return source{module: S5cmd, target: "github.com/peak/s5cmd/v2"}, true
	case Kubernetes:
		return source{module: Kubernetes, target: "."}, true
	case Vault:
		return source{module: Vault, target: ".", without: "plugin"}, true
	case VaultPlugin:
		return source{module: Vault, target: "./plugin", file: pluginFile}, true
	default:
		return source{}, false
	}
}

// compile builds beside the final place and renames, so that an entry in the
// cache is always whole.
func (b *Builder) compile(ctx context.Context, name, module string, src source, entry string) error {
	part := entry + ".part"
	// What a killed build left behind would make a folder of more than one file.
	if err := os.RemoveAll(part); err != nil {
		return fmt.Errorf("remove unfinished build: %w", err)
	}
	defer os.RemoveAll(part)
	output := filepath.Join(part, src.file)
	if err := os.MkdirAll(filepath.Dir(output), 0o755); err != nil {
		return fmt.Errorf("create folder of the binary: %w", err)
	}
	began := time.Now()
	fmt.Fprintf(b.Log, "building the %s server for the first time: minutes, once; it is kept in %s\n", name, b.Cache)
	finished := make(chan struct{})
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		b.report(name, began, finished)
	}()
	err := goRun(ctx, module, "build", "-mod=readonly", "-buildvcs=false", "-ldflags", "-s -w", "-o", output, src.target)
	close(finished)
	<-reported
	if err != nil {
		return err
	}
	if err := os.Rename(part, entry); err != nil {
		return fmt.Errorf("publish binary: %w", err)
	}
	fmt.Fprintf(b.Log, "built the %s server in %.0f s\n", name, time.Since(began).Seconds())
	return nil
}

// report writes a line every five seconds until finished is closed.
func (b *Builder) report(name string, began time.Time, finished <-chan struct{}) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-finished:
			return
		case <-tick.C:
			fmt.Fprintf(b.Log, "building the %s server: %.0f s\n", name, time.Since(began).Seconds())
		}
	}
}

// Product builds one of firebreak's own commands, such as "./cmd/worker",
// from the working tree into the folder out and returns the binary's path.
// Go's own cache makes a repeated build quick, but for the linking.
func (b *Builder) Product(ctx context.Context, pkg, out string) (string, error) {
	if b.Programs != "" {
		return filepath.Join(b.Programs, path.Base(pkg)), nil
	}
	out, err := filepath.Abs(out)
	if err != nil {
		return "", fmt.Errorf("resolve output folder: %w", err)
	}
	binary := filepath.Join(out, path.Base(pkg))
	root := filepath.Join(b.Dir, "..", "..")
	if err := goRun(ctx, root, "build", "-o", binary, pkg); err != nil {
		return "", fmt.Errorf("build %s: %w", pkg, err)
	}
	return binary, nil
}

// goRun runs the go command in dir; the error holds what it wrote.
func goRun(ctx context.Context, dir string, args ...string) error {
	_, err := goOutput(ctx, dir, args...)
	return err
}

func goOutput(ctx context.Context, dir string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = dir
	// A workspace file of the user's would change what the modules resolve to.
	command.Env = append(os.Environ(), "GOWORK=off")
	output, err := command.Output()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("go %s: %w: %s", args[0], err, strings.TrimSpace(string(exit.Stderr)))
	}
	if err != nil {
		return "", fmt.Errorf("go %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(output)), nil
}
