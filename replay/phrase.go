package replay

import (
	"fmt"

	"proctor/event"
)

// Phrases that the timeline, single lines and explanations share.

// authority names the source of a decision for people.
func authority(source string) string {
	switch source {
	case "Config":
		return "policy"
	case "User":
		return "the user"
	case "AutomatedReviewer":
		return "automatic review"
	}
	return source
}

func decisionText(p *event.ToolDecisionPayload) (string, Tone) {
	tone := Good
	if p.Outcome != "allow" {
		tone = Bad
	}
	return join(", ", p.Decision+" by "+authority(p.Source)+": "+p.Reason, prefixed("rule ", p.Rule), prefixed("policy ", short(p.Policy))), tone
}

func approvalText(p *event.ApprovalDecidedPayload) (string, Tone) {
	attempts := ""
	if p.Attempts > 0 {
		attempts = count(int64(p.Attempts), "attempt")
	}
	return join(", ", p.Status+" by "+p.Reviewer+": "+p.Reason, prefixed("failure ", p.FailureReason), prefixed("risk ", p.RiskLevel),
		prefixed("user authorization ", p.Authorization), prefixed("scope ", p.Scope), attempts, took(p.Duration)), statusTone(p.Status)
}

func denialText(p *event.SandboxDenialPayload) string {
	target := p.Path
	if p.Address != "" {
		target = p.Address
	}
	who := p.Program
	if p.PID != 0 {
		who = fmt.Sprintf("%s[%d]", who, p.PID)
	}
	seen := ""
	if !p.Exact {
		seen = "guessed from the output"
	}
	times := ""
	if p.Count > 1 {
		times = fmt.Sprintf("%d times", p.Count)
	}
	return join(", ", join(" ", p.Syscall, p.Access, target), prefixed("rule ", p.Rule), prefixed("by ", who), times, seen)
}

func networkText(p *event.NetworkPolicyDecisionPayload) (string, Tone) {
	tone := Good
	if p.Decision != "allow" {
		tone = Bad
	}
	return join(", ", fmt.Sprintf("%s %s port %d (%s)", p.Decision, p.Host, p.Port, p.Protocol), p.Reason, prefixed("rule ", p.Rule)), tone
}

func closedText(p *event.NetworkClosedPayload) string {
	return join(", ", fmt.Sprintf("closed %s port %d", p.Host, p.Port), prefixed("by way of ", p.Dialled), count(p.Sent, "byte")+" out",
		count(p.Received, "byte")+" in", took(p.Duration), p.Failure)
}

func fileText(p *event.FileChangePayload) string {
	change := ""
	switch {
	case p.Before != "" && p.After != "":
		change = short(p.Before) + " → " + short(p.After)
	case p.After != "":
		change = short(p.After)
	}
	return join(", ", join(" ", p.Change, p.Path, prefixed("→ ", p.MoveTo)), count(p.Bytes, "byte"), change)
}
