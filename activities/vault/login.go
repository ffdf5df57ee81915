package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/hashicorp/vault/api"
)

// The settings of the worker's own login. Secrets are in files, which are read again for each login.
const (
	envAuth     = "FIREBREAK_VAULT_AUTH"
	envMount    = "FIREBREAK_VAULT_MOUNT"
	envRoleID   = "FIREBREAK_VAULT_ROLE_ID"
	envSecretID = "FIREBREAK_VAULT_SECRET_ID_FILE"
	envWrapped  = "FIREBREAK_VAULT_SECRET_ID_WRAPPED"
	envRole     = "FIREBREAK_VAULT_ROLE"
	envJWT      = "FIREBREAK_VAULT_JWT_FILE"
)

// podJWT is where Kubernetes puts the token of a pod's service account, and renews it.
const podJWT = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// method is a way to log in.
type method interface {
	// credentials returns what to send to <mount>/login.
	credentials(context.Context, server) (map[string]any, error)
	// check reads what will be sent, so that a missing file shows when the worker starts.
	check() error
}

// Login is the worker's own login to Vault: a token from the environment, or one that it gets by AppRole or Kubernetes and
// keeps alive.
type Login struct {
	client *api.Client
	// by is nil for a token from the environment.
	by    method
	mount string
	// auth is the login that holds; nil before the first.
	auth *api.SecretAuth
}

// NewLogin reads Vault's own environment variables and FIREBREAK_VAULT_AUTH (token, approle or kubernetes) with its
// settings. It calls nothing; the error says what to set and never holds a secret.
func NewLogin() (*Login, error) {
	client, err := newClient()
	if err != nil {
		return nil, err
	}
	l := &Login{client: client}
	how := os.Getenv(envAuth)
	if how == "" || how == "token" {
		if client.Token() == "" {
			return nil, fmt.Errorf("no Vault token: set VAULT_TOKEN to a token with the policy of the containment worker, or %s to approle or kubernetes", envAuth)
		}
		return l, nil
	}
	var faults []error
	if os.Getenv(api.EnvVaultToken) != "" {
		faults = append(faults, fmt.Errorf("VAULT_TOKEN is set beside %s: unset one of them", envAuth))
	}
	client.ClearToken()
	if err := l.choose(how); err != nil {
		return nil, err
	}
	if mount := strings.Trim(os.Getenv(envMount), "/"); mount != "" {
		l.mount = mount
	}
	if !strings.HasPrefix(l.mount, "auth/") || strings.Contains(l.mount, "..") || !pathLike.MatchString(l.mount) {
		faults = append(faults, fmt.Errorf("%s is not the path of an auth method such as auth/approle", envMount))
	}
	if err := errors.Join(append(faults, l.by.check())...); err != nil {
		return nil, err
	}
	return l, nil
}

// choose reads the settings of one method.
func (l *Login) choose(how string) error {
	switch how {
	case "approle":
		l.mount, l.by = "auth/approle", &byAppRole{roleID: os.Getenv(envRoleID), file: os.Getenv(envSecretID), wrapping: os.Getenv(envWrapped)}
	case "kubernetes":
		file := os.Getenv(envJWT)
		if file == "" {
			file = podJWT
		}
		l.mount, l.by = "auth/kubernetes", &byKubernetes{role: os.Getenv(envRole), file: file}
	default:
		return fmt.Errorf("%s is none of token, approle and kubernetes", envAuth)
	}
	return nil
}

// Client is the client whose token the login keeps; there is none before a login could be made.
func (l *Login) Client() *api.Client {
	if l == nil {
		return nil
	}
	return l.client
}

// Refused means that Vault answered and does not accept the login: trying again cannot help until a person changes something.
type Refused struct{ text string }

// Error says which login was refused and what to check.
func (e *Refused) Error() string { return e.text }

func refusedLogin(format string, args ...any) error {
	return &Refused{text: fmt.Sprintf(format, args...)}
}

// Open logs in once. An error that is not Refused is Vault's: it is sealed, slow or not reachable.
func (l *Login) Open(ctx context.Context) error {
	if l.by == nil {
		return nil
	}
	anyone, err := server{client: l.client}.as("")
	if err != nil {
		return err
	}
	body, err := l.by.credentials(ctx, anyone)
	if err != nil {
		return err
	}
	secret, err := anyone.writeSecret(ctx, l.mount+"/login", body)
	if answered(err, http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound) {
		return refusedLogin("log in to Vault at %s by %s: it refuses the login: check the role, its secret and the addresses it is bound to", anyone.address(), l.mount)
	}
	if err != nil {
		return err
	}
	if secret == nil || secret.Auth == nil || secret.Auth.ClientToken == "" {
		return refusedLogin("log in to Vault at %s by %s: the answer has no token; a login that asks for a second factor is none for a worker", anyone.address(), l.mount)
	}
	l.auth = secret.Auth
	l.client.SetToken(secret.Auth.ClientToken)
	return nil
}
