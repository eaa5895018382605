//go:build unix

package config

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestReviewSettings(t *testing.T) {
	own, managed, codex := caseHome+"/.local/state/proctor/proctor.toml", "/etc/codex/requirements.toml", userFile
	for _, test := range []struct {
		name  string
		files map[string]string
		want  ReviewThresholds
		model string
	}{
		{"nothing", nil, ReviewThresholds{"high", "unknown", "medium"}, ""},
		{"ours", map[string]string{own: "[review]\nmodel=\"guard\"\nmax_risk=\"medium\"\nhigh_needs=\"high\"", codex: "model=\"m\"\nauto_review_model=\"a\""},
			ReviewThresholds{"medium", "unknown", "high"}, "guard"},
		{"Codex's model for reviews", map[string]string{codex: "model=\"m\"\nauto_review_model=\"a\"\nreview_model=\"r\""}, ReviewThresholds{"high", "unknown", "medium"}, "a"},
		{"the session's", map[string]string{codex: "model=\"m\"\nreview_model=\"r\""}, ReviewThresholds{"high", "unknown", "medium"}, "m"},
		{"requirements narrow", map[string]string{managed: "[proctor.review]\nmax_risk=\"low\"\nmedium_needs=\"low\"\nhigh_needs=\"high\""}, ReviewThresholds{"low", "low", "high"}, ""},
		{"requirements do not widen", map[string]string{own: "[review]\nmax_risk=\"low\"\nmedium_needs=\"high\"\nhigh_needs=\"high\"",
			managed: "[proctor.review]\nmax_risk=\"high\"\nmedium_needs=\"unknown\"\nhigh_needs=\"medium\""}, ReviewThresholds{"low", "high", "high"}, ""},
	} {
		c, _ := mustLoad(t, options(test.files))
		if c.Proctor.Review.ReviewThresholds != test.want || test.model != "" && c.ReviewerModel() != test.model {
			t.Errorf("%s: %+v, model %q", test.name, c.Proctor.Review, c.ReviewerModel())
		}
	}
	for text, says := range map[string]string{
		`max_risk="critical"`: "review.max_risk", `high_needs="low"`: "review.high_needs", `deadline="91s"`: `"90s"`, `tool_calls=0`: "review.tool_calls",
		"[review.price]\ninput=-1.0": "review.price.input",
	} {
		_, _, err := Load(options(map[string]string{own: "[review]\n" + strings.TrimPrefix(text, "[review]\n")}))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
	c, _ := mustLoad(t, options(map[string]string{own: "[review]\ndeadline=\"30s\"\ntools=false\ntokens=5000\n[review.price]\ninput=2\noutput=8.5"}))
	if r := c.Proctor.Review; r.Deadline != 30*time.Second || r.Tools || r.Tokens != 5000 || r.Price != (ReviewPrice{Input: 2, Output: 8.5}) {
		t.Errorf("%+v", r)
	}
}

func TestReviewThresholdsOnlyNarrow(t *testing.T) {
	risk := func(s string) int { return map[string]int{"low": 1, "medium": 2, "high": 3}[s] }
	auth := func(s string) int { return map[string]int{"unknown": 1, "low": 2, "medium": 3, "high": 4}[s] }
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) ReviewThresholds {
			return ReviewThresholds{rapid.SampledFrom(reviewRisks).Draw(t, name), rapid.SampledFrom(reviewAuths).Draw(t, name), rapid.SampledFrom(reviewAuths[2:]).Draw(t, name)}
		}
		a, b := draw("a"), draw("b")
		if got := a.narrowed(b); got != b.narrowed(a) || risk(got.MaxRisk) > risk(a.MaxRisk) || auth(got.MediumNeeds) < auth(a.MediumNeeds) || auth(got.HighNeeds) < auth(a.HighNeeds) {
			t.Fatalf("%+v and %+v: %+v", a, b, got)
		}
		if a.narrowed(ReviewThresholds{}) != a {
			t.Fatalf("%+v changed", a)
		}
	})
}
