// Package server starts the sandbox's real servers, each on free ports of
// 127.0.0.1 with its data in a folder of its own, and waits until it does
// what the sandbox needs of it.
package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

// newSecret is 160 random bits in hexadecimal, with prefix before it.
func newSecret(prefix string) string {
	random := make([]byte, 20)
	// crypto/rand.Read never returns an error.
	_, _ = rand.Read(random)
	return prefix + hex.EncodeToString(random)
}

// makeFolders makes the folders under data, readable by their owner alone,
// and returns data as an absolute path: the servers have other working folders.
func makeFolders(data string, names ...string) (string, error) {
	absolute, err := filepath.Abs(data)
	if err != nil {
		return "", fmt.Errorf("resolve data folder: %w", err)
	}
	for _, name := range append(names, "") {
		if err := os.MkdirAll(filepath.Join(absolute, name), 0o700); err != nil {
			return "", fmt.Errorf("create data folder: %w", err)
		}
	}
	return absolute, nil
}

// answersOK is ready when a GET of the URL answers 200.
func answersOK(client *http.Client, url string, header http.Header) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		req.Header = header.Clone()
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("GET %s: status %d", url, resp.StatusCode)
		}
		return nil
	}
}
