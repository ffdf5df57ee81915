package inventory

// Schema is the only value that a document's schema key may have.
const Schema = "ai-assets/v1"

// Inventory is one ai-assets/v1 document. What Parse returned is not to be changed: its lookups would not know.
type Inventory struct {
	Schema             string              `yaml:"schema"`
	Snapshot           Snapshot            `yaml:"snapshot"`
	Accounts           Accounts            `yaml:"accounts"`
	RegulatoryProfiles []RegulatoryProfile `yaml:"regulatory_profiles"`
	People             []Person            `yaml:"people"`
	TrustBoundaries    []TrustBoundary     `yaml:"trust_boundaries"`
	Systems            []System            `yaml:"systems"`
	Models             []Model             `yaml:"models"`
	Checkpoints        []Checkpoint        `yaml:"checkpoints"`
	Datasets           []Dataset           `yaml:"datasets"`
	DatasetVersions    []DatasetVersion    `yaml:"dataset_versions"`
	Lineage            []Edge              `yaml:"lineage"`
	Endpoints          []Endpoint          `yaml:"endpoints"`
	Credentials        []Credential        `yaml:"credentials"`
	Gateways           []Gateway           `yaml:"gateways,omitempty"`
	Pipelines          []Pipeline          `yaml:"pipelines"`
	Stores             []Store             `yaml:"stores"`
	Stakeholders       []Stakeholder       `yaml:"stakeholders"`
	Oncall             Oncall              `yaml:"oncall"`
	SigningKeys        []SigningKey        `yaml:"signing_keys,omitempty"`
	Quarantined        []Quarantined       `yaml:"quarantined,omitempty"`

	// digest is the SHA-256 of the bytes that were loaded, as "sha256:<hex>".
	digest string
	index  *index
	// findings are what others say of the checkpoints.
	findings Findings
}

// Digest identifies the exact document that was loaded.
func (inv *Inventory) Digest() string { return inv.digest }

// Snapshot says when and from what the document was made.
type Snapshot struct {
	GeneratedAt string            `yaml:"generated_at"`
	Source      []string          `yaml:"source"`
	AsOf        map[string]string `yaml:"as_of"`
	Digest      string            `yaml:"digest"`
}

// Accounts lists cloud account ids by purpose.
type Accounts struct {
	Assets   []string `yaml:"assets"`
	Staging  []string `yaml:"staging"`
	Evidence []string `yaml:"evidence"`
}

// RegulatoryProfile says which duties a system's operator has.
type RegulatoryProfile struct {
	ID    string `yaml:"id"`
	AIAct struct {
		Role     string `yaml:"role"`
		Class    string `yaml:"class"`
		AnnexIII string `yaml:"annex_iii"`
	} `yaml:"ai_act"`
	GDPR struct {
		Role   string `yaml:"role"`
		LeadSA string `yaml:"lead_sa"`
	} `yaml:"gdpr"`
	NIS2         string   `yaml:"nis2"`
	DORA         bool     `yaml:"dora"`
	SEC          bool     `yaml:"sec"`
	HIPAA        string   `yaml:"hipaa"`
	GPAISystemic bool     `yaml:"gpai_systemic"`
	CASB53       bool     `yaml:"ca_sb53"`
	USStates     []string `yaml:"us_states"`
	Contracts    []struct {
		Party       string `yaml:"party"`
		NotifyHours int    `yaml:"notify_hours"`
	} `yaml:"contracts"`
	CounselOwner string `yaml:"counsel_owner"`
	ReviewedAt   string `yaml:"reviewed_at"`
}

// Person is somebody who can be paged, asked or told. Role is one of IC, SEC, MLO, DO, SRE, PRIV, LEG, COM, EXE.
type Person struct {
	ID     string   `yaml:"id" json:"id"`
	Role   string   `yaml:"role" json:"role"`
	Slack  string   `yaml:"slack" json:"slack"`
	IDP    string   `yaml:"idp" json:"idp"`
	Groups []string `yaml:"groups" json:"groups,omitempty"`
	Deputy string   `yaml:"deputy" json:"deputy,omitempty"`
	Phone  string   `yaml:"phone" json:"-"`
	Hours  string   `yaml:"hours" json:"hours,omitempty"`
}

