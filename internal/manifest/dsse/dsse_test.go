package dsse_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/pem"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/manifest/dsse"
)

// The example of the protocol's own page.
func TestPAE(t *testing.T) {
	t.Parallel()
	require.Equal(t, "DSSEv1 29 http://example.com/HelloWorld 11 hello world", string(dsse.PAE("http://example.com/HelloWorld", []byte("hello world"))))
	require.Equal(t, "DSSEv1 0  0 ", string(dsse.PAE("", nil)))
	require.NotEqual(t, dsse.PAE("a", []byte("1 b")), dsse.PAE("a 3 1", []byte("b")), "where the type ends is signed too")
}

type signer struct {
	key  *dsse.Key
	sign func(message []byte) []byte
}

func signers(t *testing.T) map[string]signer {
	t.Helper()
	out := map[string]signer{}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	k, err := dsse.NewKey(public)
	require.NoError(t, err)
	out["ed25519"] = signer{k, func(m []byte) []byte { return ed25519.Sign(private, m) }}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	k, err = dsse.NewKey(&ec.PublicKey)
	require.NoError(t, err)
	out["ecdsa-p256"] = signer{k, func(m []byte) []byte {
		sum := sha256.Sum256(m)
		sig, err := ecdsa.SignASN1(rand.Reader, ec, sum[:])
		require.NoError(t, err)
		return sig
	}}
	return out
}

func TestVerify(t *testing.T) {
	t.Parallel()
	for name, s := range signers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := dsse.Envelope{PayloadType: dsse.InToto, Payload: []byte(`{"a":1}`)}
			require.ErrorContains(t, e.Verify(s.key), "there is none")
			e.Signatures = []dsse.Signature{{KeyID: "other", Sig: []byte("no")}, {KeyID: "k:1", Sig: s.sign(dsse.PAE(e.PayloadType, e.Payload))}}
			require.NoError(t, e.Verify(s.key))
			e.PayloadType = "text/plain"
			require.ErrorContains(t, e.Verify(s.key), "not by this key")
			e.PayloadType, e.Payload = dsse.InToto, []byte(`{"a":2}`)
			require.ErrorContains(t, e.Verify(s.key), `signature 2 (key id "k:1")`)

			again, err := dsse.ParseKey(s.key.PEM())
			require.NoError(t, err)
			require.Equal(t, s.key.Fingerprint(), again.Fingerprint())
		})
	}
}

func TestParseKeyRefuses(t *testing.T) {
	t.Parallel()
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	_, err = dsse.NewKey(&weak.PublicKey)
	require.ErrorContains(t, err, "neither ECDSA nor Ed25519")
	curve, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	require.NoError(t, err)
	_, err = dsse.NewKey(&curve.PublicKey)
	require.ErrorContains(t, err, "P-224")
	good := signers(t)["ed25519"].key.PEM()
	for name, text := range map[string]string{
		"nothing":            "",
		"a private key":      string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})),
		"two keys":           string(good) + string(good),
		"a key that is none": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")})),
	} {
		_, err := dsse.ParseKey([]byte(text))
		require.ErrorContains(t, err, "read public key", name)
	}
}

func TestDecodeTakesOnlyWhatEncodeWrites(t *testing.T) {
	t.Parallel()
	e := dsse.Envelope{PayloadType: "t", Payload: []byte("hello"), Signatures: []dsse.Signature{{KeyID: "k", Sig: []byte("s")}}}
	good, err := e.Encode()
	require.NoError(t, err)
	require.Equal(t, `{"payload":"aGVsbG8=","payloadType":"t","signatures":[{"keyid":"k","sig":"cw=="}]}`+"\n", string(good))
	back, err := dsse.Decode(good)
	require.NoError(t, err)
	require.Equal(t, e, *back)
	for name, text := range map[string]string{
		"nothing":              "",
		"no line end":          string(good[:len(good)-1]),
		"another spacing":      `{"payload": "aGVsbG8=","payloadType":"t","signatures":[]}` + "\n",
		"a repeated field":     `{"payload":"eA==","payload":"aGVsbG8=","payloadType":"t","signatures":[]}` + "\n",
		"another case":         `{"Payload":"aGVsbG8=","payloadType":"t","signatures":[]}` + "\n",
		"an unknown field":     `{"payload":"aGVsbG8=","payloadType":"t","signatures":[],"x":1}` + "\n",
		"bits after the end":   `{"payload":"aGVsbG9=","payloadType":"t","signatures":[]}` + "\n",
		"a line end in base64": `{"payload":"aGVs\nbG8=","payloadType":"t","signatures":[]}` + "\n",
		"null signatures":      `{"payload":"aGVsbG8=","payloadType":"t","signatures":null}` + "\n",
		"something behind":     string(good) + "{}\n",
	} {
		_, err := dsse.Decode([]byte(text))
		require.ErrorContains(t, err, "decode envelope", name)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"payload":"aGVsbG8=","payloadType":"t","signatures":[{"keyid":"k","sig":"cw=="}]}` + "\n"))
	f.Add([]byte(`{"payload":null,"payloadType":"","signatures":[]}` + "\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		e, err := dsse.Decode(content)
		if err != nil {
			return
		}
		again, err := e.Encode()
		require.NoError(t, err)
		require.Equal(t, string(content), string(again))
	})
}
