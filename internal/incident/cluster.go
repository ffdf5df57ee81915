package incident

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
)

// ClusterField is the field of an alert that names the keys of a cluster: hashes, separated by spaces or commas.
const ClusterField = "firebreak_cluster"

// keyHash is how gateways name a key without holding it: the hexadecimal SHA-256 of the key.
var keyHash = regexp.MustCompile(`^[0-9a-f]{64}$`)

// IsKeyHash reports whether s is the hexadecimal SHA-256 of a key, in lower case.
func IsKeyHash(s string) bool { return keyHash.MatchString(s) }

// HashKeys rewrites a list of keys, separated by commas or spaces, so that it can be kept: what is written as a key itself
// is replaced by its SHA-256, which is what gateways know it by.
func HashKeys(list string) string {
	keys := splitKeys(list)
	for i, k := range keys {
		if strings.HasPrefix(k, "sk-") {
			sum := sha256.Sum256([]byte(k))
			keys[i] = hex.EncodeToString(sum[:])
		}
	}
	return strings.Join(keys, " ")
}

// ParseCluster reads a list of hashed keys, each once and in order. Malformed counts what is none, e.g. a hash that was
// cut: its text is not repeated, because it may be a key.
func ParseCluster(list string) (keys []string, malformed int) {
	for _, k := range splitKeys(list) {
		switch k = strings.ToLower(k); {
		case !IsKeyHash(k):
			malformed++
		case !slices.Contains(keys, k):
			keys = append(keys, k)
		}
	}
	return keys, malformed
}

func splitKeys(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' })
}

// ShortKey abbreviates the hash of a key for people.
func ShortKey(hash string) string {
	const digits = 12
	if len(hash) <= digits {
		return hash
	}
	return hash[:digits]
}
