package config

import (
	"encoding/json"
	"fmt"
)

// ApprovalMode is the word of an approval policy.
type ApprovalMode string

// The approval modes. OnFailure is deprecated and still accepted.
const (
	ApprovalUntrusted ApprovalMode = "untrusted"
	ApprovalOnFailure ApprovalMode = "on-failure"
	ApprovalOnRequest ApprovalMode = "on-request"
	ApprovalNever     ApprovalMode = "never"
	ApprovalGranular  ApprovalMode = "granular"
)

// ApprovalPolicy says when a person or the reviewer is asked. Granular holds the
// categories when Mode is granular and is the zero value otherwise, so policies
// compare with ==.
type ApprovalPolicy struct {
	Mode     ApprovalMode
	Granular Granular
}

// Granular switches categories of questions; false refuses that category.
type Granular struct {
	SandboxApproval    bool `json:"sandbox_approval"`
	Rules              bool `json:"rules"`
	MCPElicitations    bool `json:"mcp_elicitations"`
	RequestPermissions bool `json:"request_permissions"`
	SkillApproval      bool `json:"skill_approval"`
}

// granularRequired are the categories a granular policy must decide.
var granularRequired = [...]string{"sandbox_approval", "rules", "mcp_elicitations"}

// String is the word of the mode; categories are left out.
func (p ApprovalPolicy) String() string { return string(p.Mode) }

// MarshalJSON writes the word, or {"granular":{…}}, as in a configuration file.
func (p ApprovalPolicy) MarshalJSON() ([]byte, error) {
	if p.Mode != ApprovalGranular {
		return json.Marshal(string(p.Mode))
	}
	return json.Marshal(map[string]Granular{"granular": p.Granular})
}

// UnmarshalJSON reads either form of MarshalJSON.
func (p *ApprovalPolicy) UnmarshalJSON(b []byte) error {
	var word string
	if json.Unmarshal(b, &word) == nil {
		*p = ApprovalPolicy{Mode: ApprovalMode(word)}
		return nil
	}
	var table struct {
		Granular *Granular `json:"granular"`
	}
	if err := json.Unmarshal(b, &table); err != nil {
		return fmt.Errorf("read approval policy: %w", err)
	}
	if table.Granular == nil {
		return fmt.Errorf("read approval policy: table without granular")
	}
	*p = ApprovalPolicy{Mode: ApprovalGranular, Granular: *table.Granular}
	return nil
}
