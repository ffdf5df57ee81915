// Package dsse reads, writes and verifies DSSE envelopes (https://github.com/secure-systems-lab/dsse, v1.0.2). It knows
// keys and bytes and nothing of what is signed.
package dsse

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// InToto is the payload type of an in-toto statement.
const InToto = "application/vnd.in-toto+json"

// Envelope is a payload with the signatures over it. A key id is a hint that nothing protects: what counts is the key with
// which a signature verifies.
type Envelope struct {
	Payload     []byte      `json:"payload"`
	PayloadType string      `json:"payloadType"`
	Signatures  []Signature `json:"signatures"`
}

// Signature is one signature over the encoding that PAE makes.
type Signature struct {
	KeyID string `json:"keyid"`
	Sig   []byte `json:"sig"`
}

// PAE is the pre-authentication encoding: the bytes that are signed. It has the lengths in it, so that no other pair of
// type and payload has the same encoding.
func PAE(payloadType string, payload []byte) []byte {
	out := make([]byte, 0, len(payload)+len(payloadType)+40)
	out = append(out, "DSSEv1 "...)
	out = strconv.AppendInt(out, int64(len(payloadType)), 10)
	out = append(out, ' ')
	out = append(out, payloadType...)
	out = append(out, ' ')
	out = strconv.AppendInt(out, int64(len(payload)), 10)
	out = append(out, ' ')
	return append(out, payload...)
}

// Encode writes an envelope as one line of JSON.
func (e *Envelope) Encode() ([]byte, error) {
	out := *e
	if out.Signatures == nil {
		out.Signatures = []Signature{}
	}
	content, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode envelope: %w", err)
	}
	return append(content, '\n'), nil
}

// Decode reads what Encode wrote and nothing else. Other spacing, other or repeated fields and other spellings of base64
// are errors: two readers could understand such an envelope in two ways, and a changed byte could go unseen.
func Decode(content []byte) (*Envelope, error) {
	var e Envelope
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return nil, fmt.Errorf("decode envelope: %w", err)
	}
	again, err := e.Encode()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, content) {
		return nil, errors.New("decode envelope: it is not in the form in which envelopes are written")
	}
	return &e, nil
}

// Verify returns nil if one of the signatures is by the key. The error says of each why it is not.
func (e *Envelope) Verify(key *Key) error {
	if len(e.Signatures) == 0 {
		return errors.New("verify signature: there is none")
	}
	signed := PAE(e.PayloadType, e.Payload)
	var all []error
	for i, s := range e.Signatures {
		err := key.Verify(signed, s.Sig)
		if err == nil {
			return nil
		}
		all = append(all, fmt.Errorf("verify signature %d (key id %q): %w", i+1, s.KeyID, err))
	}
	return errors.Join(all...)
}
