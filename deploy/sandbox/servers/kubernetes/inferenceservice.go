package main

import (
	"context"
	"fmt"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
)

// inferenceServices is KServe's resource with an open schema: the API
// server stores whatever the spec holds, as it does for fields of KServe
// that firebreak does not know.
func inferenceServices() *apiextensionsv1.CustomResourceDefinition {
	open := true
	anything := apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: &open}
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "inferenceservices.serving.kserve.io"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "serving.kserve.io",
			Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{
				Plural: "inferenceservices", Singular: "inferenceservice",
				Kind: "InferenceService", ListKind: "InferenceServiceList", ShortNames: []string{"isvc"},
			},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1beta1", Served: true, Storage: true,
				Subresources: &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{}},
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
					Type:       "object",
					Properties: map[string]apiextensionsv1.JSONSchemaProps{"spec": anything, "status": anything},
				}},
				AdditionalPrinterColumns: []apiextensionsv1.CustomResourceColumnDefinition{
					{Name: "URL", Type: "string", JSONPath: ".status.url"},
					{Name: "Ready", Type: "string", JSONPath: `.status.conditions[?(@.type=="Ready")].status`},
					{Name: "Age", Type: "date", JSONPath: ".metadata.creationTimestamp"},
				},
			}},
		},
	}
}

// establish creates the resource through the server's own API as soon as it
// answers, and waits until the server serves it.
func establish(ctx context.Context, config *rest.Config) error {
	client, err := clientset.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("create API client: %w", err)
	}
	definitions := client.ApiextensionsV1().CustomResourceDefinitions()
	wanted := inferenceServices()
	var last error
	err = wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		if _, last = definitions.Create(ctx, wanted, metav1.CreateOptions{}); last != nil && !apierrors.IsAlreadyExists(last) {
			return false, nil
		}
		var found *apiextensionsv1.CustomResourceDefinition
		if found, last = definitions.Get(ctx, wanted.Name, metav1.GetOptions{}); last != nil {
			return false, nil
		}
		for _, condition := range found.Status.Conditions {
			if condition.Type == apiextensionsv1.Established && condition.Status == apiextensionsv1.ConditionTrue {
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("establish %s: %w (%v)", wanted.Name, err, last)
	}
	return err
}
