package main

import (
	"fmt"
	"os"
)

// auditPolicy keeps what changes the state: who, what and the answer, with
// the object as it was stored (its resourceVersion orders the changes). The
// server's own requests and all reads are left out.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: ["RequestReceived"]
rules:
- level: None
  users: ["system:apiserver"]
- level: None
  verbs: ["get", "list", "watch"]
- level: RequestResponse
  verbs: ["create", "update", "patch", "delete", "deletecollection"]
`

func writeAuditPolicy() (string, error) {
	const path = "audit-policy.yaml"
	if err := os.WriteFile(path, []byte(auditPolicy), 0o600); err != nil {
		return "", fmt.Errorf("write audit policy: %w", err)
	}
	return path, nil
}
