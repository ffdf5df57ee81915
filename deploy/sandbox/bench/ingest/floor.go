package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"firebreak/deploy/sandbox/ingest"
	"firebreak/deploy/sandbox/process"
	"firebreak/internal/alert"
)

// startFloor runs this program once more as the server to compare with: a process of its own, as the trigger is.
func startFloor(ctx context.Context, data string) (*process.Process, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", fmt.Errorf("find this program: %w", err)
	}
	port, err := process.FreePort()
	if err != nil {
		return nil, "", err
	}
	address := "127.0.0.1:" + strconv.Itoa(port)
	p, err := process.Start(ctx, process.Command{
		Name: "floor", Path: self, Args: []string{"-serve-floor", address}, Env: process.BaseEnv(data), LogFile: filepath.Join(data, "floor.log"),
		Ready: func(ctx context.Context) error {
			_, err := ingest.Post(ctx, http.DefaultClient, "http://"+address, nil)
			return err
		},
	})
	return p, "http://" + address, err
}

// serveFloor reads, verifies and decodes as the trigger does, and answers as much.
func serveFloor(ctx context.Context, address string) error {
	want := sha256.Sum256([]byte(ingest.Token))
	server := &http.Server{Addr: address, ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if sum := sha256.Sum256([]byte(token)); subtle.ConstantTimeCompare(sum[:], want[:]) != 1 {
			http.Error(w, `{"error":"token"}`, http.StatusUnauthorized)
			return
		}
		raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, alert.MaxBytes))
		var post alert.Post
		if err == nil {
			post, err = alert.DecodeAlertmanager(raw, time.Now().UTC())
		}
		if err != nil {
			http.Error(w, `{"error":"body"}`, http.StatusBadRequest)
			return
		}
		type result struct{ Fingerprint, Asset, Outcome, IncidentID string }
		var answer struct{ Alerts []result }
		for _, s := range post.Signals {
			asset := s.Fields["firebreak_asset"]
			answer.Alerts = append(answer.Alerts, result{s.ID, asset, "joined", ingest.IncidentID(asset)})
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	})}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	if err := server.ListenAndServe(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}
