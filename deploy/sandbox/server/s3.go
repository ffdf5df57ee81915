package server

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"

	"firebreak/deploy/sandbox/process"
)

// S3 is a running versitygw: an S3 server with versions and Object Lock, and
// users of its own. Its state survives a Restart.
type S3 struct {
	*process.Process
	// Endpoint is its URL, for AWS_ENDPOINT_URL_S3; buckets are addressed by
	// path. Its admin API (PATCH /create-user, /delete-user) is there too.
	Endpoint string
	// Region is what requests must be signed for.
	Region string
	// AccessKey and SecretKey are the root user's.
	AccessKey string
	SecretKey string
	// AccessLog is the file with one line a request, in the form of S3's
	// server access logs.
	AccessLog string
}

// healthPath shadows a bucket of this name, which no test may use.
const healthPath = "/sandbox-health"

// StartS3 starts binary, versitygw, with its objects and versions in data.
// The file system there must have extended attributes. options are further
// ones of versitygw's own, such as --copy-object-threshold.
func StartS3(ctx context.Context, binary, data string, options ...string) (*S3, error) {
	data, err := makeFolders(data, "buckets", "versions", "iam")
	if err != nil {
		return nil, err
	}
	port, err := process.FreePort()
	if err != nil {
		return nil, err
	}
	listen := fmt.Sprintf("127.0.0.1:%d", port)
	s := &S3{
		Endpoint:  "http://" + listen,
		Region:    "us-east-1",
		AccessKey: newSecret("ROOT")[:20],
		SecretKey: newSecret(""),
		AccessLog: filepath.Join(data, "access.log"),
	}
	s.Process, err = process.Start(ctx, process.Command{
		Name: "versitygw", Path: binary,
		Args: slices.Concat([]string{
			"--port", listen, "--region", s.Region, "--health", healthPath, "--quiet",
			"--access-log", s.AccessLog, "--iam-dir", filepath.Join(data, "iam"),
			// A cached user would still be served for two minutes after its
			// credential is revoked.
			"--iam-cache-disable",
		}, options, []string{"posix", "--versioning-dir", filepath.Join(data, "versions"), filepath.Join(data, "buckets")}),
		// The keys are in the environment, for arguments show in the
		// machine's list of processes.
		Env: append(process.BaseEnv(data), "ROOT_ACCESS_KEY_ID="+s.AccessKey, "ROOT_SECRET_ACCESS_KEY="+s.SecretKey),
		Dir: data, LogFile: filepath.Join(data, "versitygw.log"),
		Ready: answersOK(http.DefaultClient, s.Endpoint+healthPath, nil),
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}
