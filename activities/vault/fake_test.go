package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"
)

const workerToken = "hv" + "s.worker0000000000000000000000"

// fakeVault answers the calls of this package as a real Vault does, with an upstream whose users are the leased keys.
type fakeVault struct {
	t      *testing.T
	server *httptest.Server

	mu       sync.Mutex
	roles    map[string]string // path -> definition
	leases   map[string]string // lease id -> access key
	users    map[string]bool   // access keys that the upstream accepts
	tokens   map[string]map[string]any
	roleID   string
	spent    map[string]bool // secret ids
	kv       map[string]map[string]any
	sealed   []string // transit plaintexts
	secrets  []string
	effects  []string
	serial   int
	faults   map[string]fault // "METHOD path prefix" -> what goes wrong
	upstream bool             // the upstream refuses to delete users
	forget   bool             // leases vanish, their users stay
}

// fault replaces an answer. With execute the call takes effect and its answer is lost.
type fault struct {
	status  int
	body    string
	echo    bool
	execute bool
}

func newFake(t *testing.T) *fakeVault {
	f := &fakeVault{
		t: t, roles: map[string]string{}, leases: map[string]string{}, users: map[string]bool{}, spent: map[string]bool{},
		tokens: map[string]map[string]any{workerToken: {"accessor": "worker-accessor", "path": "auth/token/create"}},
		kv:     map[string]map[string]any{}, faults: map[string]fault{}, roleID: "role-id-of-ci-00000000", secrets: []string{workerToken, "role-id-of-ci-00000000"},
	}
	f.server = httptest.NewServer(f)
	t.Cleanup(f.server.Close)
	return f
}

func (f *fakeVault) client() *api.Client {
	config := api.DefaultConfig()
	config.Address, config.MaxRetries, config.Timeout = f.server.URL, 0, callTimeout
	client, err := api.NewClient(config)
	require.NoError(f.t, err)
	client.SetToken(workerToken)
	return client
}

// heal ends a fault and returns how many effects there were so far. A lost answer is no proof that its handler ended.
func (f *fakeVault) heal(call string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.faults, call)
	return len(f.effects)
}

// Refused is the Probe of the fake's upstream.
func (f *fakeVault) Refused(_ context.Context, data map[string]any) (bool, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if key, _ := data["access_key"].(string); !f.users[key] {
		return true, "ListBuckets answered 403 InvalidAccessKeyId", nil
	}
	return false, "ListBuckets answered 200", nil
}

// secret makes a value that must never be seen outside.
func (f *fakeVault) secret(kind string) string {
	f.serial++
	s := fmt.Sprintf("%s-canary-%04d-do-not-leak", kind, f.serial)
	f.secrets = append(f.secrets, s)
	return s
}

