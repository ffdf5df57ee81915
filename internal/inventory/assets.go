package inventory

// Checkpoint is one trained version of a model. RootDigest is the OpenSSF Model Signing root digest of its files.
type Checkpoint struct {
	ID         string `yaml:"id" json:"id"`
	Model      string `yaml:"model" json:"model"`
	RootDigest string `yaml:"root_digest" json:"root_digest"`
	OMSBundle  string `yaml:"oms_bundle" json:"oms_bundle,omitempty"`
	Signer     struct {
		Key          string `yaml:"key" json:"key,omitempty"`
		TrustedUntil string `yaml:"trusted_until" json:"trusted_until,omitempty"`
	} `yaml:"signer" json:"signer"`
	SignedAt string   `yaml:"signed_at" json:"signed_at,omitempty"`
	TSA      string   `yaml:"tsa" json:"-"`
	Files    Carriers `yaml:"files" json:"files,omitzero"`
	// Interface names what callers rely on: features, prompt and form of the answer. Checkpoints of different interfaces
	// cannot stand in for one another; empty means that nobody said.
	Interface string `yaml:"interface,omitempty" json:"interface,omitempty"`
	// RegistryVersion is the version in the model's registry; empty means what follows the @ in the id.
	RegistryVersion string `yaml:"registry_version,omitempty" json:"registry_version,omitempty"`
	// URI is the S3 prefix that holds the files. A version id on a prefix pins nothing and is ignored: RootDigest pins.
	URI   string `yaml:"uri" json:"uri"`
	Size  int64  `yaml:"size" json:"size"`
	Built struct {
		RunID       string   `yaml:"run_id"`
		CodeCommit  string   `yaml:"code_commit"`
		ImageDigest string   `yaml:"image_digest"`
		Started     string   `yaml:"started"`
		Finished    string   `yaml:"finished"`
		Base        string   `yaml:"base"`
		Datasets    []string `yaml:"datasets"`
	} `yaml:"built" json:"-"`
	Parents   []string `yaml:"parents" json:"-"`
	Derived   []string `yaml:"derived" json:"-"`
	Promotion struct {
		Stage string   `yaml:"stage" json:"stage,omitempty"`
		By    string   `yaml:"by" json:"by,omitempty"`
		At    string   `yaml:"at" json:"at,omitempty"`
		Evals []string `yaml:"evals" json:"evals,omitempty"`
	} `yaml:"promotion" json:"promotion"`
	Served       []Served `yaml:"served" json:"-"`
	Status       string   `yaml:"status" json:"status"`
	StatusReason string   `yaml:"status_reason" json:"-"`
}

// Carriers are the parts of a checkpoint that can carry an attack, all of which its root digest covers. Tokenizer and
// ChatTemplate are file names, Adapters are names of files or folders, Weights and Quantization are formats. "none" and
// empty mean that there is none.
type Carriers struct {
	Weights      string   `yaml:"weights" json:"weights,omitempty"`
	Tokenizer    string   `yaml:"tokenizer" json:"tokenizer,omitempty"`
	ChatTemplate string   `yaml:"chat_template" json:"chat_template,omitempty"`
	Adapters     []string `yaml:"adapters" json:"adapters,omitempty"`
	Quantization string   `yaml:"quantization" json:"quantization,omitempty"`
}

// Served is a time during which a checkpoint was in production; To is nil while it still is.
type Served struct {
	From string  `yaml:"from"`
	To   *string `yaml:"to"`
}

// DatasetVersion is one immutable version of a dataset.
type DatasetVersion struct {
	ID         string `yaml:"id" json:"id"`
	Dataset    string `yaml:"dataset" json:"dataset"`
	RootDigest string `yaml:"root_digest" json:"root_digest"`
	Manifest   string `yaml:"manifest" json:"manifest,omitempty"`
	// URI is the S3 prefix that holds the objects.
	URI      string   `yaml:"uri" json:"uri"`
	Writer   string   `yaml:"writer" json:"writer,omitempty"`
	Created  string   `yaml:"created" json:"created,omitempty"`
	Parents  []string `yaml:"parents" json:"-"`
	Labelers []string `yaml:"labelers" json:"-"`
	DQ       []string `yaml:"dq" json:"-"`
	Verified bool     `yaml:"verified" json:"verified"`
	Status   string   `yaml:"status" json:"status"`
}

