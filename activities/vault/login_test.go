package vault

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// secretFile writes a file with one secret.
func secretFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// loginSettings sets the environment of a login, and nothing beside it.
func loginSettings(t *testing.T, set map[string]string) {
	t.Helper()
	for _, name := range []string{"VAULT_ADDR", "VAULT_TOKEN", "VAULT_NAMESPACE", "VAULT_CACERT", envAuth, envMount, envRoleID, envSecretID, envWrapped, envRole, envJWT} {
		t.Setenv(name, set[name])
	}
}

func TestLoginSettings(t *testing.T) {
	const address = "https://vault.example.com:8200"
	good, empty, two := secretFile(t, "secret-canary\n"), secretFile(t, " \n"), secretFile(t, "secret-canary another")
	large := secretFile(t, strings.Repeat("x", secretLimit+1))
	tests := []struct {
		name  string
		set   map[string]string
		wrong []string
	}{
		{"a token", map[string]string{"VAULT_TOKEN": "t"}, nil},
		{"approle", map[string]string{envAuth: "approle", envRoleID: "r", envSecretID: good}, nil},
		{"approle, wrapped and mounted elsewhere", map[string]string{envAuth: "approle", envRoleID: "r", envSecretID: good, envWrapped: "true", envMount: "auth/machines/"}, nil},
		{"kubernetes", map[string]string{envAuth: "kubernetes", envRole: "firebreak", envJWT: good}, nil},
		{"no login at all", nil, []string{"set VAULT_TOKEN", envAuth}},
		{"an unknown method", map[string]string{envAuth: "ldap"}, []string{"none of token, approle and kubernetes"}},
		{"everything missing, said at once", map[string]string{envAuth: "approle", envWrapped: "yes", envMount: "secret"}, []string{envRoleID, envSecretID, envWrapped, envMount}},
		{"a token beside it", map[string]string{envAuth: "approle", envRoleID: "r", envSecretID: good, "VAULT_TOKEN": "secret-canary"}, []string{"VAULT_TOKEN is set beside"}},
		{"no such file", map[string]string{envAuth: "approle", envRoleID: "r", envSecretID: "/does/not/exist"}, []string{"/does/not/exist"}},
		{"an empty file", map[string]string{envAuth: "approle", envRoleID: "r", envSecretID: empty}, []string{"does not hold one secret alone"}},
		{"two words", map[string]string{envAuth: "approle", envRoleID: "r", envSecretID: two}, []string{"does not hold one secret alone"}},
		{"a file that is no secret", map[string]string{envAuth: "approle", envRoleID: "r", envSecretID: large}, []string{"does not hold one secret alone"}},
		{"kubernetes without a role", map[string]string{envAuth: "kubernetes", envJWT: good}, []string{envRole}},
		{"a mount that climbs", map[string]string{envAuth: "kubernetes", envRole: "r", envJWT: good, envMount: "auth/../sys"}, []string{envMount}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			loginSettings(t, tt.set)
			t.Setenv("VAULT_ADDR", address)
			_, err := NewLogin()
			if tt.wrong == nil {
				require.NoError(t, err)
				return
			}
			for _, text := range tt.wrong {
				require.ErrorContains(t, err, text)
			}
			require.NotContains(t, err.Error(), "secret-canary")
		})
	}
}

// loginServer answers the calls of a login as Vault's API documents them.
type loginServer struct {
	*httptest.Server
	mu sync.Mutex
	// logins are the bodies of all that were tried; alive are the tokens that are accepted.
	logins []map[string]string
	alive  map[string]bool
	renews int
	// refuse is a status for the next logins; lease is the lifetime that they get, in seconds.
	refuse, lease int
	renewable     bool
}

func newLoginServer(t *testing.T) *loginServer {
	s := &loginServer{alive: map[string]bool{}, lease: 1, renewable: true}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *loginServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := r.Header.Get("X-Vault-Token")
	switch {
	case strings.HasSuffix(r.URL.Path, "/login"):
		var body map[string]string
		_ = json.NewDecoder(r.Body).Decode(&body)
		s.logins = append(s.logins, body)
		if s.refuse != 0 {
			refuse(w, s.refuse, "invalid "+body["jwt"]+body["secret_id"])
			return
		}
		given := "token-" + time.Now().String()
		s.alive[given] = true
		write(w, map[string]any{"auth": map[string]any{"client_token": given, "lease_duration": s.lease, "renewable": s.renewable}})
	case !s.alive[token]:
		refuse(w, 403, "permission denied")
	case strings.HasSuffix(r.URL.Path, "/renew-self"):
		s.renews++
		write(w, map[string]any{"auth": map[string]any{"client_token": token, "lease_duration": s.lease, "renewable": true}})
	default:
		reply(w, map[string]any{"id": "hidden"})
	}
}

