package main

import (
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// writeKubeconfig writes a kubeconfig with one context for each user of the
// token file; the first is the current one. The file appears whole, so that
// its presence says that the server is ready.
func writeKubeconfig(s settings, certFile string, tokens []credential) error {
	if s.kubeconfig == "" {
		return nil
	}
	authority, err := os.ReadFile(certFile)
	if err != nil {
		return fmt.Errorf("read certificate: %w", err)
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["sandbox"] = &clientcmdapi.Cluster{
		Server:                   fmt.Sprintf("https://127.0.0.1:%d", s.port),
		CertificateAuthorityData: authority,
	}
	for _, c := range tokens {
		config.AuthInfos[c.user] = &clientcmdapi.AuthInfo{Token: c.token}
		config.Contexts[c.user] = &clientcmdapi.Context{Cluster: "sandbox", AuthInfo: c.user}
	}
	config.CurrentContext = tokens[0].user
	content, err := clientcmd.Write(*config)
	if err != nil {
		return fmt.Errorf("encode kubeconfig: %w", err)
	}
	part := filepath.Join(filepath.Dir(s.kubeconfig), "."+filepath.Base(s.kubeconfig)+".part")
	if err := os.WriteFile(part, content, 0o600); err != nil {
		return fmt.Errorf("write kubeconfig: %w", err)
	}
	if err := os.Rename(part, s.kubeconfig); err != nil {
		return fmt.Errorf("publish kubeconfig: %w", err)
	}
	return nil
}
