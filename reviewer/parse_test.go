package reviewer

import (
	"errors"
	"strings"
	"testing"

	"proctor/policy"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	low := Assessment{Allow, RiskLow, AuthUnknown, stockAllow}
	high := Assessment{Deny, RiskHigh, AuthUnknown, stockDeny}
	for _, test := range []struct {
		name, text string
		want       Assessment
	}{
		{"allow alone", `{"outcome":"allow"}`, low},
		{"deny alone", `{"outcome":"deny"}`, high},
		{"all fields", `{"outcome":"allow","risk_level":"high","user_authorization":"medium","rationale":"r"}`, Assessment{Allow, RiskHigh, AuthMedium, "r"}},
		{"nulls are missing", `{"outcome":"deny","risk_level":null,"user_authorization":null,"rationale":null}`, high},
		{"blank rationale is missing", `{"outcome":"allow","rationale":" \n"}`, low},
		{"unknown member", `{"outcome":"allow","foo":[1,{"outcome":"deny"}]}`, low},
		{"prose around", "Well: {\"outcome\":\"allow\"} so be it", low},
		{"code fence", "```json\n{\"outcome\":\"allow\"}\n```", low},
		{"array of one", `[{"outcome":"allow"}]`, low},
		{"another name by case is another name", `{"outcome":"allow","Outcome":"deny","RISK_LEVEL":"x"}`, low},
	} {
		got, err := Parse(test.text)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", test.name, err, diff)
		}
	}
	for _, text := range []string{
		`nope`, `{}`, `{"Outcome":"allow"}`, `{"outcome":"Allow"}`, `{"outcome":null}`, `{"outcome":true}`, `{"outcome":["allow"]}`,
		`{"outcome":"allow"} {"outcome":"deny"}`, `[{"outcome":"allow"},{"outcome":"deny"}]`, `{"outcome":"deny","outcome":"allow"}`,
		`{"outcome":"allow","risk_level":"Low"}`, `{"outcome":"allow","risk_level":"none"}`, `{"outcome":"allow","risk_level":3}`,
		`{"outcome":"allow","user_authorization":"full"}`, `{"outcome":"allow","rationale":7}`, `{"outcome":"allow","risk_level":"lo`,
		`} allow {`, `"allow"`, `{"outcome":"allow",}`, `{"outcome":"allow" "risk_level":"low"}`, `{"x":{"outcome":"allow"}}`,
		`{"outcome":"allow"}` + strings.Repeat(" ", MaxAnswer),
	} {
		if a, err := Parse(text); err == nil || errors.Is(err, ErrEmptyAnswer) {
			t.Errorf("Parse(%.60q) = %+v, %v; want an error", text, a, err)
		}
	}
	for _, text := range []string{"", " \n\t"} {
		if _, err := Parse(text); !errors.Is(err, ErrEmptyAnswer) {
			t.Errorf("Parse(%q): %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", `{"outcome":"allow"}`, `x {"outcome":"deny","risk_level":"high"} y`, `{"outcome":"allow","outcome":"deny"}`, `[[{`, "{\"outcome\":\"allow\",\"rationale\":\"\xff\\ud800\"}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := Parse(text)
		if err != nil {
			if v := Gate(a, Limits{}); v.Status == Approved {
				t.Fatalf("the assessment beside an error passes the gate: %+v", a)
			}
			return
		}
		if a.Outcome != Allow && a.Outcome != Deny || a.Risk.level() < 0 || risks[a.Risk.level()] != a.Risk ||
			authorizations[a.Authorization.level()] != a.Authorization || strings.TrimSpace(a.Rationale) == "" {
			t.Fatalf("Parse(%q) = %+v", text, a)
		}
		if a.Outcome == Allow && !strings.Contains(text, "allow") {
			t.Fatalf("Parse(%q) allows", text)
		}
	})
}

func TestGateThresholds(t *testing.T) {
	// The table of the security document: what an allow becomes.
	approvedAt := map[Risk]map[Authorization]bool{
		RiskLow:      {AuthUnknown: true, AuthLow: true, AuthMedium: true, AuthHigh: true},
		RiskMedium:   {AuthUnknown: true, AuthLow: true, AuthMedium: true, AuthHigh: true},
		RiskHigh:     {AuthMedium: true, AuthHigh: true},
		RiskCritical: {},
	}
	for _, risk := range risks {
		for _, auth := range authorizations {
			v := Gate(Assessment{Allow, risk, auth, "r"}, Limits{})
			if (v.Status == Approved) != approvedAt[risk][auth] {
				t.Errorf("allow at %s, %s: %s %s", risk, auth, v.Status, v.Reason)
			}
			if why := map[Risk]policy.Reason{RiskHigh: policy.ReasonNotAuthorized, RiskCritical: policy.ReasonRiskCritical}[risk]; v.Status != Approved && v.Reason != why {
				t.Errorf("allow at %s, %s: refused as %s, want %s", risk, auth, v.Reason, why)
			}
			if v.Outcome != Allow || v.Risk != risk || v.Authorization != auth {
				t.Errorf("the verdict hides what was said: %+v", v)
			}
			if d := Gate(Assessment{Deny, risk, auth, "r"}, Limits{}); d.Status != Denied || d.Reason != policy.ReasonReviewDenied {
				t.Errorf("deny at %s, %s: %+v", risk, auth, d)
			}
		}
	}
	if v := Gate(Assessment{Allow, RiskMedium, AuthHigh, "r"}, Limits{MaxRisk: RiskLow}); v.Reason != policy.ReasonRiskLimit || v.Status != Denied {
		t.Errorf("limit low: %+v", v)
	}
	if v := Gate(Assessment{Allow, RiskHigh, AuthMedium, "r"}, Limits{HighNeeds: AuthHigh}); v.Status != Denied {
		t.Errorf("high needs high: %+v", v)
	}
}

// I2: whatever the words and limits, critical and unknown risk, and everything but allow, are never approved.
func TestGateNeverApprovesCritical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Assessment{
			Outcome:       Outcome(rapid.SampledFrom([]string{"allow", "deny", "", "Allow", "yes"}).Draw(t, "outcome")),
			Risk:          Risk(rapid.SampledFrom([]string{"low", "medium", "high", "critical", "", "CRITICAL", "none"}).Draw(t, "risk")),
			Authorization: Authorization(rapid.SampledFrom([]string{"unknown", "low", "medium", "high", "", "full"}).Draw(t, "auth")),
		}
		l := Limits{
			MaxRisk:   Risk(rapid.SampledFrom([]string{"", "low", "high", "critical", "x"}).Draw(t, "max")),
			HighNeeds: Authorization(rapid.SampledFrom([]string{"", "unknown", "low", "high", "x"}).Draw(t, "needs")),
		}
		v := Gate(a, l)
		if v.Status != Approved {
			return
		}
		known := a.Risk == RiskLow || a.Risk == RiskMedium || a.Risk == RiskHigh && (a.Authorization == AuthMedium || a.Authorization == AuthHigh)
		if a.Outcome != Allow || !known || v.Scope != Once {
			t.Fatalf("%+v under %+v gave %+v", a, l, v)
		}
		if Gate(a, Limits{}).Status != Approved {
			t.Fatalf("limits %+v widened the default for %+v", l, a)
		}
	})
}
