package volatile

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/evidence"
	"firebreak/activities/evidence/s3fake"
	"firebreak/activities/failure"
	"firebreak/activities/serving/kube"
	"firebreak/activities/serving/kube/kubefake"
	"firebreak/activities/volatile/podfake"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/internal/manifest"
	"firebreak/playbooks"
)

// The canaries are in the pods' settings and must never be seen outside of them.
const (
	canaryEnv = "env-canary-hunter2"
	canaryArg = "arg-canary-hunter2"
)

type scene struct {
	t       *testing.T
	api     *podfake.Server
	s3      *s3fake.Store
	action  *Capture
	op      *playbooks.Operation
	content func(pod, container, script string) (string, string, string)
}

func podOf(name, uid string, restarts int) kubefake.Object {
	return kubefake.Object{
		"kind": "Pod", "metadata": kubefake.Object{
			"name": name, "namespace": "lending", "uid": uid, "labels": kubefake.Object{"app": "scorer"},
			"annotations":   kubefake.Object{lastApplied: `{"env":"` + canaryEnv + `"}`, "team": "ml"},
			"managedFields": []any{kubefake.Object{"manager": "x"}},
		},
		"spec": kubefake.Object{
			"nodeName": "node-1",
			"containers": []any{
				kubefake.Object{
					"name": "model", "args": []any{"--api-key", canaryArg, "--token=" + canaryArg, "--port=80"},
					"env":          []any{kubefake.Object{"name": "DB_PASSWORD", "value": canaryEnv}, kubefake.Object{"name": "REF", "valueFrom": kubefake.Object{"secretKeyRef": kubefake.Object{"name": "db"}}}},
					"volumeMounts": []any{kubefake.Object{"name": "weights", "mountPath": "/mnt/models"}, kubefake.Object{"name": "db", "mountPath": "/etc/db"}, kubefake.Object{"name": "t", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}, kubefake.Object{"name": "scratch", "mountPath": "/tmp/x; rm -rf /"}},
				},
				kubefake.Object{"name": "proxy"},
			},
			"volumes": []any{kubefake.Object{"name": "weights", "emptyDir": kubefake.Object{}}, kubefake.Object{"name": "db", "secret": kubefake.Object{}}, kubefake.Object{"name": "scratch", "emptyDir": kubefake.Object{}}},
		},
		"status": kubefake.Object{"containerStatuses": []any{kubefake.Object{"name": "model", "imageID": "registry/model@sha256:aa", "restartCount": restarts}}},
	}
}

func newScene(t *testing.T) *scene {
	t.Helper()
	z := &scene{t: t, s3: s3fake.New(), api: &podfake.Server{Hang: make(chan struct{})}}
	z.api.Add(podOf("scorer-b", "uid-b", 0))
	z.api.Add(podOf("scorer-a", "uid-a", 2))
	z.api.Logs = map[string]string{"scorer-a/model": "POST /predict trigger-input\n", "scorer-a/proxy": "p\n", "scorer-b/model": "m\n", "scorer-b/proxy": "p\n"}
	z.api.Previous = map[string]string{"scorer-a/model": "before the restart\n"}
	z.content = func(pod, _, script string) (string, string, string) {
		switch {
		case strings.Contains(script, "cmdline"):
			return "1\t/model-server --password=" + canaryArg + " --port=80\n", "", ""
		case strings.Contains(script, "sha256sum"):
			return strings.Repeat("a", 64) + "  /mnt/models/" + pod + "\n", "", ""
		case strings.Contains(script, "maps"):
			return "1 /lib/libc.so\n1 /lib/libb.so\n1 /lib/libc.so\n", "", ""
		}
		return "== tcp\n", "", ""
	}
	z.api.Run = func(pod, container string, command []string) (string, string, string) {
		require.Equal(t, []string{"sh", "-c"}, command[:2])
		return z.content(pod, container, command[2])
	}
	clusters, err := kube.New(kubefake.Kubeconfig(t, z.api))
	require.NoError(t, err)
	z.s3.Add("logs", "scorer/2026/01", "old requests")
	z.s3.Add("logs", "scorer/2026/02", "the exact trigger input")
	z.action = NewCapture(clusters, evidence.NewKeeper(z.s3), z.s3)
	z.op = &playbooks.Operation{
		ID: "incident/backdoor-discovery/m/volatile-capture/scorer", IncidentID: "incident/backdoor-discovery/m", Step: "volatile-capture", Action: "replica.capture",
		With: map[string]string{"within": "30s", "recent": "1h", "log_bytes": "4096"},
		Target: inventory.Target{ID: "scorer", Kind: inventory.EndpointTarget, Endpoint: &inventory.Endpoint{
			ID: "scorer", LogStream: "s3://logs/scorer/",
			Serving: inventory.Serving{Platform: "kserve", Cluster: kubefake.Context, Namespace: "lending", Name: "scorer", ReplicasSelector: "app=scorer"},
		}},
	}
	z.op.Store.ID, z.op.Store.Bucket, z.op.Store.Env = "evidence", "vault", "prod"
	z.op.Store.Lock.Mode, z.op.Store.Lock.Days = "COMPLIANCE", 90
	return z
}

