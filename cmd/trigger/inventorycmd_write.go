package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"firebreak/internal/discovery"
	"firebreak/internal/inventory"
)

// form is how the result is written: as it is asked for, as the file is now, or as its name says. What stands in a file in YAML
// stays as it stands.
func (x *importing) form(before []byte) func(*yaml.Node) ([]byte, error) {
	now := discovery.IsJSON(before)
	json := x.output == "json" || x.output == "" && (now || strings.HasSuffix(x.into, ".json"))
	switch {
	case json:
		return discovery.JSON
	case now || len(before) == 0:
		return discovery.YAML
	}
	return func(doc *yaml.Node) ([]byte, error) { return discovery.Keep(before, doc) }
}

// faultsOf is everything that can be said of a document but the age of its sources.
func faultsOf(name string, raw []byte, now time.Time) []inventory.Fault {
	if len(raw) == 0 {
		return nil
	}
	_, faults := inventory.Check(name, raw, now)
	var out []inventory.Fault
	for _, f := range faults {
		if f.Rule != "N9" {
			out = append(out, f)
		}
	}
	return out
}

// saysNew reports the faults of the result that were not there before: what an import leaves to be filled in.
func (a *app) saysNew(before, after []inventory.Fault) {
	known := map[string]bool{}
	for _, f := range before {
		known[f.Rule+f.Message] = true
	}
	for _, f := range after {
		if !known[f.Rule+f.Message] {
			fmt.Fprintln(a.stderr, plain("to fill in: "+f.Error()))
		}
	}
}

// writeInventory writes the result where it is asked for, or refuses it.
func (a *app) writeInventory(x importing, before, result []byte, changed bool, after []inventory.Fault) error {
	wrong := 0
	for _, f := range after {
		if f.Level != inventory.Refused {
			continue
		}
		if wrong++; f.Rule == "N7" {
			return refused("nothing was written: %s", f.Message)
		}
	}
	switch {
	case x.into == "":
		_, err := a.stdout.Write(result)
		return err
	case !changed && len(before) > 0 && x.output == "":
		fmt.Fprintf(a.stderr, "%s: nothing new, left as it is\n", plain(x.into))
		return nil
	case wrong > 0 && !x.incomplete:
		return refused("nothing was written: %s would not be loaded for %s; give --incomplete to write it and fill in the rest, or correct it first", plain(x.into), count(wrong, "fault"))
	}
	if err := replaceFile(x.into, before, result); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "%s: written\n", plain(x.into))
	return nil
}

// replaceFile puts a file in the place of another in one piece: who follows it reads the old one or the new one. A file that
// somebody has changed in the meantime is left to them.
func replaceFile(path string, before, raw []byte) error {
	mode := os.FileMode(0o600)
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
		if info, err := os.Stat(path); err == nil {
			mode = info.Mode().Perm()
		}
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".inventory-*")
	if err != nil {
		return fmt.Errorf("write the inventory: %w", err)
	}
	defer os.Remove(f.Name()) // it is gone by then if all went well
	_, err = f.Write(raw)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = unchanged(path, before)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write the inventory: %w", err)
	}
	return nil
}

// unchanged refuses to go on if a file is not what it was when it was read.
func unchanged(path string, before []byte) error {
	now, err := inventory.Read(path)
	switch {
	case errors.Is(err, os.ErrNotExist) && len(before) == 0:
		return nil
	case err != nil:
		return err
	case !bytes.Equal(now, before):
		return errors.New("somebody changed the file in the meantime, and it was left as it is: import again")
	}
	return nil
}
