package registry

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/evidence/s3fake"
	"firebreak/activities/failure"
	"firebreak/activities/serving"
	"firebreak/activities/serving/kserve"
	"firebreak/activities/serving/kube"
	"firebreak/activities/serving/kube/kubefake"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

const (
	suspectURI = "s3://registry/credit/17"
	goodURI    = "s3://registry/credit/16/"
)

type stages interface {
	Capture(context.Context, *playbooks.Operation) (*incident.Capture, error)
	Do(context.Context, *playbooks.Operation) (*incident.Effect, error)
	Verify(context.Context, *playbooks.Operation) (*incident.Proof, error)
	Undo(context.Context, *playbooks.Operation) (*incident.Effect, error)
}

var _ stages = (*Rollback)(nil)

// scene is a stopped endpoint that loads the suspect checkpoint, with both checkpoints in the store.
type scene struct {
	kube  *kubefake.Server
	store *s3fake.Store
	a     *Rollback
	op    *playbooks.Operation
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{kube: kubefake.New(t), store: s3fake.New()}
	s.kube.Put("lending", "credit-scorer", suspectURI, map[string]string{kserve.StopAnnotation: "true"})
	for _, key := range []string{"credit/16/weights", "credit/16/config", "credit/17/weights", "credit/160/weights"} {
		s.store.Add("registry", key, "bytes of "+key)
	}
	root, err := objects.Root(t.Context(), s.store, objects.Location{Bucket: "registry", Prefix: "credit/16"}, "")
	require.NoError(t, err)
	s.store.Add("registry", "credit/16/model.sig", "a signature over the files beside it")
	k8s, err := kube.New(s.kube.Kubeconfig)
	require.NoError(t, err)
	s.a = NewRollback(serving.Platforms{"kserve": kserve.New(k8s)}, s.store)
	s.op = &playbooks.Operation{
		ID: "incident/backdoor-discovery/m/rollback/credit-api", IncidentID: "incident/backdoor-discovery/m", Step: "rollback", Action: "checkpoint.rollback",
		Target: inventory.Target{
			ID: "credit-api", Kind: inventory.EndpointTarget,
			Endpoint: &inventory.Endpoint{ID: "credit-api", Serving: inventory.Serving{
				Platform: "kserve", Cluster: kubefake.Context, Namespace: "lending", Name: "credit-scorer",
			}},
			KnownGood: &inventory.Checkpoint{
				ID: "credit-scorer@16", URI: goodURI + "?versionId=b2", RootDigest: root, OMSBundle: goodURI + "model.sig?versionId=b1",
			},
		},
	}
	return s
}

func (s *scene) uri() string { return s.kube.StorageURI("lending", "credit-scorer") }

func (s *scene) merge(patch kubefake.Object) { s.kube.Merge("lending", "credit-scorer", patch) }

func (s *scene) pointAt(uri string) {
	s.merge(kubefake.Object{"spec": kubefake.Object{"predictor": kubefake.Object{"model": kubefake.Object{"storageUri": uri}}}})
}

func (s *scene) capture(t *testing.T) {
	t.Helper()
	c, err := s.a.Capture(t.Context(), s.op)
	require.NoError(t, err)
	text, err := json.Marshal(c)
	require.NoError(t, err)
	s.op.Capture = &incident.Capture{}
	require.NoError(t, json.Unmarshal(text, s.op.Capture))
}

func (s *scene) do(t *testing.T) *incident.Effect {
	t.Helper()
	e, err := s.a.Do(t.Context(), s.op)
	require.NoError(t, err)
	s.op.Effect = e
	return e
}

func TestRollbackOnceProvedAndUndone(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	before := s.kube.Annotations("lending", "credit-scorer")
	s.capture(t)
	first := s.do(t)
	require.True(t, first.Changed)
	require.Equal(t, s.op.Target.KnownGood.RootDigest, first.Facts[incident.FactDigest])
	require.False(t, s.do(t).Changed)
	require.Len(t, s.kube.Patches(), 1)
	require.Equal(t, goodURI, s.uri())
	require.Equal(t, "true", s.kube.Annotations("lending", "credit-scorer")[kserve.StopAnnotation], "a rollback does not re-open")

	proof, err := s.a.Verify(t.Context(), s.op)
	require.NoError(t, err)
	require.True(t, proof.Proved, proof.Method)
	require.Equal(t, s.op.Target.KnownGood.RootDigest, proof.Facts[incident.FactDigest])

	undone, err := s.a.Undo(t.Context(), s.op)
	require.NoError(t, err)
	require.True(t, undone.Changed)
	require.Equal(t, suspectURI, s.uri())
	require.Equal(t, before, s.kube.Annotations("lending", "credit-scorer"))
	undone, err = s.a.Undo(t.Context(), s.op)
	require.NoError(t, err)
	require.False(t, undone.Changed)
	require.Len(t, s.kube.Patches(), 2)
}

