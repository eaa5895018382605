package config

// Requirements are the managed constraints after composing their files. A nil
// list or pointer means "not constrained"; an empty non-nil list allows nothing.
type Requirements struct {
	AllowedApprovalPolicies []ApprovalPolicy
	AllowedReviewers        []Reviewer
	AllowedSandboxModes     []SandboxMode
	AllowedWebSearchModes   []WebSearchMode
	AllowedProfiles         map[string]bool // nil = any
	DefaultPermissions      string
	AllowLoginShell         *bool
	DenyRead                []string
	PolicyConfig            string // guardian_policy_config, blank counts as unset
	ExtraPolicy             string // guardian_extra_policy
	Rules                   []PrefixRule
	Network                 NetworkRequirements
	Features                map[string]bool
	MCPServers              map[string]MCPIdentity // nil = any
	AllowManagedHooksOnly   bool
	RequiredOnModels        []string
	IgnoreRules             []string
	Review                  ReviewThresholds // [proctor.review], ours; empty fields do not constrain
	LoginMethods            []string         // chatgpt, api; nil = any
	Residency               string           // us, empty = anywhere
	DeveloperInstructions   string           // added to the configured ones

	files []string // sources that exist, strongest first
	tree  *node    // composed
}

// PrefixRule is one managed exec rule. Each element of Pattern is the list of
// words that position accepts.
type PrefixRule struct {
	Pattern           [][]string
	Decision          string // prompt, prompt-user or forbidden
	Justification     string
	CanonicalMatching bool
	Origin            Origin
}

// MCPIdentity is what a server on the managed list must be.
type MCPIdentity struct {
	Command string
	URL     string
}

// Sources are the requirement files that were found, strongest first.
func (r Requirements) Sources() []string { return r.files }
