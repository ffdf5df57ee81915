package sandboxaws

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// user is versitygw's auth.Account as its admin API takes it: XML with the
// Go names of the fields.
type user struct {
	XMLName xml.Name `xml:"Account"`
	Access  string
	Secret  string
	Role    string
}

// createUser is PATCH /create-user of versitygw's admin API.
func (c connection) createUser(ctx context.Context, u user) error {
	body, err := xml.Marshal(u)
	if err != nil {
		return fmt.Errorf("encode user: %w", err)
	}
	status, answer, err := c.call(ctx, http.MethodPatch, "/create-user", nil, body)
	if err != nil {
		return fmt.Errorf("create user %s: %w", u.Access, err)
	}
	if status != http.StatusCreated {
		return fmt.Errorf("create user %s: %w", u.Access, refusal(status, answer))
	}
	return nil
}

// deleteUser is PATCH /delete-user, which answers 200 for a user that does
// not exist too.
func (c connection) deleteUser(ctx context.Context, access string) error {
	status, answer, err := c.call(ctx, http.MethodPatch, "/delete-user", url.Values{"access": {access}}, nil)
	if err != nil {
		return fmt.Errorf("delete user %s: %w", access, err)
	}
	if status != http.StatusOK {
		return fmt.Errorf("delete user %s: %w", access, refusal(status, answer))
	}
	return nil
}

// call sends one request signed with Signature Version 4 and reads the
// answer, of at most 1 MiB.
func (c connection) call(ctx context.Context, method, path string, query url.Values, body []byte) (int, []byte, error) {
	target := strings.TrimRight(c.Endpoint, "/") + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	digest := sha256.Sum256(body)
	payload := hex.EncodeToString(digest[:])
	req.Header.Set("X-Amz-Content-Sha256", payload)
	key := aws.Credentials{AccessKeyID: c.AccessKey, SecretAccessKey: c.SecretKey}
	if err := v4.NewSigner().SignHTTP(ctx, key, req, payload, "s3", c.Region, time.Now()); err != nil {
		return 0, nil, fmt.Errorf("sign request: %w", err)
	}
	client := &http.Client{Timeout: 10 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return 0, nil, fmt.Errorf("read answer: %w", err)
	}
	return resp.StatusCode, answer, nil
}

// refusal is the server's error code with its message, as S3 words them.
func refusal(status int, answer []byte) error {
	var e struct {
		Code    string
		Message string
	}
	if err := xml.Unmarshal(answer, &e); err != nil || e.Code == "" {
		return fmt.Errorf("status %d", status)
	}
	return fmt.Errorf("status %d: %s: %s", status, e.Code, e.Message)
}
