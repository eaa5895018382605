package reviewer

import (
	"slices"

	"proctor/policy"
)

// Outcome is what a reviewer says.
type Outcome string

// The outcomes.
const (
	Allow Outcome = "allow"
	Deny  Outcome = "deny"
)

// Risk is how much an action can harm.
type Risk string

// The risk levels.
const (
	RiskLow      Risk = "low"
	RiskMedium   Risk = "medium"
	RiskHigh     Risk = "high"
	RiskCritical Risk = "critical"
)

var risks = [...]Risk{RiskLow, RiskMedium, RiskHigh, RiskCritical}

// level orders risks; an unknown word counts as critical.
func (r Risk) level() int {
	if i := slices.Index(risks[:], r); i >= 0 {
		return i
	}
	return len(risks) - 1
}

// Authorization is how clearly the user asked for an action.
type Authorization string

// The authorization levels.
const (
	AuthUnknown Authorization = "unknown"
	AuthLow     Authorization = "low"
	AuthMedium  Authorization = "medium"
	AuthHigh    Authorization = "high"
)

var authorizations = [...]Authorization{AuthUnknown, AuthLow, AuthMedium, AuthHigh}

// level orders authorizations; an unknown word counts as unknown.
func (a Authorization) level() int { return max(slices.Index(authorizations[:], a), 0) }

// Assessment is a reviewer's answer as [Parse] returns it: every field holds one of the words above.
type Assessment struct {
	Outcome       Outcome
	Risk          Risk
	Authorization Authorization
	Rationale     string
}

// Limits are the thresholds of the host. The zero value is that of the security document;
// limits narrow it and cannot widen it.
type Limits struct {
	// MaxRisk is the highest risk that may be approved; high when empty. Critical counts as high.
	MaxRisk Risk
	// MediumNeeds is the authorization that medium risk needs: none when empty.
	MediumNeeds Authorization
	// HighNeeds is the authorization that high risk needs: medium when empty or lower.
	HighNeeds Authorization
}

func (l Limits) maxRisk() int {
	if l.MaxRisk == "" {
		return RiskHigh.level()
	}
	return min(l.MaxRisk.level(), RiskHigh.level())
}

// needs is the authorization that a risk up to high needs.
func (l Limits) needs(risk int) int {
	switch risk {
	case RiskHigh.level():
		return max(l.HighNeeds.level(), l.MediumNeeds.level(), AuthMedium.level())
	case RiskMedium.level():
		return l.MediumNeeds.level()
	}
	return 0
}

// Gate turns an assessment into a verdict. A denial is always obeyed. An allow is obeyed for
// low and medium risk, needs authorization for high, and is overruled for critical
// (security document, "Automatic approval reviews"). An approval counts for this one call:
// that is the narrowness which the host can enforce.
func Gate(a Assessment, l Limits) Verdict {
	v := Verdict{
		Status: Denied, Failure: NoFailure, Outcome: a.Outcome, Risk: a.Risk,
		Authorization: a.Authorization, Rationale: clip(a.Rationale, maxRationale),
	}
	switch risk := a.Risk.level(); {
	case a.Outcome != Allow:
		v.Reason = policy.ReasonReviewDenied
	case risk >= RiskCritical.level():
		v.Reason = policy.ReasonRiskCritical
	case risk > l.maxRisk():
		v.Reason = policy.ReasonRiskLimit
	case a.Authorization.level() < l.needs(risk):
		v.Reason = policy.ReasonNotAuthorized
	default:
		v.Status, v.Reason, v.Scope = Approved, policy.ReasonReviewApproved, Once
	}
	return v
}
