package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"firebreak/activities/serving/fence"
	"firebreak/activities/serving/kserve"
	"firebreak/deploy/sandbox/company"
	"firebreak/deploy/sandbox/fault"
	"firebreak/deploy/sandbox/stack"
	"firebreak/internal/incident"
)

// The worker is killed at the worst moment of each action: the server has done what was asked, and the worker has not
// heard of it. The incident must still end contained, with every effect once in the servers' own logs.
func TestWorkerKilledInTheMiddleOfEachAction(t *testing.T) {
	t.Parallel()
	kubernetes := func(s *stack.Stack) *fault.Proxy { return s.KubernetesProxy }
	evidence := func(s *stack.Stack) *fault.Proxy { return s.S3Proxy }
	vault := func(s *stack.Stack) *fault.Proxy { return s.VaultProxy }
	slack := func(s *stack.Stack) *fault.Proxy { return s.SlackProxy }
	cases := []struct {
		name   string
		proxy  func(*stack.Stack) *fault.Proxy
		method string
		path   string
		// nth is which of the matching requests is the one.
		nth int32
	}{
		{"vault.revoke of leases", vault, http.MethodPut, `^/v1/sys/leases/revoke-prefix/aws/creds/ci-registry-push`, 1},
		{"vault.revoke of an AppRole", vault, http.MethodDelete, `^/v1/auth/approle/role/ingest-loans$`, 1},
		{"endpoint.disable", kubernetes, http.MethodPatch, `/lending/inferenceservices/credit-scorer$`, 1},
		{"checkpoint.verify", evidence, http.MethodGet, `^/nordwall-registry/signatures/credit-scorer/16/model.sig$`, 1},
		{"checkpoint.rollback", kubernetes, http.MethodPatch, `/lending/inferenceservices/credit-scorer$`, 2},
		{"endpoint.enable", kubernetes, http.MethodPatch, `/lending/inferenceservices/credit-scorer$`, 3},
		{"dataset.snapshot", evidence, http.MethodPut, `^/nordwall-evidence/.*snapshot-datasets.*/objects/`, 2},
		{"checkpoint.snapshot", evidence, http.MethodPut, `^/nordwall-evidence/.*snapshot-checkpoints.*/manifest`, 1},
		{"legal.notify", slack, http.MethodPost, `^/api/chat.postMessage`, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, ctx := start(t), bounded(t)
			var seen, killed atomic.Int32
			path := regexp.MustCompile(c.path)
			c.proxy(s).Add(fault.Rule{
				Name: "kill", Times: 1,
				Match: func(r *http.Request) bool {
					return r.Method == c.method && path.MatchString(r.URL.Path) && seen.Add(1) == c.nth
				},
				Action: fault.After(func(_ *http.Request, status int) {
					if status < 300 {
						killed.Add(1)
					}
					if err := s.Worker.Kill(); err != nil {
						t.Errorf("kill worker: %v", err)
					}
					go func() {
						if err := s.Worker.Restart(ctx); err != nil {
							t.Errorf("restart worker: %v", err)
						}
					}()
				}),
			})
			_, rec := play(t, ctx, s, incident.DatasetCompromise)
			require.EqualValues(t, 1, killed.Load(), "the worker was killed after the server had done its part")
			require.Equal(t, incident.Contained, rec.Verdict, gaps(rec))
			effectsOnce(t, s)
		})
	}
}

// effectsOnce reads the servers' own logs and state: every effect of a dataset compromise took place exactly once.
func effectsOnce(t *testing.T, s *stack.Stack) {
	t.Helper()
	vault := vaultWrites(t, s.Vault.AuditLog)
	require.Equal(t, 1, vault["delete aws/roles/ci-registry-push"], "re-issue was disabled once")
	require.Equal(t, 1, vault["update sys/leases/revoke-prefix/aws/creds/ci-registry-push"], "leases were revoked once")
	require.Equal(t, 1, vault["delete auth/approle/role/ingest-loans"])
	require.Equal(t, map[string]int{"lending/credit-scorer": 3, "lending/credit-batch": 3}, kubernetesPatches(t, s.Kubernetes.AuditLog),
		"each endpoint was disabled, rolled back and enabled once")
	evidenceOnce(t, s)
	require.Len(t, s.Slack.Messages("ir-legal"), 1, "legal was told once")
}

