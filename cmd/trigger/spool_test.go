package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/spool"
	"firebreak/workflows"
)

func eventuallyEmpty(t *testing.T, s *spool.Spool) {
	t.Helper()
	require.Eventually(t, func() bool { return s.Stats().Entries == 0 }, 10*time.Second, time.Millisecond)
}

func TestSpoolKeepsWhatTemporalDoesNotConfirmAndDeliversItInOrder(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]func(*fakeSender){
		"refused":   func(f *fakeSender) { f.failure = errors.New("connection refused") },
		"no answer": func(f *fakeSender) { f.hang, f.failure = true, errors.New("no answer") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeSender{}
			s := testSpool(t, t.TempDir(), spool.Options{})
			c := newTestCoalescer(t, f, s)
			f.set(away)
			for i := range 20 {
				for _, asset := range []string{"a", "b"} {
					require.Equal(t, []string{outcomeSpooled}, outcomes(c.deliver(t.Context(), firings(asset, i, i+1))))
				}
			}
			require.NoError(t, c.ready(t.Context()), "alerts are still taken in")
			require.Equal(t, 40, s.Stats().Entries)
			f.set(func(f *fakeSender) { f.failure, f.hang = nil, false })
			eventuallyEmpty(t, s)
			require.Equal(t, numbered(0, 20), f.keys("a"))
			require.Equal(t, numbered(0, 20), f.keys("b"))
			require.Eventually(t, func() bool {
				r := c.deliver(t.Context(), firings("c", 0, 1))
				return r[0].outcome != outcomeSpooled
			}, 10*time.Second, time.Millisecond, "afterwards it is as before")
		})
	}
}

func TestSpoolIsNotOvertaken(t *testing.T) {
	t.Parallel()
	f := &fakeSender{}
	s := testSpool(t, t.TempDir(), spool.Options{})
	c := newTestCoalescer(t, f, s)
	stop := make(chan struct{})
	var flicker, posts sync.WaitGroup
	flicker.Go(func() {
		for up := false; ; up = !up {
			select {
			case <-stop:
				f.set(func(f *fakeSender) { f.failure = nil })
				return
			case <-time.After(30 * time.Millisecond):
			}
			f.set(func(f *fakeSender) {
				if f.failure = nil; !up {
					f.failure = errors.New("away")
				}
			})
		}
	})
	for _, asset := range []string{"a", "b", "c"} {
		posts.Go(func() {
			for i := 0; i < 60; i += 3 {
				for _, r := range c.deliver(t.Context(), firings(asset, i, i+3)) {
					if r.err != nil {
						t.Errorf("not taken in: %v", r.err)
					}
				}
			}
		})
	}
	posts.Wait()
	close(stop)
	flicker.Wait()
	eventuallyEmpty(t, s)
	for _, asset := range []string{"a", "b", "c"} {
		require.Equal(t, numbered(0, 60), f.keys(asset))
	}
}

func TestSpoolIsDeliveredByTheNextProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := &fakeSender{failure: errors.New("away")}
	s, err := spool.Open(dir, spool.Options{})
	require.NoError(t, err)
	c := newTestCoalescer(t, f, s)
	triage := handover{Triage: &workflows.TriageRequest{Alert: firing("x", "t").Alert, Reason: "no route", Mode: incident.Live}}
	posted := append(firings("a", 0, 2500), triage)
	posted[7].Alert.Fields = map[string]string{"digest": "sha256:aa"}
	for _, r := range c.deliver(t.Context(), posted) {
		require.Equal(t, outcomeSpooled, r.outcome, r.err)
	}
	c.close()
	require.NoError(t, s.Close())

	f.set(func(f *fakeSender) { f.failure = nil })
	s = testSpool(t, dir, spool.Options{})
	newTestCoalescer(t, f, s)
	eventuallyEmpty(t, s)
	require.Equal(t, numbered(0, 2500), f.keys("a"))
	var pages int
	for _, b := range f.batches {
		if b.triage != nil {
			require.Equal(t, triage.Triage, b.triage)
			pages++
			continue
		}
		require.Equal(t, posted[0].Request, b.request)
	}
	require.Equal(t, 1, pages)
	require.Equal(t, posted[7].Alert, f.alerts("a")[7])
}

