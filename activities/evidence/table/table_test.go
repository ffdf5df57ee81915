package table_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/avro"
	"github.com/twmb/avro/ocf"

	"firebreak/activities/evidence/table"
)

// bucket is the files of a bucket, by key.
type bucket map[string]string

func (b bucket) read(_ context.Context, key string) ([]byte, error) {
	body, ok := b[key]
	if !ok {
		return nil, table.ErrGone
	}
	return []byte(body), nil
}

func (b bucket) tables(t *testing.T) []table.Table {
	t.Helper()
	got, err := table.Of(t.Context(), "lake", slices.Sorted(maps.Keys(b)), b.read)
	require.NoError(t, err)
	return got
}

const log = "t/_delta_log/0000000000000000000"

func deltaTable() bucket {
	return bucket{
		log + "0.json": `{"protocol":{"minReaderVersion":1}}` + "\n" + `{"add":{"path":"part%20a.parquet","size":1}}` + "\n" + `{"add":{"path":"gone.parquet"}}` + "\n",
		log + "1.json": `{"remove":{"path":"gone.parquet"}}` + "\n\n" + `{"add":{"path":"s3a://lake/clone/b.parquet","deletionVector":{"storageType":"p","pathOrInlineDv":"s3://lake/clone/dv.bin"}}}` + "\n" +
			`{"remove":{"path":"s3a://lake/clone/b.parquet"}}` + "\n",
		log + "1.crc": "{}", "t/part a.parquet": "PAR1", "t/readme": "",
	}
}

func TestDelta(t *testing.T) {
	t.Parallel()
	got := deltaTable().tables(t)
	require.Len(t, got, 1)
	require.Equal(t, log+"1.json", got[0].Defining)
	require.Equal(t, map[string]string{
		log + "0.json": table.DeltaLog, log + "1.json": table.DeltaLog, log + "1.crc": table.DeltaLog,
		"t/part a.parquet": table.DeltaData, "clone/b.parquet": table.DeltaData, "clone/dv.bin": table.DeltaData,
	}, got[0].Roles)
	require.Equal(t, "Delta table s3://lake/t/ at version 1: commits 0 to 1 name 2 live files", got[0].Text)
}

func TestDeltaSaysWhatItCannotTell(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(bucket)
		text   string
	}{
		"a checkpoint":                {func(b bucket) { b[log+"1.checkpoint.parquet"] = "PAR1" }, "checkpoints are Parquet and were not read"},
		"a log without its beginning": {func(b bucket) { delete(b, log+"0.json") }, "checkpoints are Parquet and were not read"},
		"a commit that is no JSON":    {func(b bucket) { b[log+"1.json"] = "{" }, "commit 1 of its log cannot be read"},
		"no path":                     {func(b bucket) { b[log+"1.json"] = `{"add":{}}` }, "is no path"},
		"another bucket":              {func(b bucket) { b[log+"1.json"] = `{"add":{"path":"s3://payroll/salaries.csv"}}` }, `1 of its files are in other buckets or stores and were not copied ("s3://payroll/salaries.csv")`},
		"another store":               {func(b bucket) { b[log+"1.json"] = `{"add":{"path":"file:///etc/passwd"}}` }, "1 of its files are in other buckets"},
		"a path that climbs":          {func(b bucket) { b[log+"1.json"] = `{"add":{"path":"../../../x"}}` }, "1 of its files are in other buckets"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := deltaTable()
			tt.change(b)
			require.Contains(t, b.tables(t)[0].Text, tt.text)
		})
	}
}

func TestReadErrorsAreNotGaps(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection lost")
	_, err := table.Of(t.Context(), "lake", []string{log + "0.json"}, func(context.Context, string) ([]byte, error) { return nil, broken })
	require.ErrorIs(t, err, broken)
}

