package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"firebreak/internal/alert/route"
	"firebreak/internal/incident"
)

const routesVariable = "FIREBREAK_ROUTES"

// routesFile follows a routing file and keeps the last good routes that were in it, as inventoryFile does. Without a file
// the built-in routes stay.
type routesFile struct {
	path  string
	kinds []incident.Kind
	log   *slog.Logger
	seen  os.FileInfo
	said  string
	state atomic.Pointer[routesState]
}

// routesState is what readers get in one piece. Faulty says that the file holds something else by now that is no good.
type routesState struct {
	*route.Routes
	faulty bool
}

// fixedRoutes never change.
func fixedRoutes(r *route.Routes) *routesFile {
	f := &routesFile{}
	f.state.Store(&routesState{Routes: r})
	return f
}

// loadRoutes reads a routing file.
func loadRoutes(path string, kinds []incident.Kind) (*route.Routes, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the routes: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, route.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the routes in %s: %w", path, err)
	}
	return route.Parse(path, raw, kinds)
}

// openRoutes loads the file. Routes that are faulty at the start are an error: there are no good ones to keep.
func openRoutes(path string, kinds []incident.Kind, log *slog.Logger) (*routesFile, error) {
	// The look comes first: a change while the file is being read then shows as one. What cannot be found cannot be loaded.
	seen, _ := os.Stat(path)
	r, err := loadRoutes(path, kinds)
	if err != nil {
		return nil, fmt.Errorf("load the routes (--routes or %s):\n%w", routesVariable, err)
	}
	f := &routesFile{path: path, kinds: kinds, log: log, seen: seen}
	f.state.Store(&routesState{Routes: r})
	return f, nil
}

// current is the last good routes and whether the file is faulty now.
func (f *routesFile) current() *routesState { return f.state.Load() }

// follow looks at the file at every interval until ctx ends.
func (f *routesFile) follow(ctx context.Context, interval time.Duration) {
	if f.path == "" {
		return
	}
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
func (f *routesFile) look() {
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
	r, err := loadRoutes(f.path, f.kinds)
	if err != nil {
		f.fault(err)
		return
	}
	before := f.current()
	f.said = ""
	f.state.Store(&routesState{Routes: r})
	if before.faulty || before.Digest != r.Digest {
		f.log.Info("the routes were read again", "file", f.path, "routes", r.Digest, "routes_before", before.Digest)
	}
}

// fault keeps the last good routes and says so, once for each fault.
func (f *routesFile) fault(err error) {
	good := f.current().Routes
	f.state.Store(&routesState{Routes: good, faulty: true})
	if err.Error() == f.said {
		return
	}
	f.said = err.Error()
	f.log.Warn("the routes are faulty: going on with the last good ones", "file", f.path, "routes", good.Digest, "error", err)
}

// routeFlags choose the routes.
type routeFlags struct{ file, kindField, assetField string }

// routesPath is the file that the flag or the environment names; empty if neither does.
func (a *app) routesPath(flag string) string {
	if flag == "" {
		return a.env.get(routesVariable)
	}
	return flag
}

// followedRoutes opens the file that the flag or the environment names, or else the built-in routes.
func (a *app) followedRoutes(f routeFlags, kinds []incident.Kind, log *slog.Logger) (*routesFile, error) {
	path := a.routesPath(f.file)
	if path == "" {
		r, err := route.BuiltIn(f.kindField, f.assetField, kinds)
		if err != nil {
			return nil, usage("--kind-label, --asset-label: %w", err)
		}
		return fixedRoutes(r), nil
	}
	if f.kindField != "" || f.assetField != "" {
		return nil, errors.New("--kind-label and --asset-label are for the built-in routes: with --routes, name the fields in the file")
	}
	return openRoutes(path, kinds, log)
}