func TestRollbackRefusesOtherBytes(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*s3fake.Store){
		"a newer version of a file": func(s *s3fake.Store) { s.Add("registry", "credit/16/weights", "poison") },
		"a file that is not listed": func(s *s3fake.Store) { s.Add("registry", "credit/16/extra.py", "poison") },
		"a file that is gone":       func(s *s3fake.Store) { s.Mark("registry", "credit/16/config") },
	}
	for name, tamper := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.capture(t)
			tamper(s.store)
			_, err := s.a.Do(t.Context(), s.op)
			requireCode(t, failure.EvidenceMismatch, err)
			require.Empty(t, s.kube.Patches())
			require.Equal(t, suspectURI, s.uri())
		})
	}
}

func TestRollbackIsNotProved(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spoil  func(*scene)
		method string
	}{
		"by other bytes": {func(s *scene) { s.store.Add("registry", "credit/16/weights", "poison") }, "the inventory says sha256:"},
		"by no bytes": {func(s *scene) {
			s.store.Change("registry", "credit/16/weights", func(v *s3fake.Version) { v.Key = "moved" })
		}, "the inventory says sha256:"},
		"by another location": {func(s *scene) { s.pointAt(suspectURI) }, "it points at " + suspectURI},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.capture(t)
			s.do(t)
			tt.spoil(s)
			proof, err := s.a.Verify(t.Context(), s.op)
			require.NoError(t, err)
			require.False(t, proof.Proved)
			require.Contains(t, proof.Method, tt.method)
		})
	}
}

func TestRollbackRefusesATargetThatChanged(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.capture(t)
	s.kube.BeforeNextPatch(func() { s.pointAt("s3://registry/credit/18/") })
	_, err := s.a.Do(t.Context(), s.op)
	requireCode(t, failure.TargetChanged, err)
	require.Empty(t, s.kube.Patches())

	s.pointAt(suspectURI)
	s.do(t)
	s.pointAt("s3://registry/credit/18/")
	_, err = s.a.Undo(t.Context(), s.op)
	requireCode(t, failure.TargetChanged, err)
	require.Equal(t, "s3://registry/credit/18/", s.uri())
}

func TestRollbackWritesDespiteOtherWriters(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.capture(t)
	s.kube.BeforeNextPatch(func() { s.merge(kubefake.Object{"status": kubefake.Object{"url": "http://x"}}) })
	require.True(t, s.do(t).Changed)
	require.Len(t, s.kube.Patches(), 1)
}

func TestUndoDoesNotServeTheSuspect(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.capture(t)
	s.do(t)
	s.merge(kubefake.Object{"metadata": kubefake.Object{"annotations": kubefake.Object{kserve.StopAnnotation: "false"}}})
	_, err := s.a.Undo(t.Context(), s.op)
	requireCode(t, failure.Refused, err)
	require.Equal(t, goodURI, s.uri())
}

func TestRollbackRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		code failure.Code
		set  func(*scene)
	}{
		"another platform":      {failure.Unsupported, func(s *scene) { s.op.Target.Endpoint.Serving.Platform = "k8s" }},
		"no known-good":         {failure.Invalid, func(s *scene) { s.op.Target.KnownGood = nil }},
		"a spec without a URI":  {failure.Unsupported, func(s *scene) { s.pointAt("") }},
		"a service that is not": {failure.Invalid, func(s *scene) { s.op.Target.Endpoint.Serving.Name = "absent" }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			tt.set(s)
			_, err := s.a.Capture(t.Context(), s.op)
			requireCode(t, tt.code, err)
			require.NotContains(t, err.Error(), kubefake.Token)
		})
	}
}

// broken is a store that fails after some reads.
type broken struct {
	*s3fake.Store
	left atomic.Int32
}

func (b *broken) GetObject(ctx context.Context, in *s3.GetObjectInput, opts ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	if b.left.Add(-1) < 0 {
		return nil, errors.New("the store is down")
	}
	return b.Store.GetObject(ctx, in, opts...)
}

func TestRollbackChangesNothingWhileTheStoreIsDown(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.capture(t)
	down := &broken{Store: s.store}
	down.left.Store(1)
	s.a.api = down
	_, err := s.a.Do(t.Context(), s.op)
	require.ErrorContains(t, err, "the store is down")
	_, final := failure.CodeOf(err)
	require.False(t, final, "a store that is down is tried again")
	require.Empty(t, s.kube.Patches())
}

func requireCode(t *testing.T, want failure.Code, err error) {
	t.Helper()
	require.Error(t, err)
	code, _ := failure.CodeOf(err)
	require.Equal(t, want, code, err)
}