// records encodes rows as an Avro file.
func records(t testing.TB, schema string, rows ...any) string {
	t.Helper()
	var out bytes.Buffer
	w, err := ocf.NewWriter(&out, avro.MustParse(schema), ocf.WithCodec(ocf.DeflateCodec(6)))
	require.NoError(t, err)
	for _, row := range rows {
		require.NoError(t, w.Encode(row))
	}
	require.NoError(t, w.Close())
	return out.String()
}

// The fields around those that are read are as real writers write them.
const (
	listSchema = `{"type":"record","name":"manifest_file","fields":[{"name":"manifest_path","type":"string","field-id":500},
		{"name":"manifest_length","type":"long","field-id":501},{"name":"partition_spec_id","type":"int","field-id":502}]}`
	manifestSchema = `{"type":"record","name":"manifest_entry","fields":[{"name":"status","type":"int","field-id":0},
		{"name":"snapshot_id","type":["null","long"],"default":null,"field-id":1},
		{"name":"data_file","type":{"type":"record","name":"r2","fields":[{"name":"content","type":"int","field-id":134},
		{"name":"file_path","type":"string","field-id":100},{"name":"record_count","type":"long","field-id":103}]},"field-id":2}]}`
)

func row(status int, path string) map[string]any {
	return map[string]any{"status": status, "snapshot_id": int64(7), "data_file": map[string]any{"content": 0, "file_path": path, "record_count": int64(3)}}
}

func icebergTable(t testing.TB) bucket {
	t.Helper()
	manifest := func(path string) any {
		return map[string]any{"manifest_path": path, "manifest_length": int64(1), "partition_spec_id": 0}
	}
	return bucket{
		"w/t/metadata/00001-a.metadata.json": `{"format-version":2,"snapshots":[]}`,
		"w/t/metadata/00010-b.metadata.json": `{"format-version":2,"current-snapshot-id":8,"snapshots":[{"snapshot-id":7,"manifest-list":"s3://lake/w/t/metadata/snap-7.avro"},
			{"snapshot-id":8,"manifest-list":"s3://lake/w/t/metadata/snap-8.avro"}],"metadata-log":[{"metadata-file":"s3://lake/w/t/metadata/00001-a.metadata.json"}],
			"statistics":[{"statistics-path":"s3://lake/w/t/metadata/x.puffin"}]}`,
		"w/t/metadata/snap-7.avro": records(t, listSchema, manifest("s3://lake/w/t/metadata/m0.avro")),
		"w/t/metadata/snap-8.avro": records(t, listSchema, manifest("s3://lake/w/t/metadata/m0.avro"), manifest("s3://lake/w/t/metadata/m1.avro")),
		"w/t/metadata/m0.avro":     records(t, manifestSchema, row(1, "s3://lake/w/t/data/0.parquet")),
		"w/t/metadata/m1.avro":     records(t, manifestSchema, row(1, "s3://lake/elsewhere/1.parquet"), row(2, "s3://lake/w/t/data/expired.parquet")),
		"w/t/data/0.parquet":       "PAR1",
	}
}

func TestIceberg(t *testing.T) {
	t.Parallel()
	b := icebergTable(t)
	b["w/t/metadata/notes.json"] = ""
	got := b.tables(t)
	require.Len(t, got, 1)
	require.Equal(t, "w/t/metadata/00010-b.metadata.json", got[0].Defining)
	require.Equal(t, map[string]string{
		"w/t/metadata/00001-a.metadata.json": table.IcebergMetadata, "w/t/metadata/00010-b.metadata.json": table.IcebergMetadata,
		"w/t/metadata/x.puffin": table.IcebergMetadata, "w/t/metadata/snap-7.avro": table.IcebergManifest, "w/t/metadata/snap-8.avro": table.IcebergManifest,
		"w/t/metadata/m0.avro": table.IcebergManifest, "w/t/metadata/m1.avro": table.IcebergManifest,
		"w/t/data/0.parquet": table.IcebergData, "elsewhere/1.parquet": table.IcebergData,
	}, got[0].Roles)
	require.Equal(t, "Iceberg table s3://lake/w/t/ at 00010-b.metadata.json, the newest metadata there (a catalogue may point at other): 2 snapshots name 2 data and delete files", got[0].Text)
}

