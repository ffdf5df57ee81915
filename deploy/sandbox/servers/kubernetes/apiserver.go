package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"

	noopoteltrace "go.opentelemetry.io/otel/trace/noop"
	"k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apiextensions-apiserver/pkg/cmd/server/options"
	generatedopenapi "k8s.io/apiextensions-apiserver/pkg/generated/openapi"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	genericfilters "k8s.io/apiserver/pkg/server/filters"
	"k8s.io/apiserver/pkg/util/openapi"
	"k8s.io/apiserver/pkg/util/webhook"
	"k8s.io/client-go/kubernetes/scheme"
)

// serve runs the API server until ctx ends. Once its kinds are established it
// writes the kubeconfig.
func serve(ctx context.Context, s settings, tokens []credential, bound roles) error {
	o := options.NewCustomResourceDefinitionsServerOptions(os.Stdout, os.Stderr)
	if err := configure(o, s); err != nil {
		return err
	}
	config, err := serverConfig(o, tokens, bound)
	if err != nil {
		return err
	}
	server, err := config.Complete().New(genericapiserver.NewEmptyDelegate())
	if err != nil {
		return fmt.Errorf("assemble API server: %w", err)
	}
	if err := servePods(server.GenericAPIServer, s.pods, s.podsToken); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		if err := establish(ctx, server.GenericAPIServer.LoopbackClientConfig); err != nil {
			cancel(err)
			return
		}
		if err := writeKubeconfig(s, o.RecommendedOptions.SecureServing.ServerCert.CertKey.CertFile, tokens); err != nil {
			cancel(err)
		}
	}()
	if err := server.GenericAPIServer.PrepareRun().RunWithContext(ctx); err != nil {
		return fmt.Errorf("run API server: %w", err)
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// configure sets the options that a cluster would set by flags.
func configure(o *options.CustomResourceDefinitionsServerOptions, s settings) error {
	recommended := o.RecommendedOptions
	recommended.SecureServing.BindAddress = net.IPv4(127, 0, 0, 1)
	recommended.SecureServing.BindPort = s.port
	recommended.SecureServing.ExternalAddress = net.IPv4(127, 0, 0, 1)
	recommended.SecureServing.ServerCert.CertDirectory = "certificates"
	recommended.Etcd.StorageConfig.Transport.ServerList = []string{"unix://" + clientSocket}
	// Priority and fairness needs a core API to read its rules from.
	recommended.Features.EnablePriorityAndFairness = false
	if s.auditLog != "" {
		policy, err := writeAuditPolicy()
		if err != nil {
			return err
		}
		recommended.Audit.PolicyFile = policy
		recommended.Audit.LogOptions.Path = s.auditLog
		// Blocking: an answered request is in the log, so a test may read it.
		recommended.Audit.LogOptions.BatchOptions.Mode = "blocking"
	}
	if err := o.Complete(); err != nil {
		return fmt.Errorf("complete options: %w", err)
	}
	return nil
}

// serverConfig is options.Config without what asks a core API server:
// delegated authentication and authorisation, admission and core informers.
func serverConfig(o *options.CustomResourceDefinitionsServerOptions, tokens []credential, bound roles) (*apiserver.Config, error) {
	recommended := o.RecommendedOptions
	loopback := []net.IP{net.IPv4(127, 0, 0, 1)}
	if err := recommended.SecureServing.MaybeDefaultWithSelfSignedCerts("localhost", nil, loopback); err != nil {
		return nil, fmt.Errorf("create certificate: %w", err)
	}
	generic := genericapiserver.NewRecommendedConfig(apiserver.Codecs)
	apply := []func() error{
		func() error { return o.ServerRunOptions.ApplyTo(&generic.Config) },
		func() error { return recommended.Etcd.ApplyTo(&generic.Config) },
		func() error { return recommended.SecureServing.ApplyToConfig(&generic.Config) },
		func() error { return recommended.Audit.ApplyTo(&generic.Config) },
		func() error { return recommended.Features.ApplyTo(&generic.Config, nil, nil) },
		func() error {
			return o.APIEnablement.ApplyTo(&generic.Config, apiserver.DefaultAPIResourceConfigSource(), apiserver.Scheme)
		},
	}
	for _, step := range apply {
		if err := step(); err != nil {
			return nil, fmt.Errorf("configure API server: %w", err)
		}
	}
	generic.Authentication.Authenticator = requestAuthenticator(tokens)
	generic.Authorization.Authorizer = authorizer.AuthorizerFunc(bound.authorize)
	// A remote command takes the connection over, and a log may be followed: neither ends like a request.
	generic.LongRunningFunc = genericfilters.BasicLongRunningRequestCheck(sets.NewString("watch"), sets.NewString("exec", "log"))
	generic.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(
		openapi.GetOpenAPIDefinitionsWithoutDisabledFeatures(generatedopenapi.GetOpenAPIDefinitions),
		openapinamer.NewDefinitionNamer(apiserver.Scheme, scheme.Scheme))
	return &apiserver.Config{
		GenericConfig: generic,
		ExtraConfig: apiserver.ExtraConfig{
			CRDRESTOptionsGetter: options.NewCRDRESTOptionsGetter(*recommended.Etcd, generic.ResourceTransformers, generic.StorageObjectCountTracker),
			ServiceResolver:      noServices{},
			AuthResolverWrapper:  webhook.NewDefaultAuthenticationInfoResolverWrapper(nil, nil, generic.LoopbackClientConfig, noopoteltrace.NewTracerProvider()),
		},
	}, nil
}

// noServices refuses conversion webhooks, which a cluster finds through its
// Services: there are none here.
type noServices struct{}

func (noServices) ResolveEndpoint(namespace, name string, _ int32) (*url.URL, error) {
	return nil, fmt.Errorf("resolve service %s/%s: this server has no services", namespace, name)
}
