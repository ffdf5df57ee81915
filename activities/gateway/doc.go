// Package gateway acts on the consumers of endpoints where a gateway knows them by their keys: it slows them down, takes
// fields from their answers, blocks them and lets them in again. The gateway is LiteLLM's proxy.
//
// A key itself is nowhere here: consumers are named by the SHA-256 of their keys. What a gateway says of itself is no proof,
// because each of its instances goes on for a while by what it knew of a key. So every act is done to a second key of
// firebreak's own too, the canary, which is used before and after on every instance; it is recorded as Vault transit
// ciphertext. A third key, to which nothing is done, shows that everybody else is served as before.
package gateway
