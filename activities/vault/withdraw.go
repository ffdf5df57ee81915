package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// Withdraw is the action vault.withdraw, which deletes versions of a secret in KV v2 so that they can be undeleted, and
// vault.destroy, which removes their data for good. Neither ends what the secret opens: KV knows no leases, and a copy
// that somebody read stays valid until it is rotated where it was issued.
type Withdraw struct {
	action
	server  server
	destroy bool
}

// NewWithdraw returns the action vault.withdraw for a Vault.
func NewWithdraw(client *api.Client) *Withdraw {
	w := &Withdraw{server: server{client: client}}
	w.action = action{of: w.credential, do: "withdraw secret", verify: "verify withdrawal of secret", undo: "restore secret"}
	return w
}

// NewDestroy returns the action vault.destroy for a Vault.
func NewDestroy(client *api.Client) *Withdraw {
	w := &Withdraw{server: server{client: client}, destroy: true}
	w.action = action{of: w.credential, do: "destroy secret", verify: "verify destruction of secret", undo: "restore secret"}
	return w
}

func (w *Withdraw) credential(op *playbooks.Operation) (credential, error) {
	t := op.Target.Credential
	if t == nil {
		return nil, failure.New(failure.Invalid, "target %s is not a credential", op.Target.ID)
	}
	if t.Vault.Path == "" {
		return nil, failure.New(failure.Unsupported, "credential %s is not kept in KV: it has no vault.path", t.ID)
	}
	mount := strings.Trim(t.Vault.Mount, "/")
	for key, value := range map[string]string{"mount": mount, "path": t.Vault.Path} {
		if err := checkPath(t, key, value); err != nil {
			return nil, err
		}
	}
	return &stored{server: w.server, of: t, destroy: w.destroy, mount: mount, path: strings.Trim(t.Vault.Path, "/")}, nil
}

// stored is a secret in KV v2.
type stored struct {
	server  server
	of      *inventory.Credential
	destroy bool

	mount, path string
}

// storedState is Capture.State of a secret: never the secret.
type storedState struct {
	Versions []storedVersion `json:"versions"`
}

// storedVersion is one version as its metadata describe it.
type storedVersion struct {
	Number    int       `json:"version"`
	Created   time.Time `json:"created_time"`
	Deleted   bool      `json:"deleted,omitempty"`
	Destroyed bool      `json:"destroyed,omitempty"`
	// Readable is true if the version could be read before: its keys were, without their values.
	Readable bool `json:"readable,omitempty"`
}

// gone reports whether the version is as the act leaves it.
func (k *stored) gone(v storedVersion) bool { return v.Destroyed || v.Deleted && !k.destroy }

// at is the path of one of the engine's functions.
func (k *stored) at(function string) string { return k.mount + "/" + function + "/" + k.path }

// versions reads those that the inventory names, or all, by number.
func (k *stored) versions(ctx context.Context) ([]storedVersion, error) {
	raw, err := k.server.readExact(ctx, k.at("metadata"))
	if err != nil {
		return nil, err
	}
	if raw == "" {
		return nil, failure.New(failure.Invalid, "read %s: there is no such secret", k.at("metadata"))
	}
	var metadata struct {
		Versions map[string]struct {
			Created   time.Time `json:"created_time"`
			Deletion  string    `json:"deletion_time"`
			Destroyed bool      `json:"destroyed"`
		} `json:"versions"`
	}
	if err := json.Unmarshal([]byte(raw), &metadata); err != nil {
		return nil, fmt.Errorf("read %s: decode versions: %w", k.at("metadata"), err)
	}
	var out []storedVersion
	for text, v := range metadata.Versions {
		number, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("read %s: %q is not a version", k.at("metadata"), text)
		}
		if named := k.of.Vault.Versions; len(named) > 0 && !slices.Contains(named, number) {
			continue
		}
		// A version may be set to be deleted later.
		at, err := time.Parse(time.RFC3339, v.Deletion)
		out = append(out, storedVersion{Number: number, Created: v.Created, Deleted: err == nil && !at.After(time.Now()), Destroyed: v.Destroyed})
	}
	slices.SortFunc(out, func(a, b storedVersion) int { return a.Number - b.Number })
	return out, nil
}

