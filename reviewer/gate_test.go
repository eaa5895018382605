package reviewer

import (
	"testing"

	"pgregory.net/rapid"

	"proctor/policy"
)

// The table of the security document, and what narrower limits make of it: a word for each authorization from unknown to high.
func TestGateTable(t *testing.T) {
	for _, test := range []struct {
		name   string
		limits Limits
		want   map[Risk]string
	}{
		{"the document's", Limits{}, map[Risk]string{RiskLow: "yyyy", RiskMedium: "yyyy", RiskHigh: "--yy", RiskCritical: "!!!!"}},
		{"cannot be widened", Limits{MaxRisk: RiskCritical, MediumNeeds: AuthUnknown, HighNeeds: AuthUnknown},
			map[Risk]string{RiskLow: "yyyy", RiskMedium: "yyyy", RiskHigh: "--yy", RiskCritical: "!!!!"}},
		{"medium at most", Limits{MaxRisk: RiskMedium}, map[Risk]string{RiskLow: "yyyy", RiskMedium: "yyyy", RiskHigh: "xxxx", RiskCritical: "!!!!"}},
		{"low at most", Limits{MaxRisk: RiskLow}, map[Risk]string{RiskLow: "yyyy", RiskMedium: "xxxx", RiskHigh: "xxxx", RiskCritical: "!!!!"}},
		{"high needs high", Limits{HighNeeds: AuthHigh}, map[Risk]string{RiskLow: "yyyy", RiskMedium: "yyyy", RiskHigh: "---y", RiskCritical: "!!!!"}},
		{"medium needs low", Limits{MediumNeeds: AuthLow}, map[Risk]string{RiskLow: "yyyy", RiskMedium: "-yyy", RiskHigh: "--yy", RiskCritical: "!!!!"}},
		{"medium needs high, so high does", Limits{MediumNeeds: AuthHigh}, map[Risk]string{RiskLow: "yyyy", RiskMedium: "---y", RiskHigh: "---y", RiskCritical: "!!!!"}},
		{"an unknown word leaves the table as it is", Limits{MaxRisk: "odd"}, map[Risk]string{RiskLow: "yyyy", RiskMedium: "yyyy", RiskHigh: "--yy", RiskCritical: "!!!!"}},
	} {
		for risk, row := range test.want {
			for i, auth := range authorizations {
				want := map[byte]policy.Reason{'y': policy.ReasonReviewApproved, '-': policy.ReasonNotAuthorized, 'x': policy.ReasonRiskLimit, '!': policy.ReasonRiskCritical}[row[i]]
				v := Gate(Assessment{Outcome: Allow, Risk: risk, Authorization: auth}, test.limits)
				if v.Reason != want || (v.Status == Approved) != (row[i] == 'y') {
					t.Errorf("%s: risk %s, authorization %s: %s, want %s", test.name, risk, auth, v.Reason, want)
				}
				if v := Gate(Assessment{Outcome: Deny, Risk: risk, Authorization: auth}, test.limits); v.Status != Denied {
					t.Errorf("%s: a denial became %s", test.name, v.Status)
				}
			}
		}
	}
}

// Limits only narrow: what they approve, the document's table approves.
func TestLimitsOnlyNarrow(t *testing.T) {
	words := []string{"", "unknown", "low", "medium", "high", "critical", "odd"}
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) string { return rapid.SampledFrom(words).Draw(t, name) }
		l := Limits{MaxRisk: Risk(draw("max")), MediumNeeds: Authorization(draw("medium")), HighNeeds: Authorization(draw("high"))}
		a := Assessment{Outcome: Outcome(rapid.SampledFrom([]string{"allow", "deny", ""}).Draw(t, "outcome")), Risk: Risk(draw("risk")), Authorization: Authorization(draw("auth"))}
		if Gate(a, l).Status == Approved && Gate(a, Limits{}).Status != Approved {
			t.Fatalf("%+v approves %+v", l, a)
		}
	})
}
