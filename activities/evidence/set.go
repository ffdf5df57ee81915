package evidence

import (
	"cmp"
	"context"
	"slices"

	"firebreak/activities/evidence/objects"
)

// set is everything that one snapshot preserves.
type set struct {
	// versions are sorted as the manifest is.
	versions []objects.Version
	// roles says what a version is to a table, by sourceKey.
	roles map[string]string
	// table says which table was found and what is known of its files; empty for a folder.
	table string
}

// set lists the source.
func (s *Snapshot) set(ctx context.Context, p plan) (set, error) {
	versions, err := s.list(ctx, p.source)
	if err != nil {
		return set{}, err
	}
	return set{versions: versions}, nil
}

func sortVersions(versions []objects.Version) {
	slices.SortFunc(versions, func(a, b objects.Version) int { return cmp.Compare(sourceKey(a), sourceKey(b)) })
}

// tableOf says what a manifest knows of the table that it preserves.
func tableOf(entries []Entry, p plan) string { return "" }
