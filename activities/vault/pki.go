package vault

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// certificates are those that a PKI engine issued under the serials of the inventory. Their revocation is worth what
// their verifiers make of it: one that looks at neither CRL nor OCSP goes on accepting them.
type certificates struct {
	server server
	of     *inventory.Credential

	mount string
	// rolePath is the role that issues them; "" if the inventory names none.
	rolePath string
	serials  []string
}

// certificatesState is Capture.State of certificates.
type certificatesState struct {
	// Role is the role's definition exactly as Vault answered; "" if there was none.
	Role  string         `json:"role,omitempty"`
	Known []*certificate `json:"certificates"`
}

// certificate is what Vault keeps of one. Certificates are public.
type certificate struct {
	Serial string `json:"serial"`
	// Issuer is Vault's id of the issuer; "" for the default one.
	Issuer  string    `json:"issuer,omitempty"`
	Subject string    `json:"subject"`
	Ends    time.Time `json:"not_after"`
	Revoked bool      `json:"revoked"`

	parsed *x509.Certificate
}

// serialLike is how Vault writes a serial number.
var serialLike = regexp.MustCompile(`^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){0,31}$`)

func (r *Revoke) certificates(t *inventory.Credential) (*certificates, error) {
	mount := strings.Trim(t.Vault.Mount, "/")
	if err := checkPath(t, "mount", mount); err != nil {
		return nil, err
	}
	out := &certificates{server: r.server, of: t, mount: mount, serials: t.Vault.Serials}
	if role := t.Vault.Role; role != "" && role != "none" {
		if err := checkPath(t, "role", role); err != nil {
			return nil, err
		}
		out.rolePath = mount + "/roles/" + role
	}
	if len(out.serials) == 0 {
		return nil, failure.New(failure.Invalid, "credential %s: vault.serials names no certificate; Vault does not know which ones a role issued", t.ID)
	}
	for _, serial := range out.serials {
		if !serialLike.MatchString(serial) {
			return nil, failure.New(failure.Invalid, "credential %s: vault.serials %q is not a serial number such as 17:84:7f:5b", t.ID, serial)
		}
	}
	return out, nil
}

func (c *certificates) capture(ctx context.Context) (string, any, error) {
	var state certificatesState
	defined := "no role named"
	if c.rolePath != "" {
		var err error
		if state.Role, err = c.server.readExact(ctx, c.rolePath); err != nil {
			return "", nil, err
		}
		defined = "role " + c.rolePath + " recorded"
		if state.Role == "" {
			defined = "role " + c.rolePath + " does not exist"
		}
	}
	var said []string
	for _, serial := range c.serials {
		known, err := c.read(ctx, serial)
		if err != nil {
			return "", nil, err
		}
		state.Known = append(state.Known, known)
		was := "valid"
		if known.Revoked {
			was = "revoked already"
		}
		said = append(said, fmt.Sprintf("certificate %s of %s, %s until %s", serial, known.Subject, was, known.Ends.Format(time.RFC3339)))
	}
	return defined + "; " + strings.Join(said, "; "), state, nil
}

func (c *certificates) read(ctx context.Context, serial string) (*certificate, error) {
	path := c.mount + "/cert/" + serial
	secret, err := c.server.read(ctx, path)
	if err != nil {
		return nil, err
	}
	if secret == nil {
		return nil, failure.New(failure.Invalid, "read %s: Vault keeps no certificate with this serial; if its role does not store them, revoke it by hand with its file", path)
	}
	text, _ := secret.Data["certificate"].(string)
	parsed, err := parseCertificate(text)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	out := &certificate{Serial: serial, Subject: parsed.Subject.String(), Ends: parsed.NotAfter.UTC(), parsed: parsed}
	out.Issuer, _ = secret.Data["issuer_id"].(string)
	at, _ := secret.Data["revocation_time"].(json.Number)
	out.Revoked = at != "" && at != "0"
	return out, nil
}

