package config

import (
	"slices"
	"time"
)

// ProctorReview is about the automatic reviewer: [review] of proctor.toml. The thresholds can only be narrower than those of
// the security document, and [proctor.review] of requirements.toml narrows them further.
type ProctorReview struct {
	Model     string        `json:"model"`      // empty: auto_review_model of config.toml, else the session's model
	Effort    string        `json:"effort"`     // reasoning effort; empty leaves it to the model
	Tools     bool          `json:"tools"`      // the reviewer may look around, read-only
	ToolCalls int           `json:"tool_calls"` // in one review, at most
	Tokens    int64         `json:"tokens"`     // of one attempt, at most; 0 is no bound
	Deadline  time.Duration `json:"deadline"`   // of a whole review, written as "90s", which is also the most
	ReviewThresholds
	Price ReviewPrice `json:"price"`
}

// ReviewThresholds say what an automatic review may approve at most.
type ReviewThresholds struct {
	MaxRisk     string `json:"max_risk"`     // low, medium or high
	MediumNeeds string `json:"medium_needs"` // authorization that medium risk needs: unknown, low, medium or high
	HighNeeds   string `json:"high_needs"`   // authorization that high risk needs: medium or high
}

// ReviewPrice is what a million tokens of the reviewer cost, in whatever currency; zero is unknown.
type ReviewPrice struct {
	Input  float64 `json:"input"`
	Cached float64 `json:"cached_input"`
	Output float64 `json:"output"`
}

const (
	maxReviewDeadline = 90 * time.Second
	maxReviewCalls    = 64
)

const reviewDefaults = `
[review]
model = ""
effort = ""
tools = true
tool_calls = 8
tokens = 0
deadline = "90s"
max_risk = "high"
medium_needs = "unknown"
high_needs = "medium"
[review.price]
input = 0.0
cached_input = 0.0
output = 0.0
`

var (
	reviewRisks = []string{"low", "medium", "high"}
	reviewAuths = []string{"unknown", "low", "medium", "high"}
)

func reviewSchema() *spec {
	f := thresholdSchema()
	f["model"], f["effort"] = text(), text()
	f["tools"], f["tool_calls"], f["tokens"] = boolean(), within(1, maxReviewCalls), count()
	f["deadline"] = &spec{kind: stringValue, check: func(n *node) (string, string) {
		if d, err := time.ParseDuration(n.val.(string)); err != nil || d <= 0 || d > maxReviewDeadline {
			return "got " + shown(n.val.(string)), `a time up to "90s" such as "30s"`
		}
		return "", ""
	}}
	price := func() *spec {
		return &spec{kind: numberValue, what: "the price of a million tokens, from 0 on", check: func(n *node) (string, string) {
			switch v := n.val.(type) {
			case float64:
				if v >= 0 && v <= 1e9 {
					return "", ""
				}
			case int64:
				if v >= 0 && v <= 1e9 {
					return "", ""
				}
			}
			return "got something else", "the price of a million tokens, from 0 on"
		}}
	}
	f["price"] = table(map[string]*spec{"input": price(), "cached_input": price(), "output": price()})
	return table(f)
}

func thresholdSchema() map[string]*spec {
	return map[string]*spec{"max_risk": words(reviewRisks...), "medium_needs": words(reviewAuths...), "high_needs": words("medium", "high")}
}

// narrowed is the stricter of each threshold; an empty one does not constrain.
func (t ReviewThresholds) narrowed(by ReviewThresholds) ReviewThresholds {
	stricter := func(order []string, a, b string, most bool) string {
		i, j := slices.Index(order, a), slices.Index(order, b)
		if i < 0 || j >= 0 && (most && j < i || !most && j > i) {
			return b
		}
		return a
	}
	return ReviewThresholds{
		MaxRisk:     stricter(reviewRisks, t.MaxRisk, by.MaxRisk, true),
		MediumNeeds: stricter(reviewAuths, t.MediumNeeds, by.MediumNeeds, false),
		HighNeeds:   stricter(reviewAuths, t.HighNeeds, by.HighNeeds, false),
	}
}

// ReviewerModel is the model that reviews: ours, then auto_review_model, then that of the session.
func (c *Config) ReviewerModel() string {
	for _, name := range []string{c.Proctor.Review.Model, c.AutoReviewModel, c.Model} {
		if name != "" {
			return name
		}
	}
	return ""
}