// Endpoint is a place where a model answers.
type Endpoint struct {
	ID      string  `yaml:"id" json:"id"`
	Model   string  `yaml:"model" json:"model"`
	Alias   string  `yaml:"alias" json:"alias"`
	Env     string  `yaml:"env" json:"env"`
	Serving Serving `yaml:"serving" json:"serving"`
	// Exposure is public, partner or internal.
	Exposure string   `yaml:"exposure" json:"exposure"`
	Authn    []string `yaml:"authn" json:"authn,omitempty"`
	Disable  struct {
		Method    string `yaml:"method" json:"method,omitempty"`
		ConfigRef string `yaml:"config_ref" json:"config_ref,omitempty"`
	} `yaml:"disable" json:"disable"`
	Throttle struct {
		Gateway string `yaml:"gateway"`
		PlanRef string `yaml:"plan_ref"`
	} `yaml:"throttle" json:"-"`
	OutputPolicy struct {
		Logprobs  bool `yaml:"logprobs"`
		TopK      int  `yaml:"top_k"`
		MaxTokens int  `yaml:"max_tokens"`
	} `yaml:"output_policy" json:"-"`
	Probe   Probe    `yaml:"probe" json:"probe"`
	Tenants []Tenant `yaml:"tenants" json:"tenants,omitempty"`
	// LogStream is the S3 URI of the endpoint's request log, or a name that no store of ours holds.
	LogStream string `yaml:"log_stream" json:"log_stream,omitempty"`
}

// Tenant is a customer of an endpoint. What happens to an allow-listed one is always a person's decision.
type Tenant struct {
	ID           string `yaml:"id" json:"id"`
	Tier         string `yaml:"tier" json:"tier,omitempty"`
	Allowlisted  bool   `yaml:"allowlisted" json:"allowlisted,omitempty"`
	AccountOwner string `yaml:"account_owner" json:"account_owner,omitempty"`
}

// Serving names the platform object behind an endpoint. For kserve and k8s, Cluster is the kubeconfig context; for sagemaker it
// is the AWS region, and Name is the endpoint's.
type Serving struct {
	Platform         string `yaml:"platform" json:"platform"`
	Cluster          string `yaml:"cluster" json:"cluster"`
	Namespace        string `yaml:"namespace" json:"namespace"`
	Name             string `yaml:"name" json:"name"`
	Route            string `yaml:"route" json:"route,omitempty"`
	ReplicasSelector string `yaml:"replicas_selector" json:"replicas_selector,omitempty"`
	// Component is the inference component of a SageMaker endpoint that serves the model, if it has components.
	Component string `yaml:"component,omitempty" json:"component,omitempty"`
	// Parked is a variant of a SageMaker endpoint whose container only refuses. Its weight is 0 while the model is served.
	Parked string `yaml:"parked,omitempty" json:"parked,omitempty"`
	// Guardrails are how a SageMaker endpoint is given another configuration while it recovers; nil means all at once.
	Guardrails *Guardrails `yaml:"guardrails,omitempty" json:"guardrails,omitempty"`
}

// Guardrails are SageMaker's own for a deployment: Traffic is canary, linear or all-at-once, Percent the size of the canary or
// of a step, Wait how long the alarms are watched after each, and Alarms are those of CloudWatch that turn it back.
type Guardrails struct {
	Traffic string   `yaml:"traffic" json:"traffic"`
	Percent int      `yaml:"percent" json:"percent,omitempty"`
	Wait    string   `yaml:"wait" json:"wait,omitempty"`
	Alarms  []string `yaml:"alarms" json:"alarms,omitempty"`
}

// Probe is how an endpoint is called from outside. ExpectDigestHeader is the response header that carries the digest of
// the checkpoint that answered.
type Probe struct {
	URL                string            `yaml:"url" json:"url"`
	Headers            map[string]string `yaml:"headers" json:"headers,omitempty"`
	ExpectDigestHeader string            `yaml:"expect_digest_header" json:"expect_digest_header"`
}

