package evidence

import (
	"context"
	"fmt"

	"firebreak/activities/evidence/objects"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// checkSource lists the source again. What came or went since it was copied is a fact worth knowing; a version that was
// there when the step began and is not in the manifest is a fault of the snapshot.
func (s *Snapshot) checkSource(ctx context.Context, op *playbooks.Operation, p plan, captured listing, entries []Entry, wrong *faults) (string, error) {
	if entries == nil {
		return "unknown: the manifest cannot be read", nil
	}
	found, err := s.set(ctx, p)
	if err != nil {
		return "", err
	}
	copied := make(map[string]bool, len(entries))
	for _, e := range entries {
		copied[entryKey(e)] = true
	}
	complete := summarize(sources(entries)).Digest == captured.Digest
	added := 0
	for _, v := range found.versions {
		if copied[sourceKey(v)] {
			delete(copied, sourceKey(v))
			continue
		}
		added++
		if !complete && v.LastModified.Before(op.Capture.At.Add(-clockSkew)) {
			wrong.add(objects.VersionURI(v.Bucket, v.Key, v.ID) + " is not in the manifest, although it was there before")
		}
	}
	if added == 0 && len(copied) == 0 {
		return "none", nil
	}
	return fmt.Sprintf("%d versions came and %d went since", added, len(copied)), nil
}

// provedStep reports whether the step's evidence is proved to be there.
func provedStep(s *incident.Step) bool { return s.Status == incident.Done && s.Verified }
