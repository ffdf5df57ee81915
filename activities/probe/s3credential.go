package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// s3CallTimeout bounds one use of a credential.
const s3CallTimeout = 5 * time.Second

// S3Credential uses an AWS credential on S3 to see whether it is still known there.
type S3Credential struct{ options s3.Options }

// NewS3Credential takes the endpoint and region from a client and none of its credentials.
func NewS3Credential(client *s3.Client) *S3Credential {
	return &S3Credential{options: client.Options()}
}

// Refused calls ListBuckets with the credential in data (access_key, secret_key, security_token, as Vault's AWS secrets
// engine names them). Only an answer that the credential itself is unknown or invalid counts as refused: AccessDenied
// comes from a credential that works and lacks a right. The texts hold nothing of data.
func (p *S3Credential) Refused(ctx context.Context, data map[string]any) (refused bool, how string, err error) {
	text := func(key string) string {
		s, _ := data[key].(string)
		return s
	}
	if text("access_key") == "" || text("secret_key") == "" {
		return false, "", errors.New("use credential on S3: it has no access_key and secret_key")
	}
	ctx, cancel := context.WithTimeout(ctx, s3CallTimeout)
	defer cancel()
	client := s3.New(p.options, func(o *s3.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider(text("access_key"), text("secret_key"), text("security_token"))
		o.Retryer = aws.NopRetryer{}
	})
	_, err = client.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err == nil {
		return false, "ListBuckets answered with the credential", nil
	}
	var answer smithy.APIError
	if !errors.As(err, &answer) {
		return false, "", errors.New("use credential on S3: no answer")
	}
	unknown := []string{"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidClientTokenId", "ExpiredToken", "InvalidToken"}
	how = fmt.Sprintf("ListBuckets answered %s", answer.ErrorCode())
	return slices.Contains(unknown, answer.ErrorCode()), how, nil
}