func TestSpoolThatIsFullIsSaid(t *testing.T) {
	t.Parallel()
	f := &fakeSender{failure: errors.New("away")}
	s := testSpool(t, t.TempDir(), spool.Options{MaxBytes: 4 << 10})
	c := newTestCoalescer(t, f, s)
	r := c.deliver(t.Context(), firings("a", 0, 100))
	require.Equal(t, outcomeSpooled, r[0].outcome)
	require.ErrorIs(t, r[99].err, spool.ErrFull)
	require.Error(t, c.ready(t.Context()))
	kept := 0
	for _, r := range r {
		if r.outcome == outcomeSpooled {
			kept++
		}
	}
	f.set(func(f *fakeSender) { f.failure = nil })
	eventuallyEmpty(t, s)
	require.Equal(t, numbered(0, kept), f.keys("a"), "what was refused is not delivered, what was kept is")
}

func TestSpooledAlertThatCannotBeReadIsPutAside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := spool.Open(dir, spool.Options{})
	require.NoError(t, err)
	h := firing("a", "k0000")
	for _, payload := range []string{`{"alert":{}}`, `{"alert":`} {
		e, err := s.Append(h.key(), []byte(payload), nil)
		require.NoError(t, err)
		require.NoError(t, e.Wait())
	}
	require.NoError(t, s.Close())

	f := &fakeSender{}
	s = testSpool(t, dir, spool.Options{})
	c := newTestCoalescer(t, f, s)
	eventuallyEmpty(t, s)
	require.Equal(t, []string{outcomeStarted}, outcomes(c.deliver(t.Context(), firings("a", 0, 1))), "the alerts behind it are delivered")
	require.Eventually(t, func() bool {
		aside, err := filepath.Glob(filepath.Join(dir, "*.damaged"))
		return err == nil && len(aside) == 1
	}, 5*time.Second, time.Millisecond)
}

func TestPostThatIsSpooledIsAnsweredAccepted(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		file string
		max  int64
		code int
		text []string
	}{
		"all kept":            {"dataset-compromise.json", 0, http.StatusAccepted, []string{outcomeSpooled}},
		"some to a person":    {"other-assets.json", 0, http.StatusAccepted, []string{outcomeSpooled, outcomeSpooled, outcomeSpooled}},
		"no room":             {"dataset-compromise.json", 1, http.StatusServiceUnavailable, []string{outcomeFailed}},
		"the end is kept too": {"resolved.json", 0, http.StatusAccepted, []string{outcomeSpooled}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, logs := newIntake(t, &fakeTemporal{})
			in.temporal = newTestCoalescer(t, &fakeSender{failure: errors.New("away")}, testSpool(t, t.TempDir(), spool.Options{MaxBytes: c.max}))
			code, a := send(t, in, alertPost(bytes.NewReader(alertFile(t, c.file))))
			require.Equal(t, c.code, code, a)
			for i, want := range c.text {
				require.Equal(t, want, a.Alerts[i].Outcome)
				if want == outcomeSpooled {
					require.Empty(t, a.Alerts[i].IncidentID, "Temporal has not said yet which incident it is")
				}
			}
			require.Contains(t, logs.String(), "raw_sha256=")
			require.Contains(t, metricsText(t, in.metrics), `outcome="`+c.text[0]+`",source="alertmanager"} `+strconv.Itoa(len(c.text)))
		})
	}
}

func TestOpenSpool(t *testing.T) {
	t.Parallel()
	s, err := openSpool("", 1, discard())
	require.NoError(t, err)
	require.Nil(t, s, "without a folder there is none")
	_, err = openSpool(t.TempDir(), 0, discard())
	require.ErrorContains(t, err, "--spool-mib 0: want at least 1")
	dir := t.TempDir()
	s, err = openSpool(dir, 1, discard())
	require.NoError(t, err)
	_, err = openSpool(dir, 1, discard())
	require.ErrorIs(t, err, spool.ErrLocked)
	require.ErrorContains(t, err, "--spool")
	require.NoError(t, s.Close())

	logs := &lockedBuffer{}
	require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("segment-%016d", 7)), []byte("something else that is here"), 0o600))
	s, err = openSpool(dir, 1, newLogger(logs))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.Contains(t, logs.String(), "a part of the spool cannot be read")
}
