package signin

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// minKey is the least that a key may have; maxSealed is what a browser keeps in one cookie.
const (
	minKey    = 32
	maxSealed = 4000
)

var errSealed = errors.New("not sealed here, or expired")

// box seals what a browser keeps for us, so that it can neither be read nor made elsewhere.
type box struct {
	aead cipher.AEAD
	mac  []byte
	now  func() time.Time
}

// newBox derives its keys from the secret; without one it takes a random one, and what it sealed ends with the process.
func newBox(secret []byte, now func() time.Time) (*box, error) {
	if secret == nil {
		secret = make([]byte, minKey)
		// Read never fails.
		_, _ = rand.Read(secret)
	}
	if len(secret) < minKey {
		return nil, fmt.Errorf("the key of the incident page has %d bytes: want at least %d, for instance of 'openssl rand -hex 32'", len(secret), minKey)
	}
	keys, err := hkdf.Key(sha256.New, secret, nil, "firebreak incident page", 64)
	if err != nil {
		return nil, fmt.Errorf("derive the keys of the incident page: %w", err)
	}
	block, err := aes.NewCipher(keys[:32])
	if err != nil {
		return nil, fmt.Errorf("make the cipher of the incident page: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make the cipher of the incident page: %w", err)
	}
	return &box{aead: aead, mac: keys[32:], now: now}, nil
}

// sealed is what is inside: a value and when it ends.
type sealed struct {
	Until time.Time       `json:"until"`
	Value json.RawMessage `json:"value"`
}

// seal binds the value to a purpose: a cookie of one kind is never taken for another.
func (b *box) seal(purpose string, value any, life time.Duration) (string, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("encode the %s: %w", purpose, err)
	}
	raw, err = json.Marshal(sealed{Until: b.now().Add(life), Value: raw})
	if err != nil {
		return "", fmt.Errorf("encode the %s: %w", purpose, err)
	}
	text := base64.RawURLEncoding.EncodeToString(b.aead.Seal(nil, nil, raw, []byte(purpose)))
	if len(text) > maxSealed {
		return "", fmt.Errorf("seal the %s: %d bytes are more than a cookie holds", purpose, len(text))
	}
	return text, nil
}

func (b *box) open(purpose, text string, value any) error {
	if len(text) > maxSealed {
		return errSealed
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return errSealed
	}
	if raw, err = b.aead.Open(nil, nil, raw, []byte(purpose)); err != nil {
		return errSealed
	}
	var s sealed
	if err := json.Unmarshal(raw, &s); err != nil || !b.now().Before(s.Until) {
		return errSealed
	}
	if err := json.Unmarshal(s.Value, value); err != nil {
		return errSealed
	}
	return nil
}

// stamp is what a form of a session must carry.
func (b *box) stamp(session string) string {
	h := hmac.New(sha256.New, b.mac)
	h.Write([]byte("form " + session))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
