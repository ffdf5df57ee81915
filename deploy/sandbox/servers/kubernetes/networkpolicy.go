package main

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// networkPolicies is the part of networking.k8s.io/v1 that isolation uses. A cluster has it built in; this server has no
// built-in kinds but its own, so that it is a definition like any other. As in a cluster nothing here enforces a policy:
// that is the network's part.
func networkPolicies() *apiextensionsv1.CustomResourceDefinition {
	open := true
	anything := apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: &open}
	rules := apiextensionsv1.JSONSchemaProps{Type: "array", Items: &apiextensionsv1.JSONSchemaPropsOrArray{Schema: &anything}}
	spec := apiextensionsv1.JSONSchemaProps{
		Type: "object", Required: []string{"podSelector"},
		Properties: map[string]apiextensionsv1.JSONSchemaProps{
			"podSelector": anything, "ingress": rules, "egress": rules,
			"policyTypes": {Type: "array", Items: &apiextensionsv1.JSONSchemaPropsOrArray{Schema: &apiextensionsv1.JSONSchemaProps{
				Type: "string", Enum: []apiextensionsv1.JSON{{Raw: []byte(`"Ingress"`)}, {Raw: []byte(`"Egress"`)}}}}},
		},
	}
	return &apiextensionsv1.CustomResourceDefinition{
		// A definition in a group of Kubernetes' own must say who approved it.
		ObjectMeta: metav1.ObjectMeta{Name: "networkpolicies.networking.k8s.io", Annotations: map[string]string{
			apiextensionsv1.KubeAPIApprovedAnnotation: "unapproved, a sandbox without the built-in kinds"}},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "networking.k8s.io",
			Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{
				Plural: "networkpolicies", Singular: "networkpolicy", Kind: "NetworkPolicy", ListKind: "NetworkPolicyList", ShortNames: []string{"netpol"},
			},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
					Type: "object", Properties: map[string]apiextensionsv1.JSONSchemaProps{"spec": spec},
				}},
			}},
		},
	}
}
