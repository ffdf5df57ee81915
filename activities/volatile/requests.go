package volatile

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"firebreak/activities/evidence/objects"
)

// Bounds of the requests that are kept at once. The whole log is another step's: log.snapshot.
const (
	maxRequestObjects = 100
	maxRequestBytes   = 64 << 20
)

// requests keeps the newest objects of the endpoint's request log as they are: the exact inputs that triggered, their times
// and the version that answered are in them.
func (w *collector) requests(ctx context.Context, recent time.Duration) error {
	stream := w.op.Target.Endpoint.LogStream
	gap := func(format string, args ...any) error {
		w.add(Line{Item: "requests", Source: stream, At: now(), Gap: fmt.Sprintf(format, args...)})
		return nil
	}
	if !strings.HasPrefix(stream, "s3://") {
		return gap("the endpoint's log_stream is in no store that can be read; the replicas' logs are all there is")
	}
	at, err := objects.ParseURI(stream)
	if err != nil {
		return gap("%v", err)
	}
	versions, err := objects.List(ctx, w.logs, at)
	if err != nil {
		return gap("%v", err)
	}
	since := w.op.Capture.At.Add(-recent)
	versions = slices.DeleteFunc(versions, func(v objects.Version) bool { return !v.IsFile() || v.LastModified.Before(since) })
	slices.SortFunc(versions, func(a, b objects.Version) int { return b.LastModified.Compare(a.LastModified) })
	if len(versions) == 0 {
		return gap("no object of the last %s is in it", recent)
	}
	left := int64(maxRequestBytes)
	for i, v := range versions {
		if i == maxRequestObjects || v.Size > left {
			return gap("%d older objects of the last %s are left to the snapshot of the log", len(versions)-i, recent)
		}
		left -= v.Size
		uri := objects.VersionURI(at.Bucket, v.Key, v.ID)
		it := item{name: "requests", read: func(ctx context.Context) ([]byte, bool, error) { return w.object(ctx, at.Bucket, v) }}
		l := Line{Item: "requests/" + hexOf(uri), Source: uri}
		if err := w.keepItem(ctx, l, "requests/"+hexOf(uri), it); err != nil {
			return err
		}
	}
	return nil
}

func (w *collector) object(ctx context.Context, bucket string, v objects.Version) ([]byte, bool, error) {
	out, err := w.logs.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(v.Key), VersionId: v.Pin()})
	if err != nil {
		return nil, false, err
	}
	defer out.Body.Close()
	content, err := io.ReadAll(io.LimitReader(out.Body, v.Size+1))
	if err == nil && int64(len(content)) != v.Size {
		err = fmt.Errorf("it has another size than the %d bytes that the store lists", v.Size)
	}
	return content, false, err
}
