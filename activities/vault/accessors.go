package vault

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/vault/api"
)

// lookups is how many accessors are looked up at a time: Vault has no index from a role to its tokens.
const lookups = 16

// tokens returns the accessors of the live tokens that logins with the role gave out, sorted. Batch tokens have no
// accessor and are not among them.
func (a *appRole) tokens(ctx context.Context) ([]string, error) {
	all, err := a.server.list(ctx, "auth/token/accessors")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		workers sync.WaitGroup
		mu      sync.Mutex
		mine    []string
		first   error
		queue   = make(chan string)
	)
	for range min(lookups, len(all)) {
		workers.Go(func() {
			for accessor := range queue {
				alive, err := a.isAlive(ctx, accessor)
				mu.Lock()
				if err != nil && first == nil {
					first = err
					cancel()
				}
				if alive {
					mine = append(mine, accessor)
				}
				mu.Unlock()
			}
		})
	}
	for _, accessor := range all {
		queue <- strings.TrimSuffix(accessor, "/")
	}
	close(queue)
	workers.Wait()
	slices.Sort(mine)
	return mine, first
}

// isAlive reports whether an accessor leads to a live token that came from a login with the role.
func (a *appRole) isAlive(ctx context.Context, accessor string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	secret, err := a.server.accessor(ctx, accessor)
	if err != nil || secret == nil {
		return false, err
	}
	return a.issued(secret), nil
}

// issued reports whether a looked-up token came from a login with the role.
func (a *appRole) issued(token *api.Secret) bool {
	meta, _ := token.Data["meta"].(map[string]any)
	return token.Data["path"] == a.mount+"/login" && meta["role_name"] == a.name
}
