package oms_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/manifest"
	"firebreak/internal/manifest/dsse"
	"firebreak/internal/manifest/oms"
)

// signer holds a key of a test.
type signer struct {
	public *dsse.Key
	sign   func([]byte) ([]byte, error)
}

func newSigner(t testing.TB, curve elliptic.Curve) signer {
	t.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	public, err := dsse.NewKey(&private.PublicKey)
	require.NoError(t, err)
	return signer{public, func(message []byte) ([]byte, error) {
		if curve == elliptic.P384() {
			sum := sha512.Sum384(message)
			return ecdsa.SignASN1(rand.Reader, private, sum[:])
		}
		sum := sha256.Sum256(message)
		return ecdsa.SignASN1(rand.Reader, private, sum[:])
	}}
}

// statement signs any payload, also one that Sign would not write.
func (s signer) statement(t testing.TB, payload string) []byte {
	t.Helper()
	signature, err := s.sign(dsse.PAE(dsse.InToto, []byte(payload)))
	require.NoError(t, err)
	b := oms.Bundle{MediaType: oms.BundleMediaType, Envelope: &dsse.Envelope{
		PayloadType: dsse.InToto, Payload: []byte(payload), Signatures: []dsse.Signature{{Sig: signature}},
	}}
	b.VerificationMaterial.PublicKey = &oms.PublicKey{Hint: oms.Hint(s.public)}
	raw, err := json.Marshal(b)
	require.NoError(t, err)
	return raw
}

func file(name, content string) manifest.File {
	sum := sha256.Sum256([]byte(content))
	return manifest.File{Name: name, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(content))}
}

func files() []manifest.File {
	return []manifest.File{file("tokenizer.json", "t"), file("model.safetensors", "w"), file("lora/adapter.safetensors", "a")}
}

// The vector was made with the reference implementation, release 1.1.1, and its own key.
func TestVerifyOfTheReferenceImplementation(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/model-signing-1.1.1.sig")
	require.NoError(t, err)
	text, err := os.ReadFile("testdata/key.pem")
	require.NoError(t, err)
	key, err := dsse.ParseKey(text)
	require.NoError(t, err)
	b, err := oms.ParseBundle(raw)
	require.NoError(t, err)
	signed, err := b.Verify(key)
	require.NoError(t, err)
	require.Equal(t, "sha256:67fcf30250981caa7f55b4c582aa5c042960ca18e5f9fc194fa68de3ff4e69e3", signed.Root)
	require.Equal(t, "m", signed.Name)
	require.Len(t, signed.Files, 3)
	require.Empty(t, signed.Differences(signed.Files))
}

func TestSignAndVerify(t *testing.T) {
	t.Parallel()
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384()} {
		s, other := newSigner(t, curve), newSigner(t, curve)
		raw, err := oms.Sign("credit-scorer", files(), s.public, s.sign)
		require.NoError(t, err)
		b, err := oms.ParseBundle(raw)
		require.NoError(t, err)
		signed, err := b.Verify(other.public, s.public)
		require.NoError(t, err)
		root, err := manifest.Root(files())
		require.NoError(t, err)
		require.Equal(t, root, signed.Root)
		require.Equal(t, s.public.Fingerprint(), signed.Key)
		require.Empty(t, signed.Differences(files()))

		_, err = b.Verify(other.public)
		require.ErrorContains(t, err, "no trusted key signed it")
		_, err = b.Verify()
		require.ErrorContains(t, err, "no key is trusted")
		_, err = oms.Sign("credit-scorer", files(), other.public, s.sign)
		require.ErrorContains(t, err, "not by this key", "what a signer returns is checked")
	}
}

func TestDifferencesNameEveryFile(t *testing.T) {
	t.Parallel()
	s := newSigner(t, elliptic.P256())
	raw, err := oms.Sign("m", files(), s.public, s.sign)
	require.NoError(t, err)
	b, err := oms.ParseBundle(raw)
	require.NoError(t, err)
	signed, err := b.Verify(s.public)
	require.NoError(t, err)
	got := signed.Differences([]manifest.File{file("tokenizer.json", "another"), file("model.safetensors", "w"), file("run.py", "x")})
	require.Len(t, got, 3)
	require.Equal(t, "lora/adapter.safetensors is signed but missing", got[0])
	require.Equal(t, "run.py is not signed", got[1])
	require.Contains(t, got[2], "tokenizer.json hashes to ")
}

