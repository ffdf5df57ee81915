package runbook

import (
	"slices"
	"strings"
)

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
	return byHandOn(action, true)
}

// byHandOn leaves out what is for SageMaker alone where none is concerned.
func byHandOn(action string, sageMaker bool) (Instructions, bool) {
	text, ok := byHand(action)
	if !sageMaker {
		return text, ok
	}
	before := slices.IndexFunc(text.Do, func(line string) bool { return strings.HasPrefix(line, "Any other platform") })
	if before < 0 {
		before = len(text.Do)
	}
	text.Do = slices.Insert(text.Do, before, sageMakerByHand(action)...)
	return text, ok
}

func byHand(action string) (Instructions, bool) {
	switch action {
	case "vault.revoke":
		return revokeByHand(), true
	case "vault.rotate":
		return rotateByHand(), true
	case "vault.withdraw":
		return withdrawByHand(), true
	case "vault.destroy":
		return destroyByHand(), true
	case "endpoint.disable":
		return disableByHand(), true
	case "endpoint.isolate":
		return isolateByHand(), true
	case "endpoint.shift":
		return shiftByHand(), true
	case "endpoint.enable":
		return enableByHand(), true
	case "checkpoint.rollback":
		return rollbackByHand(), true
	case "checkpoint.verify":
		return verifyByHand(), true
	case "registry.quarantine":
		return quarantineByHand(), true
	case "dataset.snapshot", "checkpoint.snapshot", "log.snapshot":
		return snapshotByHand(), true
	case "replica.capture":
		return captureByHand(), true
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
			"Lease, database login or cloud key: `vault lease revoke -sync -prefix LEASE_PREFIX`, with the slash at the end. Session tokens of STS cannot be revoked: attach a policy that denies tokens issued before now (aws:TokenIssueTime).",
			"Database: end what is open, too: `select pg_terminate_backend(pid) from pg_stat_activity where usesysid is not null and usename is null` ends the sessions of dropped logins.",
			"Secret ids: leave the role, and for each accessor `vault write auth/approle/role/ROLE/secret-id-accessor/destroy secret_id_accessor=ACCESSOR`; then revoke the role's tokens as below, which outlive their secret ids.",
			"Certificate: `vault write MOUNT/revoke serial_number=SERIAL` for each serial.",
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

func rotateByHand() Instructions {
	return Instructions{
		Do: []string{
			"Save the settings: `vault read -format=json MOUNT/keys/KEY > KEY.json`. Encrypt something now and keep the ciphertext: it is the canary of the proof.",
			"Rewrap what must stay readable before anything else (`vault write MOUNT/rewrap/KEY ciphertext=...` after a rotation, before the bar is raised).",
			"`vault write -f MOUNT/keys/KEY/rotate`, then `vault write MOUNT/keys/KEY/config min_decryption_version=NEW_VERSION`.",
		},
		Prove: []string{
			"`vault write MOUNT/rewrap/KEY ciphertext=CANARY` is refused as too old; what you encrypt now can be decrypted.",
		},
	}
}

func withdrawByHand() Instructions {
	return Instructions{
		Do: []string{
			"`vault kv metadata get -mount=MOUNT SECRET_PATH`; write down which versions there are.",
			"`vault kv delete -mount=MOUNT -versions=VERSIONS SECRET_PATH` (undone by `vault kv undelete`).",
			"Have the owner rotate the secret where it is issued: whoever read a copy can use it until then.",
		},
		Prove: []string{"The metadata show a deletion time for each version, and the old secret, used where it is issued, is refused."},
	}
}

func destroyByHand() Instructions {
	return Instructions{
		Do: []string{
			"Only with counsel's release and a second person beside you: it cannot be undone.",
			"`vault kv destroy -mount=MOUNT -versions=VERSIONS SECRET_PATH`; have the owner rotate the secret where it is issued.",
		},
		Prove: []string{"The metadata show each version as destroyed, and the old secret, used where it is issued, is refused."},
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

func isolateByHand() Instructions {
	return Instructions{
		Do: []string{
			"Deny all traffic to the pods, which live on: `kubectl --context CLUSTER -n NAMESPACE apply -f -` with a NetworkPolicy whose podSelector is the REPLICAS_SELECTOR of the inventory, policyTypes [Ingress] and no ingress rule. KServe labels its pods serving.kserve.io/inferenceservice=NAME.",
			"Network policies add up: `kubectl --context CLUSTER -n NAMESPACE get networkpolicy`. Remove every other one that lets traffic in to these pods; save it first.",
			"A Deployment of your own: point its Service's selector at a label that no pod has, and save the selector first.",
			"Any other platform: set the route's weight to 0 at the gateway. Do not delete the replicas.",
		},
		Prove: []string{
			"Call PROBE_URL from outside the cluster, with the inventory's headers, for longer than any cache lives: every call is refused. If the network plug-in does not enforce policies, stop the endpoint instead.",
		},
	}
}

func shiftByHand() Instructions {
	return Instructions{
		Do: []string{
			"Only after the rollback is proved. At the gateway, give the endpoint PERCENT of the traffic and leave the rest on the fallback, or refuse it.",
			"KServe with revisions: put a NetworkPolicy around the revision before (label serving.knative.dev/revision) first, then set spec.predictor.canaryTrafficPercent to PERCENT: KServe gives the rest to the revision before, which is the suspect.",
		},
		Prove: []string{
			"Call PROBE_URL from outside some hundred times: about PERCENT of the calls carry the known-good checkpoint's digest in the header DIGEST_HEADER, and none carries another. One other digest: take the endpoint out of service at once, and never go back to the suspect.",
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

func verifyByHand() Instructions {
	return Instructions{
		Do: []string{
			"Copy the known-good checkpoint's files to an empty machine without network: `aws s3 cp --recursive KNOWN_GOOD_URI ./candidate`. The signing key's public half is in the inventory (signing_keys); write it to KEY.pem.",
			"Check signature and files: `model_signing verify key ./candidate --signature ./candidate/model.sig --public_key KEY.pem`. A file that is missing, unsigned or changed: stop, there is no known-good.",
			"The tokenizer, chat template and adapters that the inventory names are among the signed files. The weights are safetensors; any pickle (.pkl, .pt, .bin) imports nothing but tensors: `python3 -m pickletools FILE | grep -E 'GLOBAL|INST'`. Do not load it.",
			"Ask the registry: the version is not quarantined.",
		},
		Prove: []string{"A second person repeats the check on a copy of their own and writes down the same root digest."},
	}
}

func quarantineByHand() Instructions {
	return Instructions{
		Do: []string{
			"Save the version first: `curl -s \"$MLFLOW_TRACKING_URI/api/2.0/mlflow/model-versions/get?name=NAME&version=VERSION\" > VERSION.json` (tags, aliases, stage).",
			"Tag it: `mlflow.MlflowClient().set_model_version_tag(NAME, VERSION, \"firebreak.status\", \"quarantined\")`.",
			"Delete each alias that points at it: `mlflow.MlflowClient().delete_registered_model_alias(NAME, ALIAS)`. Do not move it to another version: that may deploy it. A version in Production or Staging goes to Archived.",
			"Another registry: a mark that starts no deployment (a rejected SageMaker package can start one).",
		},
		Prove: []string{"`mlflow.MlflowClient().search_model_versions(\"name='NAME'\")` shows the tag, and `get_registered_model(NAME).aliases` has no alias with VERSION. Look again every few minutes: MLflow has no locks."},
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

func captureByHand() Instructions {
	return Instructions{
		Do: []string{
			"Taking a KServe endpoint out of service deletes its pods: capture first, and for two minutes at most. List them: `kubectl --context CLUSTER -n NAMESPACE get pods -l REPLICAS_SELECTOR -o name`. For each POD, in this order:",
			"`kubectl --context CLUSTER -n NAMESPACE exec POD -- sh -c 'ps -ef; ss -tanp' > POD.processes`; without these tools read /proc/*/cmdline and /proc/net/tcp.",
			"`kubectl --context CLUSTER -n NAMESPACE exec POD -- sh -c 'find /mnt/models -type f -exec sha256sum {} +' > POD.files`.",
			"`kubectl --context CLUSTER -n NAMESPACE get POD -o yaml > POD.yaml` (image digest under status.containerStatuses[].imageID); black out the values under env.",
			"`kubectl --context CLUSTER -n NAMESPACE logs --timestamps --all-containers POD > POD.log`, and the route's traffic split. The exact triggering inputs, their times and the model version matter most.",
			"Put the files into the evidence bucket under CASE/volatile/ with a lock: `aws s3api put-object --checksum-algorithm SHA256 --object-lock-mode LOCK_MODE --object-lock-retain-until-date DATE`. Write down what could not be had.",
		},
		Prove: []string{
			"Read each file back by its version id and hash it; `aws s3api delete-object --version-id` of one is refused with AccessDenied.",
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