// readable asks for the keys of a version, which are refused as its values are: so the worker never reads the secret.
func (k *stored) readable(ctx context.Context, number int) (bool, error) {
	path := k.at("subkeys")
	secret, err := k.server.client.Logical().ReadWithDataWithContext(ctx, path, map[string][]string{"version": {strconv.Itoa(number)}})
	if err != nil {
		err = k.server.explain(ctx, call{verb: "read", path: path, capability: "read"}, err)
		if answered(err, http.StatusNotFound) {
			return false, nil
		}
		return false, err
	}
	return secret != nil && secret.Data["subkeys"] != nil, nil
}

func (k *stored) capture(ctx context.Context) (string, any, error) {
	versions, err := k.versions(ctx)
	if err != nil {
		return "", nil, err
	}
	open := 0
	for i := range versions {
		if versions[i].Readable, err = k.readable(ctx, versions[i].Number); err != nil {
			return "", nil, err
		}
		if versions[i].Readable {
			open++
		}
	}
	return fmt.Sprintf("%d versions of %s, %d of them can be read; their values were not", len(versions), k.at("data"), open), storedState{Versions: versions}, nil
}

func (k *stored) do(ctx context.Context, raw json.RawMessage) (*incident.Effect, error) {
	state, err := decode[storedState](raw)
	if err != nil {
		return nil, err
	}
	now, err := k.versions(ctx)
	if err != nil {
		return nil, err
	}
	// A version written since is the owner's new secret.
	var numbers []int
	for _, v := range now {
		if !k.gone(v) && state.has(v.Number) {
			numbers = append(numbers, v.Number)
		}
	}
	function, done := "delete", "withdrawn"
	if k.destroy {
		function, done = "destroy", "destroyed"
	}
	facts := map[string]string{"versions": strconv.Itoa(len(numbers))}
	if len(numbers) == 0 {
		return &incident.Effect{Summary: fmt.Sprintf("the versions of %s were %s already", k.at("data"), done), Facts: facts}, nil
	}
	if _, err := k.server.write(ctx, k.at(function), map[string]any{"versions": numbers}); err != nil {
		return nil, err
	}
	return &incident.Effect{Summary: fmt.Sprintf("%d versions of %s %s; %s", len(numbers), k.at("data"), done, k.copies()), Changed: true, Facts: facts}, nil
}

func (s storedState) has(number int) bool {
	return slices.ContainsFunc(s.Versions, func(v storedVersion) bool { return v.Number == number })
}

// copies says what withdrawing a secret cannot do.
func (k *stored) copies() string {
	return "copies that were read stay valid until the secret is rotated where it is issued; " + reissue(k.of)
}

func (k *stored) verify(ctx context.Context, p past) (*findings, error) {
	state, err := decode[storedState](p.state)
	if err != nil {
		return nil, err
	}
	found := newFindings()
	now, err := k.versions(ctx)
	if err != nil {
		return nil, err
	}
	for _, v := range now {
		if !state.has(v.Number) {
			continue
		}
		fact := fmt.Sprintf("version %d", v.Number)
		readable, err := k.readable(ctx, v.Number)
		switch {
		case err != nil:
			return nil, err
		case !k.gone(v):
			found.fails(fact, fact+" is still there")
		case readable:
			found.fails(fact, fact+" can still be read")
		default:
			found.holds(fact, fact+" cannot be read")
		}
	}
	if !found.failed {
		found.leaves("copies", k.copies())
	}
	return found, nil
}

func (k *stored) undo(ctx context.Context, raw json.RawMessage) (*incident.Effect, error) {
	state, err := decode[storedState](raw)
	if err != nil {
		return nil, err
	}
	if k.destroy {
		return &incident.Effect{Summary: "nothing to restore: destroyed versions stay destroyed; " + reissue(k.of)}, nil
	}
	now, err := k.versions(ctx)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, v := range now {
		was := slices.IndexFunc(state.Versions, func(w storedVersion) bool { return w.Number == v.Number })
		if was < 0 || state.Versions[was].Deleted || state.Versions[was].Destroyed {
			continue
		}
		if v.Destroyed {
			return nil, failure.New(failure.TargetChanged, "version %d of %s was destroyed since and cannot be restored", v.Number, k.at("data"))
		}
		if v.Deleted {
			numbers = append(numbers, v.Number)
		}
	}
	if len(numbers) == 0 {
		return &incident.Effect{Summary: "every version of " + k.at("data") + " is as it was"}, nil
	}
	if _, err := k.server.write(ctx, k.at("undelete"), map[string]any{"versions": numbers}); err != nil {
		return nil, err
	}
	return &incident.Effect{Summary: fmt.Sprintf("%d versions of %s can be read as before", len(numbers), k.at("data")), Changed: true}, nil
}