// A statement that a trusted key signed is still checked: its signer may have been used for something else.
func TestVerifyRefusesStatements(t *testing.T) {
	t.Parallel()
	s := newSigner(t, elliptic.P256())
	raw, err := oms.Sign("m", files(), s.public, s.sign)
	require.NoError(t, err)
	b, err := oms.ParseBundle(raw)
	require.NoError(t, err)
	good := string(b.Envelope.Payload)
	tests := map[string]struct{ payload, want string }{
		"another statement type":   {strings.Replace(good, "Statement/v1", "Statement/v0.1", 1), "statement type"},
		"another predicate type":   {strings.Replace(good, "signature/v1.0", "signature/v2.0", 1), "predicate type"},
		"no predicate":             {`{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://model_signing/signature/v1.0"}`, "no predicate"},
		"no subject":               {strings.Replace(good, `"subject":[{`, `"subject":[],"x":[{`, 1), "0 subjects"},
		"a repeated key":           {strings.Replace(good, `"predicateType"`, `"_Type":"x","predicateType"`, 1), "occurs twice"},
		"shards":                   {strings.Replace(good, `"method":"files"`, `"method":"shards"`, 1), `method "shards" is not supported`},
		"another hash":             {strings.Replace(good, `"hash_type":"sha256"`, `"hash_type":"blake3"`, 1), `hash type "blake3"`},
		"another hash of one file": {strings.Replace(good, `"algorithm":"sha256"`, `"algorithm":"md5"`, 1), `hashed with "md5"`},
		"symbolic links":           {strings.Replace(good, `"allow_symlinks":false`, `"allow_symlinks":true`, 1), "symbolic links"},
		"a name that climbs":       {strings.Replace(good, "tokenizer.json", "../tokenizer.json", 1), "not a clean relative path"},
		"an absolute name":         {strings.Replace(good, "tokenizer.json", "/tokenizer.json", 1), "not a clean relative path"},
		"a name in other words":    {strings.Replace(good, "tokenizer.json", "./tokenizer.json", 1), "not a clean relative path"},
		"a name that occurs twice": {strings.Replace(good, "tokenizer.json", "model.safetensors", 1), "listed twice"},
		"another root digest":      {strings.Replace(good, `"digest":{"sha256":"`, `"digest":{"sha256":"00`, 1), "its subject says"},
		"upper-case digests":       {strings.Replace(good, file("tokenizer.json", "t").SHA256, strings.ToUpper(file("tokenizer.json", "t").SHA256), 1), "not lower-case hexadecimal"},
		"a digest that is none":    {strings.Replace(good, file("tokenizer.json", "t").SHA256, "abcd", 1), "no SHA-256 digest"},
		"something behind":         {good + "{}", "something follows"},
		"nothing":                  {"", "read JSON"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NotEqual(t, good, tt.payload)
			b, err := oms.ParseBundle(s.statement(t, tt.payload))
			require.NoError(t, err)
			_, err = b.Verify(s.public)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestParseBundleRefuses(t *testing.T) {
	t.Parallel()
	s := newSigner(t, elliptic.P256())
	raw, err := oms.Sign("m", files(), s.public, s.sign)
	require.NoError(t, err)
	good := string(raw)
	tests := map[string]struct{ text, want string }{
		"another media type":     {strings.Replace(good, "dev.sigstore", "dev.another", 1), "not that of a Sigstore bundle"},
		"a later version":        {strings.Replace(good, "v0.3", "v9.0", 1), "version that is not known"},
		"a certificate":          {strings.Replace(good, `"publicKey"`, `"certificate":{"rawBytes":"eA=="},"publicKey"`, 1), "only the key method"},
		"a chain":                {strings.Replace(good, `"publicKey"`, `"x509CertificateChain":{},"publicKey"`, 1), "only the key method"},
		"no key":                 {strings.Replace(good, `"publicKey"`, `"public"`, 1), "names no public key"},
		"no envelope":            {strings.Replace(good, `"dsseEnvelope"`, `"messageSignature"`, 1), "no DSSE envelope"},
		"two signatures":         {strings.Replace(good, `"signatures":[`, `"signatures":[{"sig":"eA=="},`, 1), "has 2 signatures"},
		"another payload type":   {strings.Replace(good, "vnd.in-toto", "vnd.another", 1), "its payload is"},
		"base64 that is none":    {strings.Replace(good, `"payload":"`, `"payload":"*`, 1), "base64"},
		"a repeated key":         {strings.Replace(good, `"dsseEnvelope"`, `"MEDIATYPE":"x","dsseEnvelope"`, 1), "occurs twice"},
		"something behind":       {good + " {}", "something follows"},
		"a deep document":        {strings.Repeat("[", 1000), "deeper than"},
		"a document that is cut": {good[:len(good)/2], "read JSON"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NotEqual(t, good, tt.text)
			_, err := oms.ParseBundle([]byte(tt.text))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// Bundles of earlier releases have no hint, a null key id and the key itself.
func TestVerifyOfAnEarlierRelease(t *testing.T) {
	t.Parallel()
	s := newSigner(t, elliptic.P256())
	raw, err := oms.Sign("m", files(), s.public, s.sign)
	require.NoError(t, err)
	old := strings.Replace(string(raw), `"hint":"`+oms.Hint(s.public)+`"`, `"rawBytes":"`+base64.StdEncoding.EncodeToString(s.public.PEM())+`","keyDetails":"PKIX_ECDSA_P256_SHA_256"`, 1)
	old = strings.Replace(old, `"keyid":""`, `"keyid":null`, 1)
	b, err := oms.ParseBundle([]byte(old))
	require.NoError(t, err)
	_, err = b.Verify(s.public)
	require.NoError(t, err)
	_, err = b.Verify(newSigner(t, elliptic.P256()).public)
	require.ErrorContains(t, err, "no trusted key signed it", "the key in the bundle proves nothing")
}

func FuzzBundle(f *testing.F) {
	raw, err := os.ReadFile("testdata/model-signing-1.1.1.sig")
	require.NoError(f, err)
	f.Add(raw)
	s := newSigner(f, elliptic.P256())
	ours, err := oms.Sign("m", files(), s.public, s.sign)
	require.NoError(f, err)
	f.Add(ours)
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{}},"dsseEnvelope":{"signatures":[{}]}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		b, err := oms.ParseBundle(content)
		if err != nil {
			return
		}
		if signed, err := b.Verify(s.public); err == nil {
			require.Empty(t, signed.Differences(files()), "only what was signed verifies")
		}
	})
}

// FuzzStatement signs whatever it is given: no payload may bring the reader down, and what it accepts is consistent.
func FuzzStatement(f *testing.F) {
	s := newSigner(f, elliptic.P256())
	ours, err := oms.Sign("m", files(), s.public, s.sign)
	require.NoError(f, err)
	b, err := oms.ParseBundle(ours)
	require.NoError(f, err)
	f.Add(b.Envelope.Payload)
	f.Fuzz(func(t *testing.T, payload []byte) {
		signature, err := s.sign(dsse.PAE(dsse.InToto, payload))
		require.NoError(t, err)
		b := oms.Bundle{MediaType: oms.BundleMediaType, Envelope: &dsse.Envelope{PayloadType: dsse.InToto, Payload: payload, Signatures: []dsse.Signature{{Sig: signature}}}}
		b.VerificationMaterial.PublicKey = &oms.PublicKey{}
		signed, err := b.Verify(s.public)
		if err != nil {
			return
		}
		root, err := manifest.Root(signed.Files)
		require.NoError(t, err)
		require.Equal(t, root, signed.Root)
	})
}
