package vault

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/hashicorp/vault/api"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// Rotate is the action vault.rotate: it gives a transit key a new version and lets nothing be decrypted any more that was
// encrypted with an older one. What has to stay readable must be rewrapped before. Undo lowers the bar again.
type Rotate struct {
	action
	server server
	// own is the key that keeps firebreak's canaries.
	own string
}

// NewRotate returns the action for a Vault. ownKey is the transit key of firebreak itself, which is never rotated.
func NewRotate(client *api.Client, ownKey string) *Rotate {
	r := &Rotate{server: server{client: client}, own: ownKey}
	r.action = action{of: r.credential, do: "rotate key", verify: "verify rotation of key", undo: "restore settings of key"}
	return r
}

func (r *Rotate) credential(op *playbooks.Operation) (credential, error) {
	t := op.Target.Credential
	if t == nil {
		return nil, failure.New(failure.Invalid, "target %s is not a credential", op.Target.ID)
	}
	if t.Kind != kindTransit {
		return nil, failure.New(failure.Unsupported, "credential %s is of kind %s, not %s: it has no versions to rotate", t.ID, t.Kind, kindTransit)
	}
	mount := strings.Trim(t.Vault.Mount, "/")
	for key, value := range map[string]string{"mount": mount, "key": t.Vault.Key} {
		if err := checkPath(t, key, value); err != nil {
			return nil, err
		}
	}
	if mount == transitMount && t.Vault.Key == r.own {
		return nil, failure.New(failure.Refused, "key %s keeps firebreak's own canaries and is never rotated by a playbook", t.ID)
	}
	return &transitKey{server: r.server, of: t, mount: mount, name: t.Vault.Key}, nil
}

// transitKey is a key of the transit engine.
type transitKey struct {
	server server
	of     *inventory.Credential

	mount, name string
}

// transitKeyState is Capture.State of a key. Canary is ciphertext of random bytes.
type transitKeyState struct {
	keySettings
	Canary string `json:"canary"`
	// Context is what a derived key needs beside its ciphertext.
	Context string `json:"context,omitempty"`
}

// keySettings are what a rotation changes.
type keySettings struct {
	Latest        int  `json:"latest_version"`
	MinDecryption int  `json:"min_decryption_version"`
	MinEncryption int  `json:"min_encryption_version"`
	Derived       bool `json:"derived,omitempty"`
	Encrypts      bool `json:"supports_encryption"`
}

// wanted is the version from which on ciphertext may be decrypted.
func (s transitKeyState) wanted() int { return s.Latest + 1 }

func (k *transitKey) path() string { return k.mount + "/keys/" + k.name }

func (k *transitKey) settings(ctx context.Context) (keySettings, error) {
	var out keySettings
	raw, err := k.server.readExact(ctx, k.path())
	if err != nil {
		return out, err
	}
	if raw == "" {
		return out, failure.New(failure.Invalid, "read %s: there is no such key", k.path())
	}
	if err := json.Unmarshal([]byte(raw), &out); err != nil || out.Latest < 1 {
		return out, fmt.Errorf("read %s: the answer has no versions", k.path())
	}
	return out, nil
}

func (k *transitKey) capture(ctx context.Context) (string, any, error) {
	settings, err := k.settings(ctx)
	if err != nil {
		return "", nil, err
	}
	if !settings.Encrypts {
		return "", nil, failure.New(failure.Unsupported, "key %s only signs: rotate it by hand and distribute the new public key", k.path())
	}
	state := transitKeyState{keySettings: settings}
	if settings.Derived {
		state.Context = base64.StdEncoding.EncodeToString([]byte("firebreak"))
	}
	if state.Canary, err = k.encrypt(ctx, state.Context); err != nil {
		return "", nil, err
	}
	refused, err := k.refused(ctx, state.Canary, state.Context)
	if err != nil {
		return "", nil, err
	}
	if refused {
		return "", nil, fmt.Errorf("rewrap with %s: what was encrypted a moment ago is refused", k.path())
	}
	return fmt.Sprintf("key %s has version %d, and opens ciphertext of version %d and later; rewrap what must stay readable before its rotation is approved (%s/rewrap/%s): afterwards it cannot be",
		k.path(), settings.Latest, settings.MinDecryption, k.mount, k.name), state, nil
}

func (k *transitKey) encrypt(ctx context.Context, derivation string) (string, error) {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never returns an error
	path := k.mount + "/encrypt/" + k.name
	secret, err := k.server.writeSecret(ctx, path, withContext(map[string]any{"plaintext": base64.StdEncoding.EncodeToString(random)}, derivation))
	if err != nil {
		return "", err
	}
	if secret != nil {
		if text, ok := secret.Data["ciphertext"].(string); ok {
			return text, nil
		}
	}
	return "", fmt.Errorf("write %s: the answer has no ciphertext", path)
}

