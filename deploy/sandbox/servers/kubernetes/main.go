// Command kubernetes serves the part of the Kubernetes API that containment
// uses: the API server of k8s.io/apiextensions-apiserver, which is the very
// code that serves custom resources in a cluster, on an etcd of its own, with
// KServe's InferenceService and the NetworkPolicy installed. There are no nodes
// or namespaces; objects may be created in any namespace name. Pods are whose
// address is given with --pods; without it there are none.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// settings are the command line, with every path made absolute.
type settings struct {
	port       int
	data       string
	kubeconfig string
	auditLog   string
	tokenFile  string
	pods       string
	podsToken  string
	roles      []string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "kubernetes:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	tokens, err := readTokens(s.tokenFile)
	if err != nil {
		return err
	}
	bound, err := readRoles(s.roles)
	if err != nil {
		return err
	}
	// etcd's sockets are named relative to the data folder: the path of a
	// Unix socket may not be longer than 108 bytes.
	if err := os.MkdirAll(s.data, 0o700); err != nil {
		return fmt.Errorf("create data folder: %w", err)
	}
	if err := os.Chdir(s.data); err != nil {
		return fmt.Errorf("enter data folder: %w", err)
	}
	store, err := startEtcd(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	return serve(ctx, s, tokens, bound)
}

func parse(args []string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("kubernetes", flag.ContinueOnError)
	flags.IntVar(&s.port, "listen-port", 0, "port on 127.0.0.1 to serve HTTPS on")
	flags.StringVar(&s.data, "data", "", "folder for etcd and the certificate")
	flags.StringVar(&s.kubeconfig, "kubeconfig-out", "", "file that is written once the API answers")
	flags.StringVar(&s.auditLog, "audit-log", "", "file for the audit log of mutating requests, one JSON object a line")
	flags.StringVar(&s.tokenFile, "token-file", "", "file of lines `token,user`")
	flags.StringVar(&s.pods, "pods", "", "URL of what serves pods, events, logs and remote commands")
	flags.StringVar(&s.podsToken, "pods-token-file", "", "file of the bearer token for that")
	flags.Func("role", "`user=file`: the ClusterRole that bounds a user; the others may do everything", func(text string) error {
		s.roles = append(s.roles, text)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if s.port == 0 || s.data == "" || s.tokenFile == "" {
		return s, errors.New("--listen-port, --data and --token-file are needed")
	}
	for _, path := range []*string{&s.data, &s.kubeconfig, &s.auditLog, &s.tokenFile, &s.podsToken} {
		if *path == "" {
			continue
		}
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return s, fmt.Errorf("resolve %s: %w", *path, err)
		}
		*path = absolute
	}
	return s, nil
}
