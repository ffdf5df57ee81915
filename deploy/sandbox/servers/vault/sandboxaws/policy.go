package sandboxaws

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// bucketPolicy keeps the statements of others as they are.
type bucketPolicy struct {
	Version   string            `json:"Version,omitempty"`
	Statement []json.RawMessage `json:"Statement"`
}

type statement struct {
	Sid       string   `json:"Sid"`
	Effect    string   `json:"Effect"`
	Principal any      `json:"Principal"`
	Action    []string `json:"Action"`
	Resource  []string `json:"Resource"`
}

// grant lets access read and write in buckets, by one statement in each
// bucket's policy.
func (b *backend) grant(ctx context.Context, c connection, access string, buckets []string) error {
	b.policies.Lock()
	defer b.policies.Unlock()
	for _, bucket := range buckets {
		policy, err := c.policy(ctx, bucket)
		if err != nil {
			return err
		}
		ours, err := json.Marshal(statement{
			Sid: access, Effect: "Allow", Principal: map[string]string{"AWS": access},
			Action: []string{
				"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject",
				"s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketLocation",
			},
			Resource: []string{"arn:aws:s3:::" + bucket, "arn:aws:s3:::" + bucket + "/*"},
		})
		if err != nil {
			return fmt.Errorf("encode statement: %w", err)
		}
		policy.Statement = append(policy.Statement, ours)
		if err := c.putPolicy(ctx, bucket, policy); err != nil {
			return err
		}
	}
	return nil
}

// ungrant takes access's statement out of each bucket's policy.
func (b *backend) ungrant(ctx context.Context, c connection, access string, buckets []string) error {
	b.policies.Lock()
	defer b.policies.Unlock()
	for _, bucket := range buckets {
		policy, err := c.policy(ctx, bucket)
		if err != nil {
			return err
		}
		kept := make([]json.RawMessage, 0, len(policy.Statement))
		for _, raw := range policy.Statement {
			var s struct{ Sid string }
			if err := json.Unmarshal(raw, &s); err != nil || s.Sid != access {
				kept = append(kept, raw)
			}
		}
		if len(kept) == len(policy.Statement) {
			continue
		}
		policy.Statement = kept
		if err := c.putPolicy(ctx, bucket, policy); err != nil {
			return err
		}
	}
	return nil
}

// policy reads a bucket's policy: an empty one when there is none, or when
// the bucket is gone.
func (c connection) policy(ctx context.Context, bucket string) (bucketPolicy, error) {
	empty := bucketPolicy{Version: "2012-10-17"}
	status, answer, err := c.call(ctx, http.MethodGet, "/"+url.PathEscape(bucket), url.Values{"policy": {""}}, nil)
	if err != nil {
		return empty, fmt.Errorf("read policy of bucket %s: %w", bucket, err)
	}
	switch status {
	case http.StatusNotFound:
		return empty, nil
	case http.StatusOK:
		policy := empty
		if err := json.Unmarshal(answer, &policy); err != nil {
			return empty, fmt.Errorf("decode policy of bucket %s: %w", bucket, err)
		}
		return policy, nil
	default:
		return empty, fmt.Errorf("read policy of bucket %s: %w", bucket, refusal(status, answer))
	}
}

// putPolicy writes a bucket's policy, or deletes it when nothing is left of it.
func (c connection) putPolicy(ctx context.Context, bucket string, policy bucketPolicy) error {
	method, body := http.MethodDelete, []byte(nil)
	if len(policy.Statement) > 0 {
		encoded, err := json.Marshal(policy)
		if err != nil {
			return fmt.Errorf("encode policy of bucket %s: %w", bucket, err)
		}
		method, body = http.MethodPut, encoded
	}
	status, answer, err := c.call(ctx, method, "/"+url.PathEscape(bucket), url.Values{"policy": {""}}, body)
	if err != nil {
		return fmt.Errorf("write policy of bucket %s: %w", bucket, err)
	}
	if status != http.StatusOK && status != http.StatusNoContent {
		return fmt.Errorf("write policy of bucket %s: %w", bucket, refusal(status, answer))
	}
	return nil
}
