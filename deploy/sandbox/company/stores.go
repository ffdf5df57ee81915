package company

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"firebreak/deploy/sandbox/server"
	"firebreak/internal/inventory"
	"firebreak/internal/manifest"
)

// weightBytes is the size of a checkpoint's weights. The inventory's real sizes would only make the sandbox slow.
const weightBytes = 256 << 10

// S3Client returns a client for the sandbox's S3 server with a key.
func S3Client(endpoint, region string, key Key) *s3.Client {
	return s3.New(s3.Options{
		Region: region, BaseEndpoint: &endpoint, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(key.Access, key.Secret, ""),
	})
}

// dataBuckets hold what incidents are about; every one is versioned.
func dataBuckets() []string {
	return []string{"nordwall-registry", "nordwall-data", "nordwall-logs", "nordwall-stg-registry", "nordwall-stg-data", "nordwall-stg-logs"}
}

// fillStores creates the buckets, every checkpoint and dataset version with real bytes, and the request logs, and puts
// the digests of those bytes into the inventory.
func (c *Company) fillStores(ctx context.Context, gateway *server.S3) error {
	client := S3Client(gateway.Endpoint, gateway.Region, Key{gateway.AccessKey, gateway.SecretKey})
	if err := c.makeBuckets(ctx, client); err != nil {
		return err
	}
	digests := map[string]string{}
	for i := range c.Assets.DatasetVersions {
		v := &c.Assets.DatasetVersions[i]
		root, _, err := fill(ctx, client, v.URI, datasetFiles(v.ID))
		if err != nil {
			return fmt.Errorf("create dataset version %s: %w", v.ID, err)
		}
		v.RootDigest, v.URI = root, plain(v.URI)
		digests[v.ID] = root
	}
	signer, err := newSigner(c.Assets)
	if err != nil {
		return err
	}
	for i := range c.Assets.Checkpoints {
		k := &c.Assets.Checkpoints[i]
		root, files, err := fill(ctx, client, k.URI, checkpointFiles(k))
		if err != nil {
			return fmt.Errorf("create checkpoint %s: %w", k.ID, err)
		}
		if err := signer.put(ctx, client, k, files); err != nil {
			return err
		}
		k.RootDigest, k.URI, k.Size = root, plain(k.URI), weightBytes
		for j, d := range k.Built.Datasets {
			id, _, _ := strings.Cut(d, "#")
			k.Built.Datasets[j] = id + "#" + digests[id]
		}
	}
	for _, e := range c.Assets.Endpoints {
		if _, _, err := fill(ctx, client, e.LogStream, logFiles(e.ID)); err != nil {
			return fmt.Errorf("create request log of %s: %w", e.ID, err)
		}
	}
	return nil
}

func (c *Company) makeBuckets(ctx context.Context, client *s3.Client) error {
	for _, name := range dataBuckets() {
		if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name}); err != nil {
			return fmt.Errorf("create bucket %s: %w", name, err)
		}
		_, err := client.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: &name,
			VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
		if err != nil {
			return fmt.Errorf("turn on versioning of %s: %w", name, err)
		}
	}
	for _, store := range c.Assets.Stores {
		_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &store.Bucket, ObjectLockEnabledForBucket: aws.Bool(true)})
		if err != nil {
			return fmt.Errorf("create evidence bucket %s: %w", store.Bucket, err)
		}
	}
	return nil
}

// fill puts the files under the prefix that the URI names and returns their root digest and their list.
func fill(ctx context.Context, client *s3.Client, uri string, files map[string][]byte) (string, []manifest.File, error) {
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(plain(uri), "s3://"), "/")
	var listed []manifest.File
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		body := files[name]
		key := prefix + name
		if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)}); err != nil {
			return "", nil, fmt.Errorf("put %s: %w", key, err)
		}
		sum := sha256.Sum256(body)
		listed = append(listed, manifest.File{Name: name, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(body))})
	}
	root, err := manifest.Root(listed)
	return root, listed, err
}

