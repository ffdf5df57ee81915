package s3fake

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// lock is what a write asks for.
type lock struct {
	mode  types.ObjectLockMode
	until *time.Time
	hold  types.ObjectLockLegalHoldStatus
}

// GetObjectRetention returns a version's lock.
func (s *Store) GetObjectRetention(_ context.Context, in *s3.GetObjectRetentionInput, _ ...func(*s3.Options)) (*s3.GetObjectRetentionOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.find(*in.Bucket, *in.Key, aws.ToString(in.VersionId))
	switch {
	case v == nil:
		return nil, fault("NoSuchKey")
	case v.Mode == "":
		return nil, fault("NoSuchObjectLockConfiguration")
	}
	return &s3.GetObjectRetentionOutput{Retention: &types.ObjectLockRetention{Mode: types.ObjectLockRetentionMode(v.Mode), RetainUntilDate: &v.Until}}, nil
}

// GetObjectLegalHold returns a version's legal hold.
func (s *Store) GetObjectLegalHold(_ context.Context, in *s3.GetObjectLegalHoldInput, _ ...func(*s3.Options)) (*s3.GetObjectLegalHoldOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.find(*in.Bucket, *in.Key, aws.ToString(in.VersionId))
	switch {
	case v == nil:
		return nil, fault("NoSuchKey")
	case !v.Hold:
		return nil, fault("NoSuchObjectLockConfiguration")
	}
	return &s3.GetObjectLegalHoldOutput{LegalHold: &types.ObjectLockLegalHold{Status: types.ObjectLockLegalHoldStatusOn}}, nil
}