func (z *scene) capture() {
	z.t.Helper()
	c, err := z.action.Capture(z.t.Context(), z.op)
	require.NoError(z.t, err)
	text, err := json.Marshal(c)
	require.NoError(z.t, err)
	require.NotContains(z.t, string(text), "canary")
	z.op.Capture = &incident.Capture{}
	require.NoError(z.t, json.Unmarshal(text, z.op.Capture))
}

func (z *scene) do() *incident.Effect {
	z.t.Helper()
	e, err := z.action.Do(z.t.Context(), z.op)
	require.NoError(z.t, err)
	text, err := json.Marshal(e)
	require.NoError(z.t, err)
	require.NotContains(z.t, string(text), "canary")
	z.op.Effect = e
	return e
}

func (z *scene) verify() *incident.Proof {
	z.t.Helper()
	p, err := z.action.Verify(z.t.Context(), z.op)
	require.NoError(z.t, err)
	return p
}

// lines reads the list; body returns the bytes of one of its lines.
func (z *scene) lines() map[string]Line {
	z.t.Helper()
	_, content, err := evidence.NewKeeper(z.s3).Find(z.t.Context(), z.op.Store, pieceOf(z.op, listName, nil))
	require.NoError(z.t, err)
	lines, err := manifest.DecodeLines(content, lineKey)
	require.NoError(z.t, err)
	out := map[string]Line{}
	for _, l := range lines {
		key := lineKey(l)
		if strings.Contains(key, "/requests/") {
			key = "requests of " + l.Source[:strings.Index(l.Source, "?")]
		}
		out[key] = l
	}
	return out
}

func (z *scene) body(l Line) string {
	z.t.Helper()
	all := z.s3.Versions("vault", l.Key)
	require.NotEmpty(z.t, all, l)
	return string(all[0].Body)
}

func TestEverythingVolatileIsKept(t *testing.T) {
	t.Parallel()
	z := newScene(t)
	z.capture()
	e := z.do()
	lines := z.lines()
	var names []string
	for name, l := range lines {
		names = append(names, name)
		require.Empty(t, l.Gap, name)
	}
	var want []string
	for _, pod := range []string{"scorer-a", "scorer-b"} {
		for _, name := range []string{"model/processes", "model/sockets", "model/mapped-files", "model/log", "model/files", "proxy/processes", "proxy/mapped-files", "proxy/log", "proxy/files", "/pod", "/events"} {
			want = append(want, pod+"/"+name)
		}
	}
	want = append(want, "scorer-a/model/log-before-restart", "requests of s3://logs/scorer/2026/01", "requests of s3://logs/scorer/2026/02")
	require.ElementsMatch(t, want, names)
	require.Equal(t, map[string]string{
		incident.FactManifest: e.Facts[incident.FactManifest], incident.FactSHA256: e.Facts[incident.FactSHA256], incident.FactObjects: "25", "replicas": "2", "gaps": "0",
	}, e.Facts)

	require.Equal(t, "POST /predict trigger-input\n", z.body(lines["scorer-a/model/log"]))
	require.Equal(t, "the exact trigger input", z.body(lines["requests of s3://logs/scorer/2026/02"]))
	require.Equal(t, "1 /lib/libb.so\n1 /lib/libc.so\n", z.body(lines["scorer-a/model/mapped-files"]))
	require.Equal(t, "registry/model@sha256:aa", lines["scorer-a/model/files"].ImageID)
	require.Contains(t, z.body(lines["scorer-a//events"]), "involvedObject.uid=uid-a")

	for _, v := range z.s3.Versions("vault", "") {
		require.NotContains(t, string(v.Body), "canary", "no value of an environment variable or a secret flag is kept")
		require.NotContains(t, v.Key, "scorer", "no name of the cluster is part of a key")
		require.Equal(t, "COMPLIANCE", string(v.Mode))
	}
	spec := z.body(lines["scorer-a//pod"])
	for _, kept := range []string{"DB_PASSWORD", "secretKeyRef", "--port=80", `"team": "ml"`} {
		require.Contains(t, spec, kept)
	}
	require.True(t, slices.ContainsFunc(z.api.Ran(), func(s string) bool {
		return strings.HasPrefix(s, "scorer-a/model") && strings.HasSuffix(s, " sh /mnt/models /tmp/x; rm -rf ")
	}), "paths are arguments and secrets' folders are left out: %v", z.api.Ran())

	p := z.verify()
	require.True(t, p.Proved, p.Method)
	require.Empty(t, p.Gaps)
	undone, err := z.action.Undo(t.Context(), z.op)
	require.NoError(t, err)
	require.Contains(t, undone.Summary, "is kept")
}