func withContext(body map[string]any, derivation string) map[string]any {
	if derivation != "" {
		body["context"] = derivation
	}
	return body
}

// refused rewraps, which decrypts as decryption does and never shows what was encrypted: so the worker needs no right to
// read anything.
func (k *transitKey) refused(ctx context.Context, ciphertext, derivation string) (bool, error) {
	_, err := k.server.write(ctx, k.mount+"/rewrap/"+k.name, withContext(map[string]any{"ciphertext": ciphertext}, derivation))
	if answered(err, http.StatusBadRequest) {
		return true, nil
	}
	return false, err
}

func (k *transitKey) do(ctx context.Context, raw json.RawMessage) (*incident.Effect, error) {
	state, err := decode[transitKeyState](raw)
	if err != nil {
		return nil, err
	}
	now, err := k.settings(ctx)
	if err != nil {
		return nil, err
	}
	want, rotated := state.wanted(), now.Latest <= state.Latest
	if rotated {
		if _, err := k.server.write(ctx, k.path()+"/rotate", nil); err != nil {
			return nil, err
		}
	}
	raised := now.MinDecryption < want
	if raised {
		change := map[string]any{"min_decryption_version": want}
		if now.MinEncryption != 0 && now.MinEncryption < want {
			change["min_encryption_version"] = want
		}
		if _, err := k.server.write(ctx, k.path()+"/config", change); err != nil {
			return nil, err
		}
	}
	facts := map[string]string{"rotated": strconv.FormatBool(rotated), "min_decryption_version": strconv.Itoa(max(want, now.MinDecryption))}
	if !rotated && !raised {
		return &incident.Effect{Summary: fmt.Sprintf("key %s opened nothing older than version %d already", k.path(), want), Facts: facts}, nil
	}
	return &incident.Effect{
		Summary: fmt.Sprintf("key %s has a new version, and opens nothing older than version %d: data that was not rewrapped cannot be read", k.path(), want),
		Changed: true, Facts: facts,
	}, nil
}

func (k *transitKey) verify(ctx context.Context, p past) (*findings, error) {
	state, err := decode[transitKeyState](p.state)
	if err != nil {
		return nil, err
	}
	found := newFindings()
	now, err := k.settings(ctx)
	if err != nil {
		return nil, err
	}
	if said := fmt.Sprintf("key %s opens ciphertext of version %d and later", k.path(), now.MinDecryption); now.MinDecryption < state.wanted() {
		found.fails("versions", said)
	} else {
		found.holds("versions", said)
	}
	refused, err := k.refused(ctx, state.Canary, state.Context)
	switch {
	case err != nil:
		return nil, err
	case !refused:
		found.fails("use", "ciphertext of an older version can still be opened")
		return found, nil
	}
	// A key that opens nothing at all would refuse the canary, too.
	fresh, err := k.encrypt(ctx, state.Context)
	if err != nil {
		return nil, err
	}
	if refused, err = k.refused(ctx, fresh, state.Context); err != nil {
		return nil, err
	}
	if refused {
		found.fails("use", "ciphertext of the newest version is refused, too: the key opens nothing")
	} else {
		found.holds("use", "ciphertext made before the rotation could be opened before and is refused now; what is encrypted now can be opened")
	}
	return found, nil
}

func (k *transitKey) undo(ctx context.Context, raw json.RawMessage) (*incident.Effect, error) {
	state, err := decode[transitKeyState](raw)
	if err != nil {
		return nil, err
	}
	now, err := k.settings(ctx)
	if err != nil {
		return nil, err
	}
	summary := fmt.Sprintf("key %s opens ciphertext of version %d and later, as before; its new version stays", k.path(), state.MinDecryption)
	if now.MinDecryption == state.MinDecryption && now.MinEncryption == state.MinEncryption {
		return &incident.Effect{Summary: summary}, nil
	}
	if now.MinDecryption != state.wanted() {
		return nil, failure.New(failure.TargetChanged, "key %s opens ciphertext of version %d and later by now, which somebody else set; it is not changed", k.path(), now.MinDecryption)
	}
	change := map[string]any{"min_decryption_version": state.MinDecryption, "min_encryption_version": state.MinEncryption}
	if _, err := k.server.write(ctx, k.path()+"/config", change); err != nil {
		return nil, err
	}
	return &incident.Effect{Summary: summary, Changed: true}, nil
}