// plain drops the version id that the reference inventory puts on prefixes: a prefix has no versions.
func plain(uri string) string {
	uri, _, _ = strings.Cut(uri, "?")
	return uri
}

// random returns bytes that depend on the seed alone, so that every sandbox has the same company.
func random(seed string, n int) []byte {
	h := fnv.New64a()
	h.Write([]byte(seed))
	var key [32]byte
	copy(key[:], h.Sum(nil))
	out := make([]byte, n)
	source := rand.NewChaCha8(key)
	_, _ = source.Read(out) // never fails
	return out
}

// datasetFiles are invented persons: no row is about anybody.
func datasetFiles(id string) map[string][]byte {
	files := map[string][]byte{}
	for part := range 4 {
		var rows bytes.Buffer
		for i := range 200 {
			row, _ := json.Marshal(map[string]any{"applicant": fmt.Sprintf("%s/%d/%d", id, part, i), "amount": 1000 + 37*i, "granted": i%3 == 0})
			rows.Write(append(row, '\n'))
		}
		files[fmt.Sprintf("part-%04d.jsonl", part)] = rows.Bytes()
	}
	return files
}

func logFiles(endpoint string) map[string][]byte {
	var rows bytes.Buffer
	for i := range 500 {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", endpoint, i))
		fmt.Fprintf(&rows, `{"endpoint":%q,"request":%d,"input_sha256":"%x"}`+"\n", endpoint, i, sum)
	}
	return map[string][]byte{"requests.jsonl": rows.Bytes()}
}

// allowEvidence lets the worker's user read what it preserves and write locked evidence. It may try to delete evidence:
// the proof that a lock holds is that the store, and not a policy, refuses.
func (c *Company) allowEvidence(ctx context.Context, gateway *server.S3) error {
	client := S3Client(gateway.Endpoint, gateway.Region, Key{gateway.AccessKey, gateway.SecretKey})
	read := []string{"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:ListBucketVersions"}
	lock := []string{"s3:PutObject", "s3:PutObjectRetention", "s3:GetObjectRetention", "s3:PutObjectLegalHold", "s3:GetObjectLegalHold",
		"s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:ListBucketMultipartUploads",
		"s3:DeleteObject", "s3:DeleteObjectVersion"}
	grants := map[string][]string{}
	for _, b := range dataBuckets() {
		grants[b] = read
	}
	for _, s := range c.Assets.Stores {
		grants[s.Bucket] = slices.Concat(read, lock)
	}
	for bucket, actions := range grants {
		if err := allow(ctx, client, bucket, c.WorkerS3.Access, actions); err != nil {
			return err
		}
	}
	return nil
}

// allow adds a statement to a bucket's policy and keeps the others.
func allow(ctx context.Context, client *s3.Client, bucket, access string, actions []string) error {
	policy := struct {
		Version   string
		Statement []json.RawMessage
	}{Version: "2012-10-17"}
	if present, err := client.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &bucket}); err == nil {
		if err := json.Unmarshal([]byte(*present.Policy), &policy); err != nil {
			return fmt.Errorf("decode policy of %s: %w", bucket, err)
		}
	}
	statement, err := json.Marshal(map[string]any{
		"Sid": "firebreak", "Effect": "Allow", "Principal": map[string]string{"AWS": access}, "Action": actions,
		"Resource": []string{"arn:aws:s3:::" + bucket, "arn:aws:s3:::" + bucket + "/*"},
	})
	if err != nil {
		return fmt.Errorf("encode policy of %s: %w", bucket, err)
	}
	policy.Statement = append(policy.Statement, statement)
	raw, err := json.Marshal(policy)
	if err != nil {
		return fmt.Errorf("encode policy of %s: %w", bucket, err)
	}
	if _, err := client.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: aws.String(string(raw))}); err != nil {
		return fmt.Errorf("put policy of %s: %w", bucket, err)
	}
	return nil
}

// credential returns the company's credential with the id.
func (c *Company) credential(id string) *inventory.Credential {
	for i := range c.Assets.Credentials {
		if c.Assets.Credentials[i].ID == id {
			return &c.Assets.Credentials[i]
		}
	}
	return nil
}
