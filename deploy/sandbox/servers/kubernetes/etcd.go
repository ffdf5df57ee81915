package main

import (
	"context"
	"fmt"
	"net/url"
	"os"

	"go.etcd.io/etcd/server/v3/embed"
)

const (
	clientSocket = "etcd-client.sock"
	peerSocket   = "etcd-peer.sock"
)

// startEtcd starts a single etcd member on Unix sockets in the working
// folder and waits until it leads. The sockets keep it out of reach of other
// users of the machine: etcd itself asks for no credential.
func startEtcd(ctx context.Context) (*embed.Etcd, error) {
	client := []url.URL{{Scheme: "unix", Host: clientSocket}}
	peer := []url.URL{{Scheme: "unix", Host: peerSocket}}
	for _, stale := range []string{clientSocket, peerSocket} {
		if err := os.Remove(stale); err != nil && !os.IsNotExist(err) {
			return nil, fmt.Errorf("remove stale socket: %w", err)
		}
	}
	cfg := embed.NewConfig()
	cfg.Dir = "etcd"
	cfg.Name = "sandbox"
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = client, client
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = peer, peer
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	cfg.EnableGRPCGateway = false
	cfg.LogLevel = "error"
	// A sandbox lives for minutes: losing its state with the machine's power
	// costs nothing, and an fsync on every write costs most of a write.
	cfg.UnsafeNoFsync = true
	// A lone member needs no patience with its peers.
	cfg.TickMs, cfg.ElectionMs = 10, 100

	store, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, fmt.Errorf("start etcd: %w", err)
	}
	select {
	case <-store.Server.ReadyNotify():
		return store, nil
	case err := <-store.Err():
		store.Close()
		return nil, fmt.Errorf("run etcd: %w", err)
	case <-ctx.Done():
		store.Close()
		return nil, fmt.Errorf("wait for etcd: %w", ctx.Err())
	}
}
