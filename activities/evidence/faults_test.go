package evidence

import (
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"firebreak/activities/evidence/s3fake"
	"firebreak/activities/failure"
)

// failing returns a hook that fails every request of a name.
func failing(request string, err error) func(string, string) error {
	return func(r, _ string) error {
		if r == request {
			return err
		}
		return nil
	}
}

// failingOnce returns a hook that fails the first request of a name.
func failingOnce(request string, err error) func(string, string) error {
	var done sync.Once
	return func(r, _ string) (out error) {
		if r == request {
			done.Do(func() { out = err })
		}
		return out
	}
}

func slowDown() error {
	return &smithy.GenericAPIError{Code: "SlowDown", Message: "reduce your request rate"}
}

func TestFaultsOfAStoreAreSurvived(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*s3fake.Store){
		"it is busy half of the time": func(s *s3fake.Store) {
			var n atomic.Int32
			s.Before = func(string, string) error {
				if n.Add(1)%2 == 0 {
					return slowDown()
				}
				return nil
			}
		},
		"a part's connection breaks":            func(s *s3fake.Store) { s.Before = failingOnce("UploadPartCopy", syscall.ECONNRESET) },
		"a part is copied without an answer":    func(s *s3fake.Store) { s.After = failingOnce("UploadPartCopy", io.ErrUnexpectedEOF) },
		"a copy is made without an answer":      func(s *s3fake.Store) { s.After = failingOnce("CopyObject", io.ErrUnexpectedEOF) },
		"a copy is lost":                        func(s *s3fake.Store) { s.Before = failingOnce("CopyObject", io.ErrUnexpectedEOF) },
		"an upload is begun without an answer":  func(s *s3fake.Store) { s.After = failingOnce("CreateMultipartUpload", io.ErrUnexpectedEOF) },
		"an object is completed without answer": func(s *s3fake.Store) { s.After = failingOnce("CompleteMultipartUpload", io.ErrUnexpectedEOF) },
		"a read breaks":                         func(s *s3fake.Store) { s.Before = failingOnce("GetObject", syscall.ECONNRESET) },
	}
	for name, set := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, a, op, sum := newLarge(t)
			capture(t, a, op)
			set(s)
			effect := do(t, a, op)
			require.Empty(t, s.Uploads())
			require.True(t, verify(t, a, op).Proved)
			s.Before = nil
			require.Equal(t, sum, entryOf(t, s, effect, "loans/v1/large").SHA256)
			copies := map[string]int{}
			for _, v := range s.Versions(vault, "") {
				copies[v.Key]++
				require.Equal(t, 1, copies[v.Key], v.Key)
			}
		})
	}
}

func TestFaultsThatAreNoSnapshot(t *testing.T) {
	t.Parallel()
	s, a, op, _ := newLarge(t)
	capture(t, a, op)
	s.Before = failing("CreateMultipartUpload", &smithy.GenericAPIError{Code: "AccessDenied", Message: "no lock for you"})
	_, err := a.Do(t.Context(), op)
	require.ErrorContains(t, err, "AccessDenied")
	for _, w := range s.Writes() {
		require.NotContains(t, w, "manifest", "there is no manifest of a snapshot that is not whole")
	}
}

func TestChecksumThatIsNotThatOfTheBytesIsNotProved(t *testing.T) {
	t.Parallel()
	s, a, op := newScene(t)
	s.WrongChecksums = true
	capture(t, a, op)
	do(t, a, op)
	proof := verify(t, a, op)
	require.False(t, proof.Proved)
	require.Contains(t, proof.Method, "hashes to")
}

func TestCopyOfOtherBytesIsRefused(t *testing.T) {
	t.Parallel()
	s, a, op := newScene(t)
	capture(t, a, op)
	s.Swap = func(body []byte) []byte { return append([]byte("x"), body[min(1, len(body)):]...) }
	_, err := a.Do(t.Context(), op)
	requireCode(t, failure.EvidenceMismatch, err)
	require.ErrorContains(t, err, "the source hashes to")
}

func TestPartsOfOtherBytesAreNotProved(t *testing.T) {
	t.Parallel()
	s, a, op, _ := newLarge(t)
	capture(t, a, op)
	do(t, a, op)
	for _, v := range s.Versions(vault, "") {
		if len(v.Body) == 11*mib {
			s.Change(vault, v.Key, func(v *s3fake.Version) { v.Body[7*mib] ^= 1 })
		}
	}
	proof := verify(t, a, op)
	require.False(t, proof.Proved)
	require.Contains(t, proof.Method, "hashes to")
}

func TestLegalHoldBesideOrInsteadOfRetention(t *testing.T) {
	t.Parallel()
	for name, alone := range map[string]bool{"beside": false, "instead": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, a, op, _ := newLarge(t)
			op.Store.Lock.LegalHold = true
			if alone {
				op.Store.Lock.Mode, op.Store.Lock.Days = "", 0
			}
			capture(t, a, op)
			e := do(t, a, op)
			for _, key := range []string{"loans/v1/large", "loans/v1/part"} {
				require.True(t, entryOf(t, s, e, key).LegalHold)
			}
			require.True(t, verify(t, a, op).Proved)
			changeCopy(s, func(v *s3fake.Version) { v.Hold = false })
			proof := verify(t, a, op)
			require.False(t, proof.Proved)
			require.Contains(t, proof.Method, "not under legal hold")
		})
	}
}
