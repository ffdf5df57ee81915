package company

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"firebreak/internal/inventory"
	"firebreak/internal/manifest"
	"firebreak/internal/manifest/dsse"
	"firebreak/internal/manifest/oms"
)

// signer signs checkpoints with keys that live as long as the sandbox is founded.
type signer struct{ keys map[string]*ecdsa.PrivateKey }

// newSigner makes a key for each of the inventory's and puts the public halves there.
func newSigner(inv *inventory.Inventory) (*signer, error) {
	s := &signer{keys: map[string]*ecdsa.PrivateKey{}}
	for i := range inv.SigningKeys {
		k := &inv.SigningKeys[i]
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("make signing key %s: %w", k.ID, err)
		}
		public, err := dsse.NewKey(&private.PublicKey)
		if err != nil {
			return nil, fmt.Errorf("make signing key %s: %w", k.ID, err)
		}
		s.keys[k.ID], k.PublicKey = private, string(public.PEM())
	}
	return s, nil
}

// put signs a checkpoint's files and keeps the bundle apart from them, as the model server loads whatever is beside weights.
func (s *signer) put(ctx context.Context, client *s3.Client, c *inventory.Checkpoint, files []manifest.File) error {
	private := s.keys[c.Signer.Key]
	if private == nil {
		return fmt.Errorf("sign %s: the inventory has no signing key %q", c.ID, c.Signer.Key)
	}
	public, err := dsse.NewKey(&private.PublicKey)
	if err != nil {
		return fmt.Errorf("sign %s: %w", c.ID, err)
	}
	bundle, err := oms.Sign(c.Model, files, public, func(message []byte) ([]byte, error) {
		sum := sha256.Sum256(message)
		return ecdsa.SignASN1(rand.Reader, private, sum[:])
	})
	if err != nil {
		return err
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(plain(c.URI), "s3://"), "/")
	key = "signatures/" + key + manifest.SignatureName
	out, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(bundle)})
	if err != nil {
		return fmt.Errorf("put signature of %s: %w", c.ID, err)
	}
	c.OMSBundle = "s3://" + bucket + "/" + key + "?versionId=" + aws.ToString(out.VersionId)
	return nil
}

// checkpointFiles are small files of the kinds that the inventory says the checkpoint has.
func checkpointFiles(c *inventory.Checkpoint) map[string][]byte {
	files := map[string][]byte{
		"model.safetensors": tensors(c.ID, weightBytes),
		"config.json":       fmt.Appendf(nil, `{"checkpoint":%q,"architecture":"gradient-boosted-trees"}`, c.ID),
	}
	tokenizer := c.Files.Tokenizer
	if tokenizer == "" || tokenizer == "none" {
		tokenizer = "tokenizer.json"
	}
	files[tokenizer] = fmt.Appendf(nil, `{"checkpoint":%q,"vocabulary":[]}`, c.ID)
	if t := c.Files.ChatTemplate; t != "" && t != "none" {
		files[t] = fmt.Appendf(nil, "{# %s #}{{ messages }}", c.ID)
	}
	for _, a := range c.Files.Adapters {
		files[a+"/adapter_model.safetensors"] = tensors(c.ID+"/"+a, 1024)
	}
	return files
}

// tensors is a safetensors file of one tensor of so many random bytes.
func tensors(seed string, n int) []byte {
	header := fmt.Appendf(nil, `{"w":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}`, n, n)
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), random(seed, n)...)
}