// Oncall is where the people who respond look: each incident has its thread in Channel, a Slack channel. Email addresses are
// used while Slack is down or in the blast radius. PageURL is where 'trigger serve' shows its incident page.
type Oncall struct {
	Channel string   `yaml:"channel" json:"channel,omitempty"`
	Email   []string `yaml:"email" json:"email,omitempty"`
	PageURL string   `yaml:"page_url" json:"page_url,omitempty"`
}

// TrustBoundary is a place where less trusted input enters a system.
type TrustBoundary struct {
	ID       string   `yaml:"id"`
	Kind     string   `yaml:"kind"`
	Between  []string `yaml:"between"`
	Controls []string `yaml:"controls"`
	Writers  []string `yaml:"writers"`
}

// System is a product or service that models serve.
type System struct {
	ID             string   `yaml:"id"`
	Purpose        string   `yaml:"purpose"`
	Criticality    string   `yaml:"criticality"`
	HarmDefinition string   `yaml:"harm_definition"`
	Owner          string   `yaml:"owner"`
	DataOwner      string   `yaml:"data_owner"`
	Profile        string   `yaml:"profile"`
	Env            string   `yaml:"env"`
	Boundaries     []string `yaml:"boundaries"`
}

// Model is a family of checkpoints with one purpose.
type Model struct {
	ID       string `yaml:"id"`
	System   string `yaml:"system"`
	Family   string `yaml:"family"`
	Env      string `yaml:"env"`
	Upstream []struct {
		Ref      string `yaml:"ref"`
		Digest   string `yaml:"digest"`
		Boundary string `yaml:"boundary"`
		Licence  string `yaml:"licence"`
	} `yaml:"upstream"`
	// Registry is where the model's versions are registered, if anywhere.
	Registry struct {
		Platform string `yaml:"platform"`
		Name     string `yaml:"name"`
		// Reject says that no pipeline deploys anything because a version is rejected. Only then a version in SageMaker is
		// rejected without a person.
		Reject bool `yaml:"reject,omitempty"`
	} `yaml:"registry,omitempty"`
	Fallback struct {
		Strategy string `yaml:"strategy"`
		Ref      string `yaml:"ref"`
		TestedAt string `yaml:"tested_at"`
	} `yaml:"fallback"`
	TriggerSuite string `yaml:"trigger_suite"`
	EvalGate     struct {
		FunctionalFloor map[string]float64 `yaml:"functional_floor"`
		Safety          map[string]float64 `yaml:"safety"`
	} `yaml:"eval_gate"`
	ContainPolicy struct {
		AutoConfidence float64 `yaml:"auto_confidence"`
		OnTimeout      string  `yaml:"on_timeout"`
	} `yaml:"contain_policy"`
}

// Dataset is a named collection of data with an owner and a legal basis.
type Dataset struct {
	ID      string `yaml:"id"`
	Env     string `yaml:"env"`
	Owner   string `yaml:"owner"`
	Sources []struct {
		Kind        string `yaml:"kind"`
		Ref         string `yaml:"ref"`
		Boundary    string `yaml:"boundary"`
		ContentHash bool   `yaml:"content_hash"`
	} `yaml:"sources"`
	Sensitivity string `yaml:"sensitivity"`
	Subjects    struct {
		Estimate       int            `yaml:"estimate"`
		ByJurisdiction map[string]int `yaml:"by_jurisdiction"`
	} `yaml:"subjects"`
	ControllerRole string `yaml:"controller_role"`
	LegalBasis     string `yaml:"legal_basis"`
	Retention      string `yaml:"retention"`
	Encrypted      struct {
		KMS string `yaml:"kms"`
	} `yaml:"encrypted"`
	ErasureSupported bool `yaml:"erasure_supported"`
}

// Edge is one run of a job that read From and wrote To.
type Edge struct {
	From      string `yaml:"from"`
	Job       string `yaml:"job"`
	Run       string `yaml:"run"`
	To        string `yaml:"to"`
	Source    string `yaml:"source"`
	EventTime string `yaml:"event_time"`
}

// Pipeline is a scheduled job that reads and writes assets.
type Pipeline struct {
	ID     string   `yaml:"id"`
	Kind   string   `yaml:"kind"`
	Env    string   `yaml:"env"`
	Reads  []string `yaml:"reads"`
	Writes []string `yaml:"writes"`
	Pause  struct {
		Method string `yaml:"method"`
	} `yaml:"pause"`
	InFlightPolicy string `yaml:"in_flight_policy"`
}
