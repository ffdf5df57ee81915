package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/evidence/pace"
	"firebreak/activities/evidence/table"
	"firebreak/activities/failure"
)

// set is everything that one snapshot preserves.
type set struct {
	// versions are sorted as the manifest is.
	versions []objects.Version
	// roles says what a version is to a table, and notes what is known of the table that it defines, by sourceKey.
	roles, notes map[string]string
}

// set lists the source, and with it what the tables there name outside of it. That is data of an incident and not the
// inventory's word, so it is followed in the source's own bucket alone.
func (s *Snapshot) set(ctx context.Context, p plan) (set, error) {
	versions, err := s.list(ctx, p.source)
	if err != nil {
		return set{}, err
	}
	out := set{versions: versions, roles: map[string]string{}, notes: map[string]string{}}
	latest := map[string]objects.Version{}
	var keys []string
	for _, v := range versions {
		if v.Latest && !v.DeleteMarker {
			latest[v.Key] = v
			keys = append(keys, v.Key)
		}
	}
	tables, err := table.Of(ctx, p.source.Bucket, keys, s.tableReader(p, latest))
	if err != nil {
		return set{}, err
	}
	for _, t := range tables {
		if err := s.addTable(ctx, p, &out, latest, t); err != nil {
			return set{}, err
		}
	}
	return out, nil
}

// tableReader reads a table's log or metadata: the versions that were listed, and outside of the source the current ones.
func (s *Snapshot) tableReader(p plan, latest map[string]objects.Version) table.Reader {
	return func(ctx context.Context, key string) ([]byte, error) {
		v, ok := latest[key]
		if !ok {
			found, err := s.current(ctx, p, key)
			if err != nil {
				return nil, err
			}
			if found == nil {
				return nil, table.ErrGone
			}
			v = *found
		}
		if v.Size > table.MostBytes {
			return nil, failure.New(failure.Unsupported, "%s has %d bytes; a table's log or metadata may have %d", objects.VersionURI(v.Bucket, v.Key, v.ID), v.Size, table.MostBytes)
		}
		return s.readTable(ctx, v)
	}
}

func (s *Snapshot) readTable(ctx context.Context, v objects.Version) ([]byte, error) {
	for broken := 1; ; broken++ {
		body, err := s.opener(v.Bucket, v, nil)(ctx, 0)
		var content []byte
		if err == nil {
			content, err = io.ReadAll(io.LimitReader(body, v.Size))
			err = errors.Join(err, body.Close())
		}
		if err == nil {
			return content, nil
		}
		if ctx.Err() != nil || !pace.Lost(err) || broken == copyTries {
			return nil, fmt.Errorf("read %s: %w", objects.VersionURI(v.Bucket, v.Key, v.ID), err)
		}
	}
}

// current returns the version of a key that a reader gets who names none, or nil.
func (s *Snapshot) current(ctx context.Context, p plan, key string) (*objects.Version, error) {
	versions, err := s.list(ctx, objects.Location{Bucket: p.source.Bucket, Prefix: key})
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(versions, func(v objects.Version) bool { return v.Key == key && v.Latest && !v.DeleteMarker })
	if i < 0 {
		return nil, nil
	}
	return &versions[i], nil
}

// addTable marks a table's files, and adds those that are not among the versions.
func (s *Snapshot) addTable(ctx context.Context, p plan, out *set, latest map[string]objects.Version, t table.Table) error {
	var outside []string
	missing := &faults{}
	for key, role := range t.Roles {
		v, ok := latest[key]
		switch {
		case ok:
			out.roles[sourceKey(v)] = role
		case p.source.Contains(key):
			missing.add(key)
		default:
			outside = append(outside, key)
		}
	}
	var mu sync.Mutex
	err := each(ctx, len(outside), s.pace.Most(), func(ctx context.Context, i int) error {
		v, err := s.current(ctx, p, outside[i])
		if err != nil {
			return err
		}
		if v == nil {
			missing.add(outside[i])
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		out.roles[sourceKey(*v)] = t.Roles[v.Key]
		latest[v.Key] = *v
		out.versions = append(out.versions, *v)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list what a table names: %w", err)
	}
	slices.SortFunc(out.versions, func(a, b objects.Version) int { return cmp.Compare(sourceKey(a), sourceKey(b)) })
	note := t.Text
	if n := len(outside); n > 0 {
		note += fmt.Sprintf("; %d of its files are outside of the prefix", n)
	}
	if n := len(missing.list); n > 0 {
		note += fmt.Sprintf("; %d of the files that it names are not there: %s", n, missing.text())
	}
	out.notes[sourceKey(latest[t.Defining])] = note
	return nil
}

// mostNotes bounds how many tables are named in the effect, which is part of history. The manifest has all of them.
const mostNotes = 3

// tablesOf says what a manifest knows of the tables that it preserves.
func tablesOf(entries []Entry) string {
	var notes []string
	for _, e := range entries {
		if e.Note != "" {
			notes = append(notes, e.Note)
		}
	}
	if n := len(notes); n > mostNotes {
		notes = append(notes[:mostNotes], fmt.Sprintf("and %d more tables", n-mostNotes))
	}
	return strings.Join(notes, "\n")
}
