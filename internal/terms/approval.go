package terms

import (
	"proctor/internal/config"
	"proctor/policy"
)

// Approval is the approval policy of the configuration as decisions know it.
func Approval(p config.ApprovalPolicy) policy.ApprovalPolicy {
	return policy.ApprovalPolicy{Mode: policy.ApprovalMode(p.Mode), Categories: policy.Categories(p.Granular)}
}
