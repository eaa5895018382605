package otlp

import (
	"slices"

	"proctor/event"
)

// observeGuardian are the metrics of one automatic review, under the names and tags of the CLI.
func observeGuardian(p *event.GuardianAssessmentPayload) []observation {
	tags := guardianTags(p)
	took := max(0, p.CompletedAt-p.StartedAt)
	out := []observation{
		count("codex.guardian.review", with(tags, tag{"context_changed", "false"})...),
		timed("codex.guardian.review", took, tags...),
		timed("codex.guardian.decision", took),
		{"codex.guardian.turn.blocking_ms", duration, took, []tag{{"outcome", "completed"}}},
		{"codex.guardian.review.attempt_count", attempts, int64(p.Attempts), tags},
		count("codex.guardian.review.retry_outcome", with(tags, tag{"retried", text(len(p.Retries) > 0)})...),
	}
	if p.TTFT > 0 {
		out = append(out, timed("codex.guardian.review.ttft", p.TTFT, tags...))
	}
	for _, r := range p.Retries {
		own := []tag{{"failure_reason", r.Failure}, {"outcome", "retry"}}
		out = append(out, count("codex.guardian.review.retry", own...), observation{"codex.guardian.review.retry_wait_ms", duration, r.Wait, own})
	}
	out = append(out, guardianContext(p)...)
	u := p.Usage
	if u == (event.Usage{}) {
		return out
	}
	for _, t := range []struct {
		name  string
		value int64
	}{
		{"total", u.Input + u.Output}, {"input", u.Input}, {"cached_input", u.Cached}, {"non_cached_input", u.Input - u.Cached},
		{"cache_write_input", u.CacheWrite}, {"output", u.Output}, {"reasoning_output", u.Reasoning},
	} {
		out = append(out, observation{"codex.guardian.review.token_usage", histogram, t.value, with(tags, tag{"token_type", t.name})})
	}
	if p.Cost > 0 {
		out = append(out, observation{"proctor.guardian.review.cost_micros", counter, p.Cost, []tag{{"guardian_model", orUnknown(p.Model)}}})
	}
	return out
}

// smallRequest is the only size of a request whose word is known, in tokens; larger ones go without the tag.
const smallRequest = 20_000

// guardianContext measures what the reviewer was shown.
func guardianContext(p *event.GuardianAssessmentPayload) (out []observation) {
	target := tag{"target", "sync"}
	for _, s := range p.Sections {
		for _, m := range []struct {
			name  string
			value int64
		}{{"text_bytes", s.Bytes}, {"estimated_text_tokens", (s.Bytes + 3) / 4}, {"image_bytes", 0}, {"image_count", 0}} {
			out = append(out, observation{"codex.guardian.context.section_cost", costs, m.value, []tag{{"measurement", m.name}, {"section", s.Name}, target}})
		}
	}
	if p.RequestTokens > 0 {
		tags := []tag{{"component", "total"}, target}
		if p.RequestTokens <= smallRequest {
			tags = append(tags, tag{"token_bucket", "01_0-20k"})
		}
		out = append(out, observation{"codex.guardian.context.request_tokens", requests, p.RequestTokens, tags})
	}
	return out
}

func with(tags []tag, more ...tag) []tag { return slices.Concat(tags, more) }

func guardianTags(p *event.GuardianAssessmentPayload) []tag {
	decision := p.Status
	if decision != "approved" && decision != "aborted" {
		decision = "denied"
	}
	terminal, failure := p.Terminal, p.Failure
	if terminal == "" { // recorded before both were
		terminal, failure = p.Status, "none"
		if p.Outcome == "" {
			terminal, failure = "failed_closed", p.Status
		}
	}
	return []tag{
		{"action", orUnknown(p.Action)}, {"approval_request_source", "main_turn"}, {"context_mode", "thread_owned"},
		{"decision", decision}, {"failure_reason", orNone(failure)},
		{"guardian_model", orUnknown(p.Model)}, {"guardian_reasoning_effort", orNone(p.Effort)},
		{"had_prior_review_context", text(p.Prior)}, {"outcome", orNone(p.Outcome)},
		{"reviewed_action_truncated", text(p.Truncated)}, {"risk_level", orNone(p.RiskLevel)}, {"session_kind", orNone(p.SessionKind)},
		{"terminal_status", terminal}, {"user_authorization", orNone(p.UserAuthorization)},
	}
}

// guardianRoute counts a request that goes to the automatic reviewer.
func guardianRoute(p *event.ApprovalRequestedPayload) []observation {
	if p.Reviewer != "auto_review" {
		return nil
	}
	reason := "policy"
	if p.Reason == "escalation_requested" {
		reason = "fresh_required"
	}
	return []observation{count("codex.guardian.review.route", tag{"reason", reason}, tag{"route", "required_sync"})}
}