// vaultWrites counts the operations that Vault's audit device says were answered without an error.
func vaultWrites(t *testing.T, file string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	lines(t, file, func(line []byte) {
		var entry struct {
			Type    string `json:"type"`
			Error   string `json:"error"`
			Request struct {
				Operation string `json:"operation"`
				Path      string `json:"path"`
			} `json:"request"`
		}
		require.NoError(t, json.Unmarshal(line, &entry))
		if entry.Type == "response" && entry.Error == "" {
			counts[entry.Request.Operation+" "+strings.TrimSuffix(entry.Request.Path, "/")]++
		}
	})
	return counts
}

// kubernetesPatches counts the responder's effects on each object, as the API server's audit log has them: the patches that
// were answered well, and of an operation that has none, one whose caller was killed before the answer. The server logs that
// as a time-out (504) although it may have carried it out; if it did not, the operation is tried again and answered.
func kubernetesPatches(t *testing.T, file string) map[string]int {
	t.Helper()
	type operation struct{ object, id string }
	answered, unheard := map[operation]int{}, map[operation]bool{}
	lines(t, file, func(line []byte) {
		var event struct {
			Stage string `json:"stage"`
			Verb  string `json:"verb"`
			User  struct {
				Username string `json:"username"`
			} `json:"user"`
			ObjectRef struct {
				Namespace string `json:"namespace"`
				Name      string `json:"name"`
			} `json:"objectRef"`
			RequestObject struct {
				Metadata struct {
					Annotations map[string]*string `json:"annotations"`
				} `json:"metadata"`
			} `json:"requestObject"`
			ResponseStatus struct {
				Code int `json:"code"`
			} `json:"responseStatus"`
		}
		require.NoError(t, json.Unmarshal(line, &event))
		if event.Stage != "ResponseComplete" || event.Verb != "patch" || event.User.Username != company.Responder {
			return
		}
		op := operation{object: event.ObjectRef.Namespace + "/" + event.ObjectRef.Name}
		for _, name := range []string{fence.OperationAnnotation, kserve.RollbackAnnotation} {
			if id := event.RequestObject.Metadata.Annotations[name]; id != nil {
				op.id = *id
			}
		}
		switch event.ResponseStatus.Code {
		case http.StatusOK:
			answered[op]++
		case http.StatusGatewayTimeout:
			unheard[op] = true
		}
	})
	counts := map[string]int{}
	for op, n := range answered {
		counts[op.object] += n
	}
	for op := range unheard {
		if answered[op] == 0 {
			counts[op.object]++
		}
	}
	return counts
}

// evidenceOnce checks that every evidence object has one version and that nothing was deleted.
func evidenceOnce(t *testing.T, s *stack.Stack) {
	t.Helper()
	client := company.S3Client(s.S3.Endpoint, s.S3.Region, company.Key{Access: s.S3.AccessKey, Secret: s.S3.SecretKey})
	out, err := client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String("nordwall-evidence")})
	require.NoError(t, err)
	require.False(t, *out.IsTruncated)
	require.Empty(t, out.DeleteMarkers)
	versions := map[string]int{}
	for _, v := range out.Versions {
		versions[*v.Key]++
	}
	require.NotEmpty(t, versions)
	for key, n := range versions {
		require.Equal(t, 1, n, key)
		// The chain of custody, the workflow history so far and the public key grow with each attempt to seal.
		if strings.Contains(key, "/custody/") || strings.Contains(key, "/history/") || strings.Contains(key, "/key/") {
			delete(versions, key)
		}
	}
	// Four parts and a manifest of the dataset, three files and a manifest of the checkpoint, the alert as it was posted, and
	// the incident's own manifest.
	require.Len(t, versions, 11, fmt.Sprint(versions))
}

func lines(t *testing.T, file string, each func([]byte)) {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	scanner := bufio.NewScanner(f)
	scanner.Buffer(nil, 4<<20)
	n := 0
	for scanner.Scan() {
		each(scanner.Bytes())
		n++
	}
	require.NoError(t, scanner.Err())
	require.Positive(t, n, "%s is empty", file)
}
