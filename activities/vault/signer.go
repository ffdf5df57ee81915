package vault

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/vault/api"

	"firebreak/internal/incident"
	"firebreak/internal/manifest/dsse"
)

// Signer signs with transit keys. The private keys never leave Vault.
type Signer struct {
	server server
	live   string
	drill  string
}

// NewSigner returns a signer with one key for live incidents and another for drills: evidence of the one must not pass for
// evidence of the other.
func NewSigner(client *api.Client, live, drill string) (*Signer, error) {
	switch {
	case live == "" || drill == "":
		return nil, errors.New("sign evidence: a transit key for live incidents and one for drills are needed")
	case live == drill:
		return nil, fmt.Errorf("sign evidence: live incidents and drills need different transit keys, and both are %q", live)
	case strings.ContainsAny(live+drill, "/:?#%"):
		return nil, errors.New("sign evidence: the name of a transit key has no / : ? # or %")
	}
	return &Signer{server: server{client: client}, live: live, drill: drill}, nil
}

// Key returns the newest version of the key that signs for a mode, as name:version, and its public half. A key that can be
// exported proves nothing about who signed, and is refused.
func (s *Signer) Key(ctx context.Context, mode incident.Mode) (string, *dsse.Key, error) {
	name := s.drill
	if mode == incident.Live {
		name = s.live
	}
	path := "transit/keys/" + name
	secret, err := s.server.read(ctx, path)
	if err != nil {
		return "", nil, err
	}
	if secret == nil {
		return "", nil, fmt.Errorf("read %s: there is no such key; make it with: vault write transit/keys/%s type=ecdsa-p256", path, name)
	}
	latest, err := number(secret.Data["latest_version"])
	if err != nil {
		return "", nil, fmt.Errorf("read %s: it has no latest version", path)
	}
	if exportable, _ := secret.Data["exportable"].(bool); exportable {
		return "", nil, fmt.Errorf("read %s: the key can be exported, so a signature by it proves nothing; make another one", path)
	}
	kind, _ := secret.Data["type"].(string)
	versions, _ := secret.Data["keys"].(map[string]any)
	version, _ := versions[strconv.Itoa(latest)].(map[string]any)
	text, _ := version["public_key"].(string)
	// Of an ECDSA key only a digest need be signed. Vault takes an Ed25519 key's message whole, and none over 1 MiB.
	if kind != "ecdsa-p256" {
		return "", nil, fmt.Errorf("read %s: the key is of type %q; evidence is signed with ecdsa-p256", path, kind)
	}
	public, err := dsse.ParseKey([]byte(text))
	if err != nil {
		return "", nil, fmt.Errorf("read %s version %d: %w", path, latest, err)
	}
	return name + ":" + strconv.Itoa(latest), public, nil
}

// Sign signs a message with a version of a key that Key named. Only the message's digest is sent, so that its size does not
// matter.
func (s *Signer) Sign(ctx context.Context, id string, message []byte) ([]byte, error) {
	name, version, _ := strings.Cut(id, ":")
	n, err := strconv.Atoi(version)
	if err != nil || name != s.live && name != s.drill {
		return nil, fmt.Errorf("sign evidence: %q is not a version of a key that signs evidence", id)
	}
	sum := sha256.Sum256(message)
	body := map[string]any{
		"key_version": n, "input": base64.StdEncoding.EncodeToString(sum[:]),
		"prehashed": true, "hash_algorithm": "sha2-256", "marshaling_algorithm": "asn1",
	}
	path := "transit/sign/" + name
	secret, err := s.server.write(ctx, path, body)
	if err != nil {
		return nil, err
	}
	if secret != nil {
		// vault:v<version>:<base64>
		text, _ := secret.Data["signature"].(string)
		if encoded, ok := strings.CutPrefix(text, "vault:v"+version+":"); ok {
			if sig, err := base64.StdEncoding.DecodeString(encoded); err == nil {
				return sig, nil
			}
		}
	}
	return nil, fmt.Errorf("sign evidence: %s answered without a signature by version %d", path, n)
}

func number(v any) (int, error) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, errors.New("it is not a number")
	}
	i, err := n.Int64()
	return int(i), err
}
