package runbook

// Instructions are what a person does in place of an action, and what shows that it worked.
type Instructions struct {
	// Do are the acts in their order. Words in capitals stand for what the target's line or the inventory says.
	Do []string `json:"do"`
	// Prove are the observations to make and to write down. An act without its proof is not containment.
	Prove []string `json:"prove"`
}

// ByHand says how to do an action of the catalogue without firebreak, with the platforms' own tools and break-glass
// credentials. It reports false for an action that it does not know.
func ByHand(action string) (Instructions, bool) {
	switch action {
	case "vault.revoke":
		return revokeByHand(), true
	case "endpoint.disable":
		return disableByHand(), true
	case "endpoint.enable":
		return enableByHand(), true
	case "checkpoint.rollback":
		return rollbackByHand(), true
	case "dataset.snapshot", "checkpoint.snapshot", "log.snapshot":
		return snapshotByHand(), true
	case "consumer.throttle", "consumer.block", "consumer.unblock", "consumer.restore":
		return consumerByHand(action), true
	case "legal.notify":
		return notifyByHand(), true
	}
	return Instructions{}, false
}

func revokeByHand() Instructions {
	return Instructions{
		Do: []string{
			"Save the definition first, it is needed to issue again later: `vault read -format=json MOUNT/roles/ROLE > ROLE.json` (AppRole: `vault read -format=json auth/approle/role/ROLE`).",
			"Keep one credential that was issued before, or issue one now: it is the canary of the proof.",
			"Stop re-issue before anything is revoked: `vault delete MOUNT/roles/ROLE` (AppRole: `vault delete auth/approle/role/ROLE`).",
			"Lease: `vault lease revoke -sync -prefix LEASE_PREFIX`, with the slash at the end.",
			"AppRole: list `vault list auth/token/accessors`, look each up with `vault token lookup -accessor ACCESSOR`, and revoke those whose role_name is ROLE: `vault token revoke -accessor ACCESSOR`.",
			"Single token: `vault token revoke -accessor ACCESSOR`.",
			"API key, cloud role or hub token: block it at its issuer (gateway, cloud console, hub) and rotate it there; Vault cannot.",
		},
		Prove: []string{
			"`vault list sys/leases/lookup/LEASE_PREFIX` finds nothing, or no accessor of the role is left.",
			"The canary is used against the real service and is refused. Write down the exact answer.",
		},
	}
}

func disableByHand() Instructions {
	return Instructions{
		Do: []string{
			"Save the object: `kubectl --context CLUSTER -n NAMESPACE get inferenceservice NAME -o yaml > NAME.yaml`.",
			"KServe: `kubectl --context CLUSTER -n NAMESPACE annotate inferenceservice NAME serving.kserve.io/stop=true --overwrite`.",
			"Any other platform: set the route's weight to 0 at the gateway, or apply a NetworkPolicy that denies ingress to the pods. Do not delete the pods.",
		},
		Prove: []string{
			"Call PROBE_URL from outside the cluster, with the inventory's headers, for longer than any cache lives: every call is refused. One answer is not contained.",
		},
	}
}

func enableByHand() Instructions {
	return Instructions{
		Do: []string{
			"Only after the rollback is proved: `kubectl --context CLUSTER -n NAMESPACE annotate inferenceservice NAME serving.kserve.io/stop-`.",
			"Any other platform: restore the saved route or remove the NetworkPolicy.",
		},
		Prove: []string{
			"Call PROBE_URL from outside: every answer carries the known-good checkpoint's digest in the header DIGEST_HEADER. One other digest, or none: stop it again at once.",
		},
	}
}

func rollbackByHand() Instructions {
	return Instructions{
		Do: []string{
			"Keep the endpoint out of service while you do this.",
			"Copy the known-good checkpoint's files to an empty machine and hash them: `aws s3 cp --recursive KNOWN_GOOD_URI ./candidate && cd candidate && find . -type f ! -path ./model.sig | sed 's|^./||' | LC_ALL=C sort | while IFS= read -r f; do sha256sum < \"$f\" | cut -c1-64; done | xxd -r -p | sha256sum`. The result must be the root digest in the inventory. If it is not, stop: there is no known-good.",
			"Point the endpoint at it: `kubectl --context CLUSTER -n NAMESPACE patch inferenceservice NAME --type merge -p '{\"spec\":{\"predictor\":{\"model\":{\"storageUri\":\"KNOWN_GOOD_URI\"}}}}'`.",
		},
		Prove: []string{
			"`kubectl --context CLUSTER -n NAMESPACE get inferenceservice NAME -o jsonpath='{.spec.predictor.model.storageUri}'` is KNOWN_GOOD_URI, and the files in the store hash to the root digest again.",
		},
	}
}

func snapshotByHand() Instructions {
	return Instructions{
		Do: []string{
			"List every version of every object: `aws s3api list-object-versions --bucket BUCKET --prefix PREFIX > versions.json`. Delete markers are evidence too.",
			"Copy each version by its id into the evidence bucket under Object Lock: `aws s3api copy-object --copy-source 'BUCKET/KEY?versionId=VERSION' --bucket EVIDENCE_BUCKET --key CASE/KEY --object-lock-mode LOCK_MODE --object-lock-retain-until-date DATE`. Over 5 GB: `aws s3api upload-part-copy`.",
			"Write a manifest with key, source version id, evidence version id and SHA-256 of each copy, put it into the evidence bucket under the same lock, and write its own SHA-256 on this page.",
		},
		Prove: []string{
			"Read each copy back by its version id (`aws s3api get-object --version-id`) and hash it: it equals the manifest.",
			"`aws s3api delete-object --version-id` of one copy is refused with AccessDenied.",
		},
	}
}

func notifyByHand() Instructions {
	return Instructions{
		Do: []string{
			"Call legal and privacy by phone, from the list on this page. Do not rely on Slack or mail until they are known to be clean.",
			"Say facts only: what was seen and when, which assets and data, what is being done. Draw no conclusion and set no time of awareness: that is for counsel.",
		},
		Prove: []string{"Write down who was told, at what time (UTC), and that they repeated it back."},
	}
}
