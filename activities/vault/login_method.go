package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// secretLimit bounds what is read of a file with a secret.
const secretLimit = 64 << 10

// readSecret reads a file with one secret. Its error names the setting and the file, and nothing of what is in it.
func readSecret(setting, file string) (string, error) {
	if file == "" {
		return "", fmt.Errorf("%s is not set: set it to the file that holds it", setting)
	}
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", setting, err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, secretLimit+1))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", setting, err)
	}
	text := strings.TrimSpace(string(raw))
	if text == "" || len(raw) > secretLimit || strings.ContainsAny(text, " \t\r\n") {
		return "", fmt.Errorf("read %s: the file %s does not hold one secret alone", setting, file)
	}
	return text, nil
}

// byAppRole logs in with a role id and a secret id.
type byAppRole struct {
	roleID, file string
	// wrapping is "true" if the file holds a wrapping token instead of the secret id.
	wrapping string
	// unwrapped is the secret id out of a wrapping token, which can be used once.
	unwrapped string
}

func (m *byAppRole) check() error {
	var faults []error
	if m.roleID == "" {
		faults = append(faults, fmt.Errorf("%s is not set: set it to the role id of the worker's AppRole", envRoleID))
	}
	if m.wrapping != "" && m.wrapping != "true" && m.wrapping != "false" {
		faults = append(faults, fmt.Errorf("%s is neither true nor false", envWrapped))
	}
	_, err := readSecret(envSecretID, m.file)
	return errors.Join(append(faults, err)...)
}

func (m *byAppRole) credentials(ctx context.Context, anyone server) (map[string]any, error) {
	id := m.unwrapped
	if id == "" {
		var err error
		if id, err = readSecret(envSecretID, m.file); err != nil {
			return nil, err
		}
		if m.wrapping == "true" {
			if id, err = unwrap(ctx, anyone, id); err != nil {
				return nil, err
			}
			m.unwrapped = id
		}
	}
	return map[string]any{"role_id": m.roleID, "secret_id": id}, nil
}

// unwrap takes the secret id out of its wrapping. A wrapping that was made by anything but the issue of a secret id, or was
// opened before, is a sign of theft.
func unwrap(ctx context.Context, anyone server, token string) (string, error) {
	info, err := anyone.writeSecret(ctx, "sys/wrapping/lookup", map[string]any{"token": token})
	if answered(err, http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound) {
		return "", refusedLogin("unwrap %s: the wrapping token was used already or has ended; if none of yours used it, somebody else has the secret id: destroy it and issue another", envSecretID)
	}
	if err != nil {
		return "", err
	}
	path := ""
	if info != nil {
		path, _ = info.Data["creation_path"].(string)
	}
	if !strings.HasPrefix(path, "auth/") || !strings.HasSuffix(path, "/secret-id") {
		return "", refusedLogin("unwrap %s: the wrapping was not made by the issue of a secret id; somebody may have put it there", envSecretID)
	}
	holder, err := anyone.as(token)
	if err != nil {
		return "", err
	}
	secret, err := holder.writeSecret(ctx, "sys/wrapping/unwrap", nil)
	if err != nil {
		return "", err
	}
	if secret != nil {
		if id, ok := secret.Data["secret_id"].(string); ok && id != "" {
			return id, nil
		}
	}
	return "", refusedLogin("unwrap %s: there is no secret id in it", envSecretID)
}

// byKubernetes logs in with the token of a service account, which Kubernetes renews in its file.
type byKubernetes struct{ role, file string }

func (m *byKubernetes) check() error {
	var missing error
	if m.role == "" {
		missing = fmt.Errorf("%s is not set: set it to the worker's role of the Kubernetes auth method", envRole)
	}
	_, err := readSecret(envJWT, m.file)
	return errors.Join(missing, err)
}

func (m *byKubernetes) credentials(context.Context, server) (map[string]any, error) {
	jwt, err := readSecret(envJWT, m.file)
	if err != nil {
		return nil, err
	}
	return map[string]any{"role": m.role, "jwt": jwt}, nil
}