// Credential is something that lets its holder act on assets. Kind is vault-lease, vault-database, vault-aws, vault-approle,
// vault-secret-id, vault-token, vault-pki, vault-transit, vault-kv, api-key, cloud-role, hub-token, slack-token or idp-token.
type Credential struct {
	ID    string `yaml:"id" json:"id"`
	Kind  string `yaml:"kind" json:"kind"`
	Env   string `yaml:"env" json:"env"`
	Vault struct {
		Mount       string `yaml:"mount" json:"mount,omitempty"`
		Role        string `yaml:"role" json:"role,omitempty"`
		LeasePrefix string `yaml:"lease_prefix" json:"lease_prefix,omitempty"`
		// Accessor names a single token, for the kind vault-token.
		Accessor string `yaml:"accessor" json:"accessor,omitempty"`
		// TokenRef is the KV v2 path (mount/data/name#field) under which the token itself is kept, so that the
		// verifier can use it. It is a path, never the token.
		TokenRef string `yaml:"token_ref" json:"token_ref,omitempty"`
		// SecretIDs are the accessors of an AppRole's secret ids, for vault-secret-id; none means all of the role's.
		SecretIDs []string `yaml:"secret_ids,omitempty" json:"secret_ids,omitempty"`
		// Serials name certificates, for vault-pki, as Vault writes them: 17:84:7f:...
		Serials []string `yaml:"serials,omitempty" json:"serials,omitempty"`
		// Key names a key of the transit engine, for vault-transit.
		Key string `yaml:"key,omitempty" json:"key,omitempty"`
		// Path is where below Mount a KV v2 engine keeps the secret, and Versions are the ones to withdraw; none means all.
		// Any kind may have a path: it is where its holders read it.
		Path     string `yaml:"path,omitempty" json:"path,omitempty"`
		Versions []int  `yaml:"versions,omitempty" json:"versions,omitempty"`
		// Address is the database that a vault-database credential opens, as a URL without user and password.
		Address string `yaml:"address,omitempty" json:"address,omitempty"`
		// SessionsRole is a role of the same database engine whose logins may see and end the sessions of others.
		SessionsRole string `yaml:"sessions_role,omitempty" json:"sessions_role,omitempty"`
	} `yaml:"vault" json:"vault"`
	// Gateway is where a key of the kind api-key is held; without it the key can only be blocked by hand.
	Gateway *GatewayKey `yaml:"gateway,omitempty" json:"gateway,omitempty"`
	Grants  []Grant     `yaml:"grants" json:"grants"`
	Holders []string    `yaml:"holders" json:"holders,omitempty"`
	Shared  bool        `yaml:"shared" json:"shared"`
	Revoke  struct {
		Auto     bool     `yaml:"auto" json:"auto"`
		Approver string   `yaml:"approver" json:"approver"`
		Order    []string `yaml:"order" json:"order,omitempty"`
	} `yaml:"revoke" json:"revoke"`
	Protected bool `yaml:"protected" json:"protected"`
	Reissue   struct {
		How   string `yaml:"how" json:"how,omitempty"`
		Owner string `yaml:"owner" json:"owner,omitempty"`
	} `yaml:"reissue" json:"reissue"`
}

// Grant is what a credential may do with an asset. The asset registry/<family> stands for every checkpoint of the
// models of that family.
type Grant struct {
	Asset string   `yaml:"asset" json:"asset"`
	Verbs []string `yaml:"verbs" json:"verbs"`
}

// Store is an evidence bucket with Object Lock.
type Store struct {
	ID      string `yaml:"id" json:"id"`
	Bucket  string `yaml:"bucket" json:"bucket"`
	Account string `yaml:"account" json:"account"`
	Lock    struct {
		Mode string `yaml:"mode" json:"mode"`
		Days int    `yaml:"days" json:"days"`
		// LegalHold holds each object beside or instead of its retention, until somebody lifts the hold.
		LegalHold bool `yaml:"legal_hold" json:"legal_hold,omitempty"`
	} `yaml:"lock" json:"lock"`
	KMS string `yaml:"kms" json:"kms,omitempty"`
	Env string `yaml:"env" json:"env"`
}

// Stakeholder says who is told about an asset, and in which Slack channel.
type Stakeholder struct {
	Asset    string   `yaml:"asset" json:"asset"`
	Notify   []string `yaml:"notify" json:"notify"`
	Channel  string   `yaml:"channel" json:"channel"`
	Template string   `yaml:"template" json:"template,omitempty"`
	// Email addresses are told by e-mail while Slack is down or in the blast radius. Without any, those of the people of legal
	// and privacy are used.
	Email []string `yaml:"email" json:"email,omitempty"`
}
