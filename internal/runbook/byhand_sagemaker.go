package runbook

// sageMakerByHand is what is done, and how it is proved, on an endpoint or a model package of SageMaker. CLUSTER is the region.
func sageMakerByHand(action string) []string {
	const at = " --region CLUSTER"
	switch action {
	case "endpoint.disable":
		return []string{
			"SageMaker: save `aws sagemaker describe-endpoint --endpoint-name NAME" + at + " > NAME.json`, and for a COMPONENT `aws sagemaker describe-inference-component --inference-component-name COMPONENT" + at + " > COMPONENT.json`.",
			"SageMaker, a COMPONENT: if `aws application-autoscaling describe-scalable-targets --service-namespace sagemaker --resource-ids inference-component/COMPONENT" + at + "` knows it, suspend its scaling first, which would bring it back: `aws application-autoscaling register-scalable-target --service-namespace sagemaker --scalable-dimension sagemaker:inference-component:DesiredCopyCount --resource-id inference-component/COMPONENT --suspended-state DynamicScalingInSuspended=true,DynamicScalingOutSuspended=true,ScheduledScalingSuspended=true" + at + "`. Then `aws sagemaker update-inference-component-runtime-config --inference-component-name COMPONENT --desired-runtime-config CopyCount=0" + at + "`.",
			"SageMaker, a variant PARKED that refuses: `aws sagemaker update-endpoint-weights-and-capacities --endpoint-name NAME --desired-weights-and-capacities VariantName=VARIANT,DesiredWeight=0 VariantName=PARKED,DesiredWeight=1" + at + "`. A configuration that refuses: `aws sagemaker update-endpoint --endpoint-name NAME --endpoint-config-name CONFIG" + at + "`; until it is InService the model answers. With neither, `aws sagemaker delete-endpoint` is all that is left: its configuration and models survive it, its scaling and tags do not.",
		}
	case "endpoint.isolate":
		return []string{"SageMaker: only an endpoint with a variant PARKED can be isolated; set the weights as for taking it out of service. A caller that names a variant (TargetVariant) still reaches it."}
	case "endpoint.shift":
		return []string{"SageMaker with a variant PARKED: `aws sagemaker update-endpoint-weights-and-capacities --endpoint-name NAME --desired-weights-and-capacities VariantName=VARIANT,DesiredWeight=PERCENT VariantName=PARKED,DesiredWeight=REST" + at + "`, where REST is 100 less PERCENT."}
	case "endpoint.enable":
		return []string{"SageMaker: set CopyCount, weights or configuration as saved (NAME.json, COMPONENT.json; firebreak's own books are the tags firebreak:copies, firebreak:weights, firebreak:config and firebreak:scaling), end the suspension of the scaling, and remove these tags and firebreak:incident. Wait for InService: it must be the configuration that you gave it, and not the one before."}
	case "checkpoint.rollback":
		return []string{"SageMaker: `aws sagemaker describe-model`, and create a model that is the same but loads KNOWN_GOOD_URI (`aws sagemaker create-model`). A COMPONENT: `aws sagemaker update-inference-component` with that model in its specification. Otherwise create a configuration that is the same but for that model (`aws sagemaker create-endpoint-config`), and `aws sagemaker update-endpoint --endpoint-name NAME --endpoint-config-name NEW --retain-all-variant-properties" + at + "`; a parked endpoint gets it only when it is put back into service."}
	case "registry.quarantine":
		return []string{"SageMaker: pause the EventBridge rules that match \"SageMaker Model Package State Change\" first, for a rejection may make a pipeline deploy another version. `aws sagemaker describe-model-package --model-package-name ARN > PACKAGE.json`, then `aws sagemaker update-model-package --model-package-arn ARN --model-approval-status Rejected`; `aws sagemaker list-model-packages --model-package-group-name NAME` shows it."}
	}
	return nil
}
