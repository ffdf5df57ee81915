// Package oms reads and writes OpenSSF Model Signing bundles (https://github.com/ossf/model-signing-spec, v1.0) of the key
// method, which need no service: the files of a model by name and SHA-256, their root digest, and an ECDSA signature over
// both. It knows bytes and keys, and neither stores nor whom to trust.
package oms
