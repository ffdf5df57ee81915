package litellmfake

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// newRow is a key with LiteLLM's defaults.
func newRow(fields map[string]any) row {
	r := row{"aliases": json.RawMessage("{}"), "models": json.RawMessage("[]"), "spend": json.RawMessage("0.0"), "metadata": json.RawMessage("{}")}
	for _, name := range []string{"rpm_limit", "tpm_limit", "max_parallel_requests", "blocked", "max_budget", "budget_duration", "expires", "user_id", "team_id", "key_alias", "last_active"} {
		r[name] = json.RawMessage("null")
	}
	for name, v := range fields {
		r[name] = encode(v)
	}
	return r
}

// read returns a key as reads see it.
func (g *Gateway) read(hash string) row {
	now := time.Now()
	g.before = slices.DeleteFunc(g.before, func(s snapshot) bool { return now.After(s.until) })
	if len(g.before) > 0 {
		return g.before[0].rows[hash]
	}
	return g.rows[hash]
}

// write changes the database; a replica goes on for a while with what it had.
func (g *Gateway) write(hash string, r row) {
	if g.lag > 0 {
		g.before = append(g.before, snapshot{until: time.Now().Add(g.lag), rows: maps.Clone(g.rows)})
	}
	if r == nil {
		delete(g.rows, hash)
		return
	}
	g.rows[hash] = r
}

func (g *Gateway) info(hash string) answer {
	r := g.read(hash)
	if r == nil {
		return refused(http.StatusNotFound, "Key not found in database")
	}
	return ok(map[string]any{"key": hash, "info": r})
}

func (g *Gateway) generate(in map[string]json.RawMessage, actor string) answer {
	alias := row(in).text("key_alias")
	for _, r := range g.rows {
		if alias != "" && r.text("key_alias") == alias {
			return refused(http.StatusBadRequest, fmt.Sprintf("Key with alias '%s' already exists. Unique key aliases across all keys are required.", alias))
		}
	}
	g.issued++
	key := fmt.Sprintf("sk-issued-%08d", g.issued)
	fields := map[string]any{}
	for name, v := range in {
		fields[name] = v
	}
	delete(fields, "duration")
	fields["expires"] = time.Now().Add(90 * 24 * time.Hour).UTC().Format(time.RFC3339)
	g.rows[Hash(key)] = newRow(fields)
	g.audit = append(g.audit, actor+" created "+alias)
	return ok(map[string]any{"key": key, "token": Hash(key), "key_alias": alias})
}

func (g *Gateway) remove(in map[string]json.RawMessage, actor string) answer {
	var hashes, names []string
	_ = json.Unmarshal(in["keys"], &hashes)
	_ = json.Unmarshal(in["key_aliases"], &names)
	for hash, r := range g.rows {
		if slices.Contains(names, r.text("key_alias")) {
			hashes = append(hashes, hash)
		}
	}
	if !slices.ContainsFunc(hashes, func(h string) bool { return g.rows[h] != nil }) {
		return refused(http.StatusNotFound, "{'error': 'No keys found'}")
	}
	for _, h := range hashes {
		g.audit = append(g.audit, actor+" deleted "+g.rows[h].text("key_alias"))
		g.write(h, nil)
		for _, c := range g.caches {
			delete(c, h)
		}
	}
	return ok(map[string]any{"deleted_keys": hashes})
}

// change updates, blocks or lets in. It ends the cache of this instance alone.
func (g *Gateway) change(i int, call string, in map[string]json.RawMessage, actor string) answer {
	hash := row(in).text("key")
	if strings.HasPrefix(hash, "sk-") {
		hash = Hash(hash)
	}
	old := g.rows[hash]
	if old == nil {
		return refused(http.StatusNotFound, "Key not found.")
	}
	r := maps.Clone(old)
	switch call {
	case "POST /key/block":
		r["blocked"] = json.RawMessage("true")
	case "POST /key/unblock":
		r["blocked"] = json.RawMessage("false")
	default:
		for name, v := range in {
			if name != "key" {
				r[name] = v
			}
		}
	}
	g.write(hash, r)
	if !g.stale {
		delete(g.caches[i], hash)
	}
	g.audit = append(g.audit, actor+" "+strings.TrimPrefix(call, "POST /key/")+" "+hash[:8])
	return ok(r)
}
