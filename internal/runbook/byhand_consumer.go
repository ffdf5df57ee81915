package runbook

// consumerByHand is what is done to a key at LiteLLM's proxy. ADMIN_KEY is the key for administration.
func consumerByHand(action string) Instructions {
	call := func(path, body string) string {
		return "`curl -X POST GATEWAY/key/" + path + " -H \"Authorization: Bearer $ADMIN_KEY\" -H 'litellm-changed-by: YOUR_NAME' -H 'Content-Type: application/json' -d '" + body + "'`."
	}
	save := "Save what the gateway knows first: `curl \"GATEWAY/key/info?key=KEY_HASH\" -H \"Authorization: Bearer $ADMIN_KEY\" > KEY_HASH.json`. Use the hash, never the key itself. The file can hold secrets of loggers: keep it as one."
	canary := "Issue a key of your own for ROUTE (`/key/generate`) and call every one of INSTANCES with it: it is the canary, to which you do the same."
	others := "Call with another key outside the cluster before and after: it is served as fast as before."
	switch action {
	case "consumer.throttle":
		return Instructions{
			Do: []string{save, canary, call("update", `{"key": "KEY_HASH", "rpm_limit": 2, "tpm_limit": 1000, "max_parallel_requests": 1, "aliases": {"ROUTE": "STRIPPED"}}`) + " Leave aliases out if there is no stripped route."},
			Prove: []string{
				"Wait until the caches are over. Call the instances in turn with the canary, oftener than the cap: not more than the cap is served in a minute by all of them together, and answers hold one choice and no logprobs.",
				others,
			},
		}
	case "consumer.block":
		return Instructions{
			Do:    []string{save, canary, call("block", `{"key": "KEY_HASH"}`)},
			Prove: []string{"Wait until the caches are over. Call every one of INSTANCES with the canary: each answers 401, Key is blocked. One answer is not contained.", others},
		}
	case "consumer.unblock":
		return Instructions{
			Do:    []string{"Only what was blocked in this incident: " + call("unblock", `{"key": "KEY_HASH"}`)},
			Prove: []string{"Once the caches are over, the canary that was blocked beside it is served by every one of INSTANCES after you unblock it too."},
		}
	}
	return Instructions{
		Do:    []string{"Put the values back that KEY_HASH.json holds, null included: " + call("update", `{"key": "KEY_HASH", "rpm_limit": SAVED, "tpm_limit": SAVED, "max_parallel_requests": SAVED, "aliases": SAVED}`)},
		Prove: []string{"`/key/info` answers with the saved values, and the canary with its own limits taken away is served oftener than the cap allowed."},
	}
}