func (s *loginServer) with(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *loginServer) count() (n int) {
	s.with(func() { n = len(s.logins) })
	return n
}

func kubernetesLogin(t *testing.T, s *loginServer) (*Login, string) {
	t.Helper()
	file := secretFile(t, "jwt-canary-1")
	loginSettings(t, map[string]string{"VAULT_ADDR": s.URL, envAuth: "kubernetes", envRole: "firebreak", envJWT: file})
	l, err := NewLogin()
	require.NoError(t, err)
	return l, file
}

func TestKubernetesLoginReadsItsFileAgain(t *testing.T) {
	s := newLoginServer(t)
	l, file := kubernetesLogin(t, s)
	require.NoError(t, l.Open(t.Context()))
	require.NoError(t, os.WriteFile(file, []byte("jwt-canary-2"), 0o600))
	require.NoError(t, l.Open(t.Context()))
	require.Equal(t, []map[string]string{{"role": "firebreak", "jwt": "jwt-canary-1"}, {"role": "firebreak", "jwt": "jwt-canary-2"}}, s.logins)
}

func TestRefusedLoginIsToldFromAVaultThatIsAway(t *testing.T) {
	for _, tt := range []struct {
		status  int
		refused bool
	}{{400, true}, {403, true}, {404, true}, {429, false}, {500, false}, {503, false}} {
		s := newLoginServer(t)
		l, _ := kubernetesLogin(t, s)
		s.with(func() { s.refuse = tt.status })
		err := l.Open(t.Context())
		require.Error(t, err)
		var refused *Refused
		require.Equal(t, tt.refused, errors.As(err, &refused), "%d: %v", tt.status, err)
		require.NotContains(t, err.Error(), "canary", "Vault may repeat what it was sent")
	}
}

// lines is a log that tests may read while it is written.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// keep runs Keep until the test ends and returns its log.
func keep(t *testing.T, l *Login) *lines {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out := &lines{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Keep(ctx, slog.New(slog.NewTextHandler(out, nil)))
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		require.NotContains(t, out.String(), "canary")
		require.NotContains(t, out.String(), "token-")
	})
	return out
}

func TestLoginIsRenewed(t *testing.T) {
	s := newLoginServer(t)
	l, _ := kubernetesLogin(t, s)
	require.NoError(t, l.Open(t.Context()))
	keep(t, l)
	require.Eventually(t, func() bool {
		n := 0
		s.with(func() { n = s.renews })
		return n >= 2
	}, 10*time.Second, 20*time.Millisecond)
	require.Equal(t, 1, s.count(), "a login that can be renewed is not made anew")
}

func TestLoginIsMadeAnew(t *testing.T) {
	tests := []struct {
		name   string
		breaks func(*loginServer)
	}{
		{"when its token was revoked", func(s *loginServer) { clear(s.alive) }},
		{"when it cannot be renewed", func(s *loginServer) { s.renewable = false }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newLoginServer(t)
			l, _ := kubernetesLogin(t, s)
			if tt.name == "when it cannot be renewed" {
				tt.breaks(s)
			}
			require.NoError(t, l.Open(t.Context()))
			first := l.Client().Token()
			keep(t, l)
			s.with(func() { tt.breaks(s) })
			require.Eventually(t, func() bool { return l.Client().Token() != first }, 10*time.Second, 20*time.Millisecond)
		})
	}
}

// A Vault that is away when the worker starts is asked again until it answers.
func TestLoginWaitsForVault(t *testing.T) {
	s := newLoginServer(t)
	l, _ := kubernetesLogin(t, s)
	s.with(func() { s.refuse = 503 })
	require.Error(t, l.Open(t.Context()))
	log := keep(t, l)
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "trying again") }, 10*time.Second, 20*time.Millisecond)
	s.with(func() { s.refuse = 0 })
	require.Eventually(t, func() bool { return l.Client().Token() != "" }, 10*time.Second, 20*time.Millisecond)
}
