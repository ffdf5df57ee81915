package main

import (
	"bytes"
	"io"
	"net/http/httptest"
	"testing"
	"time"
)

// BenchmarkRepeatedPosts is what a repetition in a storm costs, from its bytes to its answer, without the network.
func BenchmarkRepeatedPosts(b *testing.B) {
	in, _ := newIntake(b, &fakeTemporal{})
	in.log = newLogger(io.Discard)
	c := newCoalescer(&fakeSender{seen: map[string]bool{}}, nil, pace{10 * time.Millisecond, time.Second}, in.log, in.metrics)
	b.Cleanup(c.close)
	in.temporal = c
	raw := alertFile(b, "dataset-compromise.json")
	h := in.routes()
	b.SetParallelism(1024)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, alertPost(bytes.NewReader(raw)))
			if w.Code != 200 {
				b.Errorf("answered %d: %s", w.Code, w.Body)
			}
		}
	})
}
