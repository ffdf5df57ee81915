package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"firebreak/internal/inventory"
)

// inventoryInterval is how often the service looks whether the inventory file has changed.
const inventoryInterval = time.Second

// inventoryFile follows a file and keeps the last good inventory that was in it. Readers never wait for a load; look is
// called by one goroutine at a time.
type inventoryFile struct {
	path string
	log  *slog.Logger
	// seen describes the file as it was last read, good or faulty; nil if it could not be found then.
	seen os.FileInfo
	// said is the fault that was logged last, so that one fault is one line.
	said  string
	state atomic.Pointer[inventoryState]
}

// inventoryState is what readers get in one piece. Faulty says that the file holds something else by now that is no good.
type inventoryState struct {
	*inventory.Inventory
	faulty bool
}

// openInventory loads the file. An inventory that is faulty at the start is an error: there is no good one to keep.
func openInventory(path string, log *slog.Logger) (*inventoryFile, error) {
	// The look comes first: a change while the file is being read then shows as one. What cannot be found cannot be loaded.
	seen, _ := os.Stat(path)
	inv, err := inventory.Load(path)
	if err != nil {
		return nil, inventoryError(err)
	}
	f := &inventoryFile{path: path, log: log, seen: seen}
	f.state.Store(&inventoryState{Inventory: inv})
	return f, nil
}

// current is the last good inventory and whether the file is faulty now. A caller that asks several questions about one
// post asks them all of one state.
func (f *inventoryFile) current() *inventoryState { return f.state.Load() }

// follow looks at the file at every interval until ctx ends.
func (f *inventoryFile) follow(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f.look()
		}
	}
}

// look reads the file again if it has changed since the last look.
func (f *inventoryFile) look() {
	now, err := os.Stat(f.path)
	if err != nil {
		f.seen = nil
		f.fault(err)
		return
	}
	if f.seen != nil && now.ModTime().Equal(f.seen.ModTime()) && now.Size() == f.seen.Size() && os.SameFile(now, f.seen) {
		return
	}
	f.seen = now
	inv, err := inventory.Load(f.path)
	if err != nil {
		f.fault(err)
		return
	}
	before := f.current()
	f.said = ""
	f.state.Store(&inventoryState{Inventory: inv})
	if before.faulty || before.Digest() != inv.Digest() {
		f.log.Info("the inventory file was read again", "file", f.path, "inventory", inv.Digest(), "inventory_before", before.Digest())
	}
}

// fault keeps the last good inventory and says so, once for each fault.
func (f *inventoryFile) fault(err error) {
	good := f.current().Inventory
	f.state.Store(&inventoryState{Inventory: good, faulty: true})
	if err.Error() == f.said {
		return
	}
	f.said = err.Error()
	f.log.Warn("the inventory file is faulty: going on with the last good one", "file", f.path, "inventory", good.Digest(), "error", err)
}

// inventoryPath is the file that the flag or the environment names; empty if neither does.
func (a *app) inventoryPath(flag string) string {
	if flag == "" {
		return a.env.get(inventoryVariable)
	}
	return flag
}

// inventory loads the file that the flag or the environment names; nil if neither does.
func (a *app) inventory(flag string) (*inventory.Inventory, error) {
	file := a.inventoryPath(flag)
	if file == "" {
		return nil, nil
	}
	inv, err := inventory.Load(file)
	if err != nil {
		return nil, inventoryError(err)
	}
	return inv, nil
}

// followedInventory opens the file that the flag or the environment names.
func (a *app) followedInventory(flag string, log *slog.Logger) (*inventoryFile, error) {
	file := a.inventoryPath(flag)
	if file == "" {
		return nil, fmt.Errorf("no inventory: set --inventory or %s to the inventory file", inventoryVariable)
	}
	return openInventory(file, log)
}

func inventoryError(err error) error {
	return fmt.Errorf("load the inventory (--inventory or %s): %w", inventoryVariable, err)
}
