package main

import (
	"context"
	"fmt"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	typedv1 "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset/typed/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
)

// establish creates the kinds through the server's own API as soon as it
// answers, and waits until the server serves them.
func establish(ctx context.Context, config *rest.Config) error {
	client, err := clientset.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("create API client: %w", err)
	}
	definitions := client.ApiextensionsV1().CustomResourceDefinitions()
	for _, wanted := range []*apiextensionsv1.CustomResourceDefinition{inferenceServices(), networkPolicies()} {
		if err := establishOne(ctx, definitions, wanted); err != nil {
			return err
		}
	}
	return nil
}

func establishOne(ctx context.Context, definitions typedv1.CustomResourceDefinitionInterface, wanted *apiextensionsv1.CustomResourceDefinition) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
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