func parseCertificate(text string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, fmt.Errorf("the answer has no certificate")
	}
	return x509.ParseCertificate(block.Bytes)
}

func (c *certificates) do(ctx context.Context, _ json.RawMessage) (*incident.Effect, error) {
	deleted := false
	if c.rolePath != "" {
		role, err := c.server.readExact(ctx, c.rolePath)
		if err != nil {
			return nil, err
		}
		if deleted = role != ""; deleted {
			if err := c.server.delete(ctx, c.rolePath); err != nil {
				return nil, err
			}
		}
	}
	revoked := 0
	for _, serial := range c.serials {
		known, err := c.read(ctx, serial)
		if err != nil {
			return nil, err
		}
		if known.Revoked {
			continue
		}
		if _, err := c.server.write(ctx, c.mount+"/revoke", map[string]any{"serial_number": serial}); err != nil {
			return nil, err
		}
		revoked++
	}
	facts := map[string]string{"role_deleted": strconv.FormatBool(deleted), "certificates_revoked": strconv.Itoa(revoked)}
	summary := fmt.Sprintf("%d of %d certificates revoked, the others were before", revoked, len(c.serials))
	if deleted {
		summary = fmt.Sprintf("role %s deleted, ", c.rolePath) + summary
	}
	return &incident.Effect{Summary: summary, Changed: deleted || revoked > 0, Facts: facts}, nil
}

func (c *certificates) verify(ctx context.Context, p past) (*findings, error) {
	if _, err := decode[certificatesState](p.state); err != nil {
		return nil, err
	}
	found := newFindings()
	if c.rolePath != "" {
		role, err := c.server.readExact(ctx, c.rolePath)
		if err != nil {
			return nil, err
		}
		if role != "" {
			found.fails("role", "role "+c.rolePath+" still exists and can issue")
		} else {
			found.holds("role", "role "+c.rolePath+" is gone")
		}
	}
	for _, serial := range c.serials {
		known, err := c.read(ctx, serial)
		if err != nil {
			return nil, err
		}
		if err := c.verifyPublished(ctx, known, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// verifyPublished asks as a verifier does, without a token: what Vault tells us of a certificate is not what it tells them.
func (c *certificates) verifyPublished(ctx context.Context, known *certificate, found *findings) error {
	anyone, err := c.server.as("")
	if err != nil {
		return err
	}
	fact := "certificate " + known.Serial
	if time.Now().After(known.Ends) {
		found.holds(fact, fact+" has ended")
		return nil
	}
	issuer, err := c.issuer(ctx, anyone, known)
	if err != nil {
		return err
	}
	responder, answeredBy, err := c.responder(ctx, anyone, known, issuer)
	if err != nil {
		return err
	}
	listed, listedBy, err := c.listed(ctx, anyone, known, issuer)
	if err != nil {
		return err
	}
	said := fmt.Sprintf("%s: %s; %s", fact, answeredBy, listedBy)
	switch {
	case !responder && !listed:
		found.fails(fact, said)
	default:
		found.holds(fact, said)
		found.leaves(fact+" elsewhere", fmt.Sprintf("verifiers that ask neither CRL nor OCSP accept %s until %s", fact, known.Ends.Format(time.RFC3339)))
	}
	return nil
}

func (c *certificates) undo(ctx context.Context, raw json.RawMessage) (*incident.Effect, error) {
	state, err := decode[certificatesState](raw)
	if err != nil {
		return nil, err
	}
	stays := fmt.Sprintf("the revoked certificates stay revoked; %s", reissue(c.of))
	if state.Role == "" {
		return &incident.Effect{Summary: "there was no role to restore; " + stays}, nil
	}
	changed, err := c.server.restore(ctx, c.rolePath, state.Role)
	if err != nil {
		return nil, err
	}
	return &incident.Effect{Summary: fmt.Sprintf("role %s is as it was; %s", c.rolePath, stays), Changed: changed}, nil
}
