package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
)

// syncTimeout bounds a synchronous revocation, which calls the upstream once for each lease. It stays below the time that
// one attempt of the action has.
const syncTimeout = 45 * time.Second

// server is Vault seen with one token. Every error names the operation, the path and Vault's address, and never a secret.
type server struct {
	client *api.Client
}

// as returns the same Vault seen with another token; "" is no token.
func (s server) as(token string) (server, error) {
	clone, err := s.client.CloneWithHeaders()
	if err != nil {
		return server{}, fmt.Errorf("clone Vault client: %w", err)
	}
	clone.SetToken(token)
	return server{client: clone}, nil
}

// read returns nil for a 404.
func (s server) read(ctx context.Context, path string) (*api.Secret, error) {
	secret, err := s.client.Logical().ReadWithContext(ctx, path)
	if err != nil {
		return nil, s.explain(ctx, call{verb: "read", path: path, capability: "read"}, err)
	}
	return secret, nil
}

// readExact returns the data of an answer as Vault wrote it, and "" for a 404.
func (s server) readExact(ctx context.Context, path string) (string, error) {
	c := call{verb: "read", path: path, capability: "read"}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	response, err := s.client.Logical().ReadRawWithContext(ctx, path)
	if response != nil {
		defer response.Body.Close()
		if response.StatusCode == http.StatusNotFound {
			return "", nil
		}
	}
	if err != nil {
		return "", s.explain(ctx, c, err)
	}
	var body struct{ Data json.RawMessage }
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		return "", s.explain(ctx, c, fmt.Errorf("decode answer: %w", err))
	}
	return string(body.Data), nil
}