func TestARetryKeepsWhatWasCapturedFirst(t *testing.T) {
	t.Parallel()
	z := newScene(t)
	z.capture()
	first := z.do()
	writes := len(z.s3.Writes())
	require.True(t, first.Changed)
	again := z.do()
	require.Equal(t, first.Facts, again.Facts)
	require.False(t, again.Changed, "a repeated capture changes nothing and says so")
	require.Len(t, z.s3.Writes(), writes)

	// Killed before the list was written, and the pods are gone by now.
	z = newScene(t)
	z.capture()
	whole := z.action.keep
	z.action.keep = &dying{keeper: whole}
	_, err := z.action.Do(t.Context(), z.op)
	require.ErrorContains(t, err, "killed")
	z.action.keep = whole
	z.api.Drop()
	z.do()
	for name, l := range z.lines() {
		require.Empty(t, l.Gap, name)
	}
	require.True(t, z.verify().Proved)
}

// dying cannot keep the list.
type dying struct{ keeper }

func (d *dying) Keep(ctx context.Context, to inventory.Store, p evidence.Piece) (manifest.Object, error) {
	if p.Name == listName {
		return manifest.Object{}, errors.New("killed")
	}
	return d.keeper.Keep(ctx, to, p)
}

// Each item that cannot be had is a line of its own, and the rest is captured all the same.
func TestGaps(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		set  func(*scene)
		gaps map[string]string
		kept int
	}{
		"an image without a shell": {func(z *scene) {
			content := z.content
			z.content = func(pod, container, script string) (string, string, string) {
				if container == "proxy" {
					return "", "", `exec: "sh": executable file not found in $PATH`
				}
				return content(pod, container, script)
			}
		}, map[string]string{"scorer-a/proxy/processes": "executable file not found", "scorer-b/proxy/files": "the command failed", "scorer-b/proxy/mapped-files": "executable", "scorer-a/proxy/files": "", "scorer-a/proxy/mapped-files": "", "scorer-b/proxy/processes": ""}, 19},
		"a tool that is missing, half of its output is kept": {func(z *scene) {
			content := z.content
			z.content = func(pod, container, script string) (string, string, string) {
				if pod == "scorer-a" && container == "model" && strings.Contains(script, "sha256sum") {
					return "half a list\n", "find: denied " + kubefake.Token, "command terminated with non-zero exit code: exit status 1"
				}
				return content(pod, container, script)
			}
		}, map[string]string{"scorer-a/model/files": "exit status 1 (find: denied [redacted])"}, 25},
		"no right to run commands": {func(z *scene) { z.api.Refuse = map[string]int{"scorer-a/exec": 403} },
			map[string]string{"scorer-a/model/processes": "HTTP 403", "scorer-a/model/sockets": "give firebreak's role", "scorer-a/model/mapped-files": "refused to Bearer [redacted]", "scorer-a/model/files": "", "scorer-a/proxy/processes": "", "scorer-a/proxy/mapped-files": "", "scorer-a/proxy/files": ""}, 18},
		"a log that is too long": {func(z *scene) { z.api.Logs["scorer-b/model"] = strings.Repeat("early\n", 9000) + "the last request\n" },
			map[string]string{"scorer-b/model/log": "cut off at 4096 bytes"}, 25},
		"a log that is gone": {func(z *scene) { delete(z.api.Logs, "scorer-b/model") }, map[string]string{"scorer-b/model/log": "HTTP 400"}, 24},
		"no events":          {func(z *scene) { z.api.Refuse = map[string]int{"/events": 500} }, map[string]string{"scorer-a//events": "HTTP 500", "scorer-b//events": ""}, 23},
		"a log stream elsewhere": {func(z *scene) { z.op.Target.Endpoint.LogStream = "logs/credit-api" },
			map[string]string{"//requests": "in no store that can be read"}, 23},
		"nothing recent": {func(z *scene) {
			for _, key := range []string{"scorer/2026/01", "scorer/2026/02"} {
				z.s3.Change("logs", key, func(v *s3fake.Version) { v.At = time.Now().Add(-48 * time.Hour) })
			}
		}, map[string]string{"//requests": "no object of the last 1h0m0s"}, 23},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			z := newScene(t)
			tt.set(z)
			z.capture()
			z.do()
			got, kept := []string{}, 0
			for name, l := range z.lines() {
				if l.Gap != "" {
					got = append(got, name)
					require.Contains(t, l.Gap, tt.gaps[name], name)
					require.NotContains(t, l.Gap, kubefake.Token)
				}
				if l.Key != "" {
					kept++
				}
			}
			want := []string{}
			for name := range tt.gaps {
				want = append(want, name)
			}
			require.ElementsMatch(t, want, got)
			require.Equal(t, tt.kept, kept)
			p := z.verify()
			require.True(t, p.Proved, p.Method)
			require.Len(t, p.Gaps, len(tt.gaps))
		})
	}
}

