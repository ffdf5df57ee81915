package vault

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

func (f *fakeVault) accessors(w http.ResponseWriter, path string, body map[string]any) {
	if path == "accessors" {
		var keys []string
		for _, t := range f.tokens {
			keys = append(keys, t["accessor"].(string))
		}
		list(w, keys)
		return
	}
	for token, t := range f.tokens {
		if t["accessor"] != body["accessor"] {
			continue
		}
		if path == "lookup-accessor" {
			reply(w, t)
			return
		}
		delete(f.tokens, token)
		f.did(w, fmt.Sprint("revoke accessor ", body["accessor"]))
		return
	}
	if path == "revoke-accessor" {
		write(w, map[string]any{"warnings": []string{"No token found with this accessor"}})
		return
	}
	refuse(w, 400, "invalid accessor")
}

func (f *fakeVault) transit(w http.ResponseWriter, path string, body map[string]any) {
	if strings.HasPrefix(path, "transit/encrypt/") {
		f.sealed = append(f.sealed, body["plaintext"].(string))
		reply(w, map[string]any{"ciphertext": fmt.Sprintf("vault:v1:%d", len(f.sealed)-1)})
		return
	}
	var at int
	if _, err := fmt.Sscanf(fmt.Sprint(body["ciphertext"]), "vault:v1:%d", &at); err != nil || at >= len(f.sealed) {
		refuse(w, 400, "invalid ciphertext")
		return
	}
	reply(w, map[string]any{"plaintext": f.sealed[at]})
}

func (f *fakeVault) appRole(w http.ResponseWriter, method, path string, raw []byte, body map[string]any) {
	const role = "auth/approle/role/ci"
	switch {
	case path == role:
		if method != http.MethodGet {
			f.spent = map[string]bool{}
			f.roleID = f.secret("role-id")
		}
		f.role(w, method, path, raw)
	case f.roles[role] == "":
		refuse(w, 400, "invalid role or secret ID")
	case path == role+"/role-id" && method == http.MethodGet:
		reply(w, map[string]any{"role_id": f.roleID})
	case path == role+"/role-id":
		f.roleID = body["role_id"].(string)
		f.did(w, "write role-id")
	case method == "LIST":
		list(w, slices.Collect(maps.Keys(f.spent)))
	case path == role+"/secret-id":
		id := f.secret("secret-id")
		f.spent[id] = false
		reply(w, map[string]any{"secret_id": id})
	default:
		id, _ := body["secret_id"].(string)
		if spent, known := f.spent[id]; !known || spent || body["role_id"] != f.roleID {
			refuse(w, 400, "invalid role or secret ID")
			return
		}
		f.spent[id] = true
		accessor := fmt.Sprintf("login-%d", f.serial)
		token := f.newToken(accessor, "auth/approle/login", "ci")
		write(w, map[string]any{"auth": map[string]any{"client_token": token, "accessor": accessor}})
	}
}