// list returns the keys under a path; there are none if it answers 404.
func (s server) list(ctx context.Context, path string) ([]string, error) {
	secret, err := s.client.Logical().ListWithContext(ctx, path)
	if err != nil {
		return nil, s.explain(ctx, call{verb: "list", path: path, capability: "list (and sudo, for leases and accessors)"}, err)
	}
	if secret == nil {
		return nil, nil
	}
	raw, _ := secret.Data["keys"].([]any)
	keys := make([]string, 0, len(raw))
	for _, k := range raw {
		if key, ok := k.(string); ok {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func (s server) write(ctx context.Context, path string, data map[string]any) (*api.Secret, error) {
	secret, err := s.client.Logical().WriteWithContext(ctx, path, data)
	if err != nil {
		return nil, s.explain(ctx, call{verb: "write", path: path, capability: "update"}, err)
	}
	return secret, nil
}

// writeSecret is write for a body that holds a secret, of which an error must not repeat anything.
func (s server) writeSecret(ctx context.Context, path string, data map[string]any) (*api.Secret, error) {
	secret, err := s.client.Logical().WriteWithContext(ctx, path, data)
	if err != nil {
		return nil, s.explain(ctx, call{verb: "write", path: path, capability: "update", secret: true}, err)
	}
	return secret, nil
}

func (s server) writeExact(ctx context.Context, path, data string) error {
	if _, err := s.client.Logical().WriteBytesWithContext(ctx, path, []byte(data)); err != nil {
		return s.explain(ctx, call{verb: "write", path: path, capability: "create"}, err)
	}
	return nil
}

func (s server) delete(ctx context.Context, path string) error {
	if _, err := s.client.Logical().DeleteWithContext(ctx, path); err != nil {
		return s.explain(ctx, call{verb: "delete", path: path, capability: "delete"}, err)
	}
	return nil
}

// revokePrefix returns once the upstreams of all leases have been called. Without sync Vault only queues the work.
func (s server) revokePrefix(ctx context.Context, prefix string) error {
	patient, err := s.as(s.client.Token())
	if err != nil {
		return err
	}
	patient.client.SetClientTimeout(syncTimeout)
	options := &api.RevokeOptions{LeaseID: prefix, Prefix: true, Sync: true}
	if err := patient.client.Sys().RevokeWithOptionsWithContext(ctx, options); err != nil {
		return s.explain(ctx, call{verb: "revoke leases", path: "sys/leases/revoke-prefix/" + prefix, capability: "update and sudo"}, err)
	}
	return nil
}

// accessor looks a token up by its accessor; it returns nil if there is no such token.
func (s server) accessor(ctx context.Context, accessor string) (*api.Secret, error) {
	secret, err := s.client.Auth().Token().LookupAccessorWithContext(ctx, accessor)
	if err != nil {
		err = s.explain(ctx, call{verb: "look up accessor", path: "auth/token/lookup-accessor", capability: "update"}, err)
		if answered(err, http.StatusBadRequest, http.StatusNotFound) {
			return nil, nil
		}
		return nil, err
	}
	return secret, nil
}

func (s server) revokeAccessor(ctx context.Context, accessor string) error {
	if err := s.client.Auth().Token().RevokeAccessorWithContext(ctx, accessor); err != nil {
		return s.explain(ctx, call{verb: "revoke accessor", path: "auth/token/revoke-accessor", capability: "update"}, err)
	}
	return nil
}

// lease reports whether Vault still knows the lease, and when it ends.
func (s server) lease(ctx context.Context, id string) (known bool, ends time.Time, err error) {
	secret, err := s.client.Sys().LookupWithContext(ctx, id)
	if err != nil {
		err = s.explain(ctx, call{verb: "look up lease", path: "sys/leases/lookup", capability: "update"}, err)
		if answered(err, http.StatusBadRequest, http.StatusNotFound) {
			return false, time.Time{}, nil
		}
		return false, time.Time{}, err
	}
	if secret != nil {
		text, _ := secret.Data["expire_time"].(string)
		ends, _ = time.Parse(time.RFC3339, text) // a lease without an end has none
	}
	return true, ends, nil
}

// self looks the server's own token up; it returns nil if Vault refuses the token.
func (s server) self(ctx context.Context) (*api.Secret, error) {
	secret, err := s.client.Auth().Token().LookupSelfWithContext(ctx)
	if err != nil {
		err = s.explain(ctx, call{verb: "use token on", path: "auth/token/lookup-self", capability: "read", secret: true}, err)
		if answered(err, http.StatusForbidden) {
			return nil, nil
		}
		return nil, err
	}
	return secret, nil
}

// irrevocable returns how many leases of the namespace Vault has given up revoking, and "" if it does not say.
func (s server) irrevocable(ctx context.Context) (string, error) {
	const path = "sys/leases/count"
	secret, err := s.client.Logical().ReadWithDataWithContext(ctx, path, map[string][]string{"type": {"irrevocable"}})
	if err != nil {
		return "", s.explain(ctx, call{verb: "read", path: path, capability: "read"}, err)
	}
	if secret == nil || secret.Data["lease_count"] == nil {
		return "", nil
	}
	return fmt.Sprint(secret.Data["lease_count"]), nil
}

// irrevocableUnder returns the leases under a prefix that Vault has given up revoking.
func (s server) irrevocableUnder(ctx context.Context, prefix string) ([]string, error) {
	const path = "sys/leases"
	secret, err := s.client.Logical().ReadWithDataWithContext(ctx, path, map[string][]string{"type": {"irrevocable"}, "limit": {"none"}})
	if err != nil {
		return nil, s.explain(ctx, call{verb: "read", path: path, capability: "read and sudo"}, err)
	}
	if secret == nil {
		return nil, nil
	}
	all, _ := secret.Data["leases"].([]any)
	var under []string
	for _, one := range all {
		entry, _ := one.(map[string]any)
		if id, _ := entry["lease_id"].(string); strings.HasPrefix(id, prefix) {
			under = append(under, id)
		}
	}
	return under, nil
}

// own looks the worker's own token up, which is never to be revoked (invariant V11).
func (s server) own(ctx context.Context) (*api.Secret, error) {
	secret, err := s.self(ctx)
	if err == nil && secret == nil {
		refused := &api.ResponseError{StatusCode: http.StatusForbidden}
		err = s.explain(ctx, call{verb: "read", path: "auth/token/lookup-self", capability: "read"}, refused)
	}
	return secret, err
}