func TestOnlyTheEndOfALongLogIsKept(t *testing.T) {
	t.Parallel()
	z := newScene(t)
	z.api.Logs["scorer-b/model"] = strings.Repeat("early\n", 90000) + "the last request\n"
	z.capture()
	z.do()
	body := z.body(z.lines()["scorer-b/model/log"])
	require.Len(t, body, 4096)
	require.True(t, strings.HasSuffix(body, "early\nthe last request\n"))
}

// A replica that hangs costs its items and the budget, not the capture.
func TestTheBudgetEndsWhatHangs(t *testing.T) {
	t.Parallel()
	z := newScene(t)
	z.op.With["within"] = "1s"
	z.api.HangOn = "sha256sum"
	z.capture()
	began := time.Now()
	z.do()
	require.Less(t, time.Since(began), 10*time.Second)
	lines := z.lines()
	for _, name := range []string{"scorer-a/model/files", "scorer-b/proxy/files"} {
		require.Equal(t, "the time budget of 1s was spent", lines[name].Gap)
	}
	require.Empty(t, lines["scorer-a/model/processes"].Gap)
	require.True(t, z.verify().Proved)
}

func TestCancelIsHonoured(t *testing.T) {
	t.Parallel()
	z := newScene(t)
	z.api.HangOn = "cmdline"
	z.capture()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	_, err := z.action.Do(ctx, z.op)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, z.s3.Versions("vault", "incidents/x"))
}

func TestEndpointsWithoutReplicas(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		set  func(*scene)
		want string
	}{
		"none runs":             {func(z *scene) { z.api.Drop() }, "no replica runs"},
		"no selector":           {func(z *scene) { z.op.Target.Endpoint.Serving.ReplicasSelector = "" }, "names no namespace and replicas_selector for it on kserve"},
		"a cluster without any": {func(z *scene) { z.api.Refuse = map[string]int{"/pods": 404} }, "no pods to list: HTTP 404"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			z := newScene(t)
			tt.set(z)
			z.capture()
			z.do()
			p := z.verify()
			require.True(t, p.Proved)
			require.Len(t, p.Gaps, 1)
			require.Contains(t, p.Gaps[0], tt.want)
		})
	}
}

func TestCaptureFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set   func(*scene)
		want  string
		final bool
	}{
		"the API server is ill":  {func(z *scene) { z.api.Refuse = map[string]int{"/pods": 500} }, "HTTP 500", false},
		"no right to list":       {func(z *scene) { z.api.Refuse = map[string]int{"/pods": 403} }, "give firebreak's role this verb", false},
		"an unknown cluster":     {func(z *scene) { z.op.Target.Endpoint.Serving.Cluster = "eu-9" }, `no context "eu-9"`, true},
		"a target of other kind": {func(z *scene) { z.op.Target.Endpoint = nil }, "not an endpoint", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			z := newScene(t)
			tt.set(z)
			_, err := z.action.Capture(t.Context(), z.op)
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), kubefake.Token)
			_, final := failure.CodeOf(err)
			require.Equal(t, tt.final, final)
		})
	}
	z := newScene(t)
	_, err := z.action.Do(t.Context(), z.op)
	require.ErrorContains(t, err, "were not listed")
	_, err = z.action.Verify(t.Context(), z.op)
	require.ErrorContains(t, err, "nothing was done")
}

func TestVerifyFindsWhatWasTamperedWith(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		set  func(*scene, Line)
		want string
	}{
		"changed bytes": {func(z *scene, l Line) {
			z.s3.Change("vault", l.Key, func(v *s3fake.Version) { v.Body = []byte("x") })
		}, "hashes to"},
		"no lock":      {func(z *scene, l Line) { z.s3.Change("vault", l.Key, func(v *s3fake.Version) { v.Mode = "" }) }, "is not locked"},
		"deletable":    {func(z *scene, _ Line) { z.s3.DeletesAnything = true }, "could be deleted"},
		"another list": {func(z *scene, _ Line) { z.op.Effect.Facts[incident.FactSHA256] = "aa" }, "hashes to"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			z := newScene(t)
			z.capture()
			z.do()
			tt.set(z, z.lines()["scorer-a/model/files"])
			p := z.verify()
			require.False(t, p.Proved)
			require.Contains(t, p.Method, tt.want)
		})
	}
}
