package legal

// Profile says which duties the operator of the affected systems may have. It is the union of their regulatory profiles: the
// worst case.
type Profile struct {
	// AIActRoles are provider or deployer.
	AIActRoles    []string `json:"ai_act_roles,omitempty"`
	AIActHighRisk bool     `json:"ai_act_high_risk,omitempty"`
	// GDPRRoles are controller or processor. LeadAuthority is the lead supervisory authority.
	GDPRRoles       []string   `json:"gdpr_roles,omitempty"`
	LeadAuthority   string     `json:"lead_authority,omitempty"`
	NIS2            bool       `json:"nis2,omitempty"`
	FinancialEntity bool       `json:"financial_entity,omitempty"`
	PublicCompany   bool       `json:"public_company,omitempty"`
	HIPAA           []string   `json:"hipaa,omitempty"`
	GPAISystemic    bool       `json:"gpai_systemic,omitempty"`
	Frontier        bool       `json:"frontier_developer,omitempty"`
	USStates        []string   `json:"us_states,omitempty"`
	Contracts       []Contract `json:"contracts,omitempty"`
	// Also names regimes that the organisation's counsel switched on, although the table leaves them off or the inventory
	// cannot tell that they apply. A name also stands for the regimes that begin with it and a hyphen.
	Also []string `json:"also,omitempty"`
	// Owners are the named legal owner, the deputy and the general counsel, in this order.
	Owners []string `json:"owners,omitempty"`
	// Drill replaces every recipient by the drill's roster. Compress, if more than one, makes every clock so many times as
	// fast.
	Drill    bool `json:"drill,omitempty"`
	Compress int  `json:"compress,omitempty"`
}

// Contract is a notice that a customer or partner was promised, in hours.
type Contract struct {
	Party       string `json:"party"`
	NotifyHours int    `json:"notify_hours"`
}

// Categories of personal data, as the inventory's datasets bear them.
const (
	CategoryPersonal = "personal"
	CategorySpecial  = "special"
	CategoryPHI      = "phi"
	CategoryChildren = "children"
	CategoryPayment  = "payment"
)

// Data is what is known of the personal data concerned. Counts are the inventory's estimates of all subjects, not of those
// really concerned; a count of zero is unknown and is taken for the worst case.
type Data struct {
	Categories []string `json:"categories,omitempty"`
	Subjects   int      `json:"subjects,omitempty"`
	// Residents counts subjects by jurisdiction, e.g. DE, or US-CA for a State, sorted by jurisdiction.
	Residents []Residents `json:"residents,omitempty"`
	// Roles are our roles for the datasets: controller or processor.
	Roles []string `json:"roles,omitempty"`
}

// Residents are the subjects in one jurisdiction.
type Residents struct {
	Jurisdiction string `json:"jurisdiction"`
	Count        int    `json:"count"`
}

// Calendar is how a duration is counted.
type Calendar string

// The calendars. NoCalendar means "without undue delay" or "immediately": there is no computed deadline but a stopwatch,
// and a target if counsel sets one.
const (
	Hours        Calendar = "hours"
	BusinessDays Calendar = "business_days"
	Days         Calendar = "days"
	Months       Calendar = "months"
	NoCalendar   Calendar = "none"
)

// Rule is how a clock's deadline follows from its anchors. Every clock carries its own copy.
type Rule struct {
	Trigger []Anchor `json:"trigger"`
	// Amount is in the unit of the calendar, counted from the first trigger.
	Amount int `json:"amount,omitempty"`
	// CapHours, counted from the second trigger, is an outer limit; the earlier of both wins. If the first trigger lies
	// after that limit, LateHours from the first trigger count instead (RTS 2025/301 Art. 5(2)).
	CapHours  int `json:"cap_hours,omitempty"`
	LateHours int `json:"late_hours,omitempty"`
	// YearEnd counts from the end of the trigger's calendar year.
	YearEnd bool `json:"year_end,omitempty"`
	// ChainTo names the regimes whose filing is the anchor. The first filing counts, or with ChainLatest the latest.
	ChainTo     []string `json:"chain_to,omitempty"`
	ChainLatest bool     `json:"chain_latest,omitempty"`
	// Repeats starts the clock again from each filing of its own.
	Repeats  bool      `json:"repeats,omitempty"`
	Business *Business `json:"business,omitempty"`
	Compress int       `json:"compress,omitempty"`
}

// Business is a calendar of business days. Days are counted at a fixed offset from UTC, and end at a fixed time in UTC: both
// are chosen so that a deadline is never later than the legal one, in summer or winter.
type Business struct {
	OffsetMinutes int `json:"offset_minutes"`
	// EndMinutes is when a day ends, in minutes after midnight UTC.
	EndMinutes int `json:"end_minutes"`
	// Holidays and Through are dates, e.g. 2026-11-26. No deadline is computed beyond Through, the last day that the list of
	// holidays covers.
	Holidays []string `json:"holidays"`
	Through  string   `json:"through"`
}