func (f *fakeVault) requireNoSecret(value any) {
	f.t.Helper()
	text, err := json.Marshal(value)
	require.NoError(f.t, err)
	if failed, ok := value.(error); ok {
		text = []byte(failed.Error())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.secrets {
		require.NotContains(f.t, string(text), s)
	}
}

func (f *fakeVault) issue() (id, accessKey, secretKey string) {
	accessKey, secretKey = f.secret("access"), f.secret("key")
	id = fmt.Sprintf("aws/creds/ci/lease%d", f.serial)
	f.leases[id], f.users[accessKey] = accessKey, true
	return id, accessKey, secretKey
}

func (f *fakeVault) newToken(accessor, path, role string) string {
	token := f.secret("token")
	f.tokens[token] = map[string]any{
		"accessor": accessor, "path": path, "display_name": "ci", "policies": []string{"default"}, "ttl": 3600,
		"creation_time": 1700000000, "meta": map[string]string{"role_name": role},
	}
	return token
}

func (f *fakeVault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	method := r.Method
	if r.URL.Query().Get("list") == "true" {
		method = "LIST"
	}
	raw, _ := io.ReadAll(r.Body)
	for prefix, bad := range f.faults {
		if !strings.HasPrefix(method+" "+path, prefix) {
			continue
		}
		if bad.execute {
			f.answer(httptest.NewRecorder(), r, method, path, raw)
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(bad.status)
		if bad.echo {
			bad.body = fmt.Sprintf(`{"errors":[%q]}`, string(raw)+r.Header.Get("X-Vault-Token"))
		}
		_, _ = io.WriteString(w, bad.body)
		return
	}
	f.answer(w, r, method, path, raw)
}

func (f *fakeVault) answer(w http.ResponseWriter, r *http.Request, method, path string, raw []byte) {
	var body map[string]any
	_ = json.Unmarshal(raw, &body)
	caller := r.Header.Get("X-Vault-Token")
	if path != "auth/approle/login" && f.tokens[caller] == nil {
		refuse(w, 403, "permission denied")
		return
	}
	switch {
	case path == "auth/token/lookup-self":
		reply(w, f.tokens[caller])
	case strings.HasPrefix(path, "sys/leases/"):
		f.sysLeases(w, method, strings.TrimPrefix(path, "sys/leases/"), body)
	case strings.HasPrefix(path, "auth/token/"):
		f.accessors(w, strings.TrimPrefix(path, "auth/token/"), body)
	case strings.HasPrefix(path, "transit/"):
		f.transit(w, path, body)
	case strings.HasPrefix(path, "auth/approle/"):
		f.appRole(w, method, path, raw, body)
	case path == "aws/creds/ci":
		if f.roles["aws/roles/ci"] == "" {
			refuse(w, 400, "role not found")
			return
		}
		id, access, key := f.issue()
		write(w, map[string]any{"lease_id": id, "data": map[string]any{"access_key": access, "secret_key": key}})
	case path == "aws/roles/ci":
		f.role(w, method, path, raw)
	case f.kv[path] != nil:
		reply(w, map[string]any{"data": f.kv[path]})
	default:
		refuse(w, 404)
	}
}

// role keeps a definition byte for byte.
func (f *fakeVault) role(w http.ResponseWriter, method, path string, raw []byte) {
	switch method {
	case http.MethodGet:
		if f.roles[path] == "" {
			refuse(w, 404)
			return
		}
		_, _ = io.WriteString(w, `{"data":`+f.roles[path]+`}`)
	case http.MethodDelete:
		delete(f.roles, path)
		f.did(w, "delete "+path)
	default:
		f.roles[path] = string(raw)
		f.did(w, "write "+path)
	}
}

func (f *fakeVault) sysLeases(w http.ResponseWriter, method, path string, body map[string]any) {
	id, _ := body["lease_id"].(string)
	switch {
	case method == "LIST":
		var keys []string
		for lease := range f.leases {
			keys = append(keys, strings.TrimPrefix(lease, strings.TrimPrefix(path, "lookup/")+"/"))
		}
		list(w, keys)
	case path == "lookup" && f.leases[id] == "":
		refuse(w, 400, "invalid lease")
	case path == "lookup":
		reply(w, map[string]any{"id": id})
	case path == "count":
		reply(w, map[string]any{"lease_count": 0})
	case path == "revoke":
		f.revoke(w, id)
	case strings.HasPrefix(path, "revoke-prefix/"):
		f.revoke(w, slices.Sorted(maps.Keys(f.leases))...)
	}
}

func (f *fakeVault) revoke(w http.ResponseWriter, ids ...string) {
	if f.upstream {
		refuse(w, 400, "failed to revoke: role owns an object (SQLSTATE 2BP01)")
		return
	}
	for _, id := range ids {
		if !f.forget {
			delete(f.users, f.leases[id])
		}
		delete(f.leases, id)
		f.effects = append(f.effects, "revoke "+id)
	}
	w.WriteHeader(http.StatusNoContent)
}

func (f *fakeVault) did(w http.ResponseWriter, effect string) {
	f.effects = append(f.effects, effect)
	w.WriteHeader(http.StatusNoContent)
}

func reply(w http.ResponseWriter, data map[string]any) { write(w, map[string]any{"data": data}) }

func list(w http.ResponseWriter, keys []string) {
	if len(keys) == 0 {
		refuse(w, 404)
		return
	}
	slices.Sort(keys)
	reply(w, map[string]any{"keys": keys})
}

func refuse(w http.ResponseWriter, status int, errors ...string) {
	w.WriteHeader(status)
	write(w, map[string]any{"errors": append([]string{}, errors...)})
}

func write(w http.ResponseWriter, body map[string]any) { _ = json.NewEncoder(w).Encode(body) }
