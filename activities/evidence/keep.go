package evidence

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/failure"
	"firebreak/internal/inventory"
	"firebreak/internal/manifest"
)

// Keeper puts single pieces of evidence into the store, each once, and proves that they are there.
type Keeper struct{ api store }

// NewKeeper returns a keeper. api is an *s3.Client, e.g. from NewS3.
func NewKeeper(api store) *Keeper { return &Keeper{api: api} }

// Piece is what is kept under a name. Name is below the step's folder and made by the caller of hexadecimal digits and
// fixed words alone, so that no name at the source can lead it elsewhere.
type Piece struct {
	IncidentID, Step, Target string
	OpenedAt                 time.Time
	Name, ContentType        string
	Bytes                    []byte
}

func (p Piece) key() string {
	return stepPrefix(p.IncidentID, p.OpenedAt, p.Step, p.Target) + p.Name
}

// Keep writes the piece under Object Lock, unless something is there under its name already: what was collected first is
// kept. It describes what is in the store.
func (k *Keeper) Keep(ctx context.Context, to inventory.Store, p Piece) (manifest.Object, error) {
	l, err := newLock(to)
	if err != nil {
		return manifest.Object{}, err
	}
	v, err := place(ctx, k.api, to.Bucket, piece{key: p.key(), contentType: p.ContentType, bytes: p.Bytes}, l)
	if hasCode(err, "PreconditionFailed", "ConditionalRequestConflict") {
		// Another attempt of the same step has just written it.
		v, err = place(ctx, k.api, to.Bucket, piece{key: p.key(), contentType: p.ContentType, bytes: p.Bytes}, l)
	}
	if err != nil {
		return manifest.Object{}, err
	}
	o := manifest.Object{Bucket: to.Bucket, Key: v.Key, VersionID: v.ID, Step: p.Step, Target: p.Target}
	return o, k.describe(ctx, &o)
}

// Find returns what is kept under a piece's name, with its bytes; nil if nothing is.
func (k *Keeper) Find(ctx context.Context, to inventory.Store, p Piece) (*manifest.Object, []byte, error) {
	v, err := oldest(ctx, k.api, to.Bucket, p.key())
	if err != nil || v == nil {
		return nil, nil, err
	}
	content, sum, err := readAll(ctx, k.api, to.Bucket, *v)
	if err != nil {
		return nil, nil, err
	}
	o := &manifest.Object{Bucket: to.Bucket, Key: v.Key, VersionID: v.ID, Step: p.Step, Target: p.Target, SHA256: sum, Size: int64(len(content))}
	return o, content, k.look(ctx, o)
}

// oldest is the first version that was written under a key, or nil: a later one, or a delete marker, is somebody else's.
func oldest(ctx context.Context, api store, bucket, key string) (*objects.Version, error) {
	versions, err := objects.List(ctx, api, objects.Location{Bucket: bucket, Prefix: key})
	if err != nil {
		return nil, err
	}
	for _, v := range firsts(versions) {
		if v.Key == key {
			return &v, nil
		}
	}
	return nil, nil
}

// firsts are the oldest versions of each key, in the order of the keys. Listings are newest first, so of two of one second
// the later in the list is the older.
func firsts(versions []objects.Version) []objects.Version {
	var out []objects.Version
	place := map[string]int{}
	for _, v := range versions {
		if v.DeleteMarker {
			continue
		}
		i, ok := place[v.Key]
		if !ok {
			place[v.Key] = len(out)
			out = append(out, v)
			continue
		}
		if !v.LastModified.After(out[i].LastModified) {
			out[i] = v
		}
	}
	return out
}

// Prove reads an object back by its version id and holds it against what is said of it, reads its lock, and tries to
// delete it. It returns what is wrong, or "".
func (k *Keeper) Prove(ctx context.Context, to inventory.Store, o manifest.Object) (string, error) {
	l, err := newLock(to)
	if err != nil {
		return "", err
	}
	if o.Bucket != to.Bucket {
		return "", failure.New(failure.Invalid, "prove %s: it is not in the evidence store %s", o.URI(), to.Bucket)
	}
	v := objects.Version{Key: o.Key, ID: o.VersionID, Size: o.Size}
	sum, n, err := objects.Hash(ctx, k.api, to.Bucket, v)
	switch {
	case hasCode(err, "NoSuchKey", "NoSuchVersion", "NotFound"):
		return o.URI() + " is gone", nil
	case err != nil:
		return "", err
	case sum != o.SHA256 || n != o.Size:
		return fmt.Sprintf("%s hashes to %s, not to %s", o.URI(), sum, o.SHA256), nil
	}
	problem, err := checkLock(ctx, k.api, to.Bucket, v, l.mode, time.Now())
	if err != nil || problem != "" {
		return problem, err
	}
	return tryDelete(ctx, k.api, to.Bucket, v)
}

// describe fills in what the store says of an object and hashes its bytes.
func (k *Keeper) describe(ctx context.Context, o *manifest.Object) error {
	if err := k.look(ctx, o); err != nil {
		return err
	}
	sum, n, err := objects.Hash(ctx, k.api, o.Bucket, objects.Version{Key: o.Key, ID: o.VersionID, Size: o.Size})
	if err != nil {
		return err
	}
	o.SHA256, o.Size, o.CheckedAt = sum, n, time.Now().UTC().Truncate(time.Second)
	return nil
}

// look reads an object's size and lock.
func (k *Keeper) look(ctx context.Context, o *manifest.Object) error {
	ctx, cancel := context.WithTimeout(ctx, objects.CallTimeout)
	defer cancel()
	head, err := k.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(o.Bucket), Key: aws.String(o.Key), VersionId: aws.String(o.VersionID)})
	if err != nil {
		return fmt.Errorf("look at %s: %w", o.URI(), err)
	}
	o.Size, o.LockMode, o.RetainUntil = aws.ToInt64(head.ContentLength), string(head.ObjectLockMode), aws.ToTime(head.ObjectLockRetainUntilDate).UTC()
	return nil
}

// objectOf names the version that a URI names.
func objectOf(uri string) (manifest.Object, error) {
	bucket, key, id, err := objects.ParseVersionURI(uri)
	if err != nil {
		return manifest.Object{}, err
	}
	return manifest.Object{Bucket: bucket, Key: key, VersionID: id}, nil
}

func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