func TestIcebergSaysWhatItCannotTell(t *testing.T) {
	t.Parallel()
	const newest = "w/t/metadata/00010-b.metadata.json"
	tests := map[string]struct {
		change func(bucket)
		text   string
	}{
		"no JSON":            {func(b bucket) { b[newest] = "{" }, "it cannot be read"},
		"a manifest is gone": {func(b bucket) { delete(b, "w/t/metadata/m1.avro") }, `"w/t/metadata/m1.avro", which it names, is not there`},
		"a manifest is cut":  {func(b bucket) { b["w/t/metadata/m1.avro"] = b["w/t/metadata/m1.avro"][:90] }, "cannot be read"},
		"a list is no Avro":  {func(b bucket) { b["w/t/metadata/snap-8.avro"] = "PAR1" }, "cannot be read"},
		"many of them are broken": {func(b bucket) {
			b[newest] = `{"snapshots":[` + strings.Repeat(`{"manifest-list":"s3://lake/l%d"},`, 8) + `{"manifest-list":"s3://lake/l8"}]}`
			b[newest] = fmt.Sprintf(b[newest], 0, 1, 2, 3, 4, 5, 6, 7)
		}, "and 4 more gaps"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := icebergTable(t)
			tt.change(b)
			require.Contains(t, b.tables(t)[0].Text, tt.text)
		})
	}
}

func TestIcebergCompressedMetadata(t *testing.T) {
	t.Parallel()
	b := icebergTable(t)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write([]byte(b["w/t/metadata/00010-b.metadata.json"]))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	b["w/t/metadata/00011-c.gz.metadata.json"] = packed.String()
	require.Contains(t, b.tables(t)[0].Text, "00011-c.gz.metadata.json, the newest metadata there (a catalogue may point at other): 2 snapshots")
}

func TestLakeFS(t *testing.T) {
	t.Parallel()
	got := bucket{"ns/_lakefs/ab12": "sst", "ns/data/x/1": "object", "ns/dummy": ""}.tables(t)
	require.Len(t, got, 1)
	require.Equal(t, "ns/_lakefs/ab12", got[0].Defining)
	require.Equal(t, table.LakeFSData, got[0].Roles["ns/data/x/1"])
	require.Contains(t, got[0].Text, "all physical objects")
}

func TestFolderIsNoTable(t *testing.T) {
	t.Parallel()
	require.Empty(t, bucket{"a/metadata/notes.json": "", "a/_delta_log/_last_checkpoint": "{}", "a/b": ""}.tables(t))
}

// Whatever a table says, it is read to its end without a fault, and no name leads out of the bucket.
func FuzzTable(f *testing.F) {
	b := icebergTable(f)
	f.Add([]byte(`{"add":{"path":"a","deletionVector":{"storageType":"p","pathOrInlineDv":"../b"}}}`), []byte(b["w/t/metadata/m0.avro"]))
	f.Add([]byte(b["w/t/metadata/00010-b.metadata.json"]), []byte(b["w/t/metadata/snap-7.avro"]))
	f.Add([]byte("null\n[]"), []byte("Obj\x01"))
	f.Fuzz(func(t *testing.T, text, records []byte) {
		files := bucket{
			log + "0.json": string(text), "w/metadata/1.metadata.json": string(text), "v/metadata/v2.metadata.json": `{"snapshots":[{"manifest-list":"s3://lake/list"}]}`,
			"list": string(records),
		}
		got, err := table.Of(t.Context(), "lake", slices.Sorted(maps.Keys(files)), files.read)
		require.NoError(t, err)
		for _, table := range got {
			for key := range table.Roles {
				require.NotEmpty(t, key)
				require.False(t, strings.HasPrefix(key, "../"), key)
			}
		}
	})
}
