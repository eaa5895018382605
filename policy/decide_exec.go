package policy

import (
	"fmt"
	"strings"
)

func decideExec(f Facts) Decision {
	if len(f.Parts) == 0 {
		return refuse(ReasonNoCommand, "the call names no command")
	}
	// Without anyone to ask, an escalated call is refused before any rule is read.
	if f.Escalation && !f.Sandbox.Unconfined() {
		if why := f.barrier(CategorySandbox); why != "" {
			return Decision{Outcome: Forbid, Source: SourceConfig, Reason: ReasonEscalationRefused, Category: CategorySandbox,
				Text: "running outside the sandbox was requested; " + barrierText[why]}
		}
	}
	if d, refused := f.refuseMore(); refused {
		return d
	}

	rule := strictestRule(f)
	if rule.found && rule.outcome == Forbid {
		return Decision{Outcome: Forbid, Source: SourceRule, Reason: ReasonRuleForbid, Rule: rule.name(), Text: rule.text("is forbidden")}
	}
	heuristic := worstHeuristic(f)
	if rule.found && rule.outcome == Prompt {
		return askByRule(f, rule, heuristic)
	}
	switch heuristic.Outcome {
	case "": // every part matched an allow rule
		if f.more() && f.DeniedReads { // the rule does not lift the sandbox, so the permissions are needed
			return f.ask(askMore(), askMore().Text)
		}
		return Decision{Outcome: Allow, Source: SourceRule, Reason: ReasonRuleAllow, Rule: rule.name(), BypassSandbox: !f.DeniedReads}
	case Prompt:
		return f.ask(heuristic, heuristic.Text)
	default:
		return heuristic
	}
}

// askByRule asks because a rule says so. When the heuristics would ask too, both categories must be open.
func askByRule(f Facts, r ruleHit, heuristic Decision) Decision {
	d := Decision{Source: SourceRule, Reason: ReasonRulePrompt, Rule: r.name(), Category: CategoryRules, OneShot: true}
	d.BypassSandbox = f.Escalation && !f.DeniedReads
	switch heuristic.Outcome {
	case Forbid:
		return heuristic
	case Prompt:
		if f.barrier(heuristic.Category) != "" {
			return f.ask(heuristic, heuristic.Text)
		}
	default: // only the rule asks
	}
	if r.person && f.Reviewer == ReviewerAuto && !f.Overridden {
		d.Outcome, d.BypassSandbox = Forbid, false
		d.Text = r.text("needs approval") + "; a managed rule wants a person to answer, and nobody but the automatic reviewer does here: choose another way"
		return d
	}
	return f.ask(d, r.text("needs approval"))
}

// worstHeuristic judges the parts that no rule decides and returns the strictest answer, of equal ones that of the most
// severe part; the Outcome is empty when a rule matched every part.
func worstHeuristic(f Facts) Decision {
	worst, severity := Decision{}, 0
	for _, p := range f.Parts {
		if ruled(p) {
			continue
		}
		d, s := heuristic(f, p), f.class(p).Severity()
		if worst.Outcome == "" || d.Outcome.Strictness() > worst.Outcome.Strictness() || d.Outcome == worst.Outcome && s > severity {
			worst, severity = d, s
		}
	}
	return worst
}

// class is what counts for the part.
func (f Facts) class(p Part) Class {
	if f.DocumentedClasses {
		return p.Class
	}
	return p.Effective()
}

// ruled: some prefix rule decides the part. Only the strictest of all rules matters afterwards.
func ruled(p Part) bool { return len(p.Matches) > 0 }

// heuristic is one row of the matrix, before anybody is found who may be asked.
func heuristic(f Facts, p Part) Decision {
	class := f.class(p)
	ask := Decision{Outcome: Prompt, Source: SourceConfig, Category: CategorySandbox, BypassSandbox: f.Escalation && !f.DeniedReads}
	switch {
	case class.Severity() >= Dangerous.Severity():
		ask.Reason, ask.OneShot = ReasonDangerousCommand, true
		ask.Text = "forced removal (rm -f and its like) is not run without approval; remove named files one by one instead"
		if p.Class != Dangerous {
			ask.Text = "a command that may destroy what cannot be brought back is not run without approval; do it in narrower steps"
		}
		ask.Text += findingText(p)
		return ask
	case f.Escalation && !f.Sandbox.Unconfined():
		ask.Reason, ask.Text = ReasonEscalation, "running outside the sandbox needs approval"
		if !f.Justified {
			ask.Reason, ask.Text = ReasonNoJustification, "running outside the sandbox needs approval, and the call gives no justification"
		}
		return ask
	case f.more():
		return askMore()
	case class == Safe:
		return Decision{Outcome: Allow, Source: SourceConfig, Reason: ReasonKnownSafe, BypassSandbox: f.Sandbox.Unconfined()}
	case f.Approval.Mode == Untrusted:
		ask.Reason = ReasonUntrustedCommand
		ask.Text = "only commands known to be read-only run without approval under the policy untrusted" + findingText(p)
		return ask
	case f.Sandbox.Unconfined():
		return Decision{Outcome: Allow, Source: SourceConfig, Reason: ReasonFullAccess, BypassSandbox: true}
	}
	return Decision{Outcome: Allow, Source: SourceConfig, Reason: ReasonSandboxed}
}

func findingText(p Part) string {
	if len(p.Findings) == 0 {
		return ""
	}
	return " (seen: " + p.Findings[0].Code + ")"
}

// ruleHit is the strictest rule over all commands; the longest prefix among equals supplies name and text.
type ruleHit struct {
	found   bool
	person  bool // one of the rules wants a person to answer
	outcome Outcome
	match   RuleMatch
	argv    []string
}

func strictestRule(f Facts) ruleHit {
	var hit ruleHit
	take := func(parts []Part, allowCounts bool) {
		for _, p := range parts {
			for _, m := range p.Matches {
				if m.Decision == Allow && !allowCounts {
					continue
				}
				hit = hit.stricter(m, p.Argv)
			}
		}
	}
	take(f.Parts, true)
	take(f.Inner, false)
	return hit
}

func (h ruleHit) stricter(m RuleMatch, argv []string) ruleHit {
	o := outcomeOrder[m.Decision.Strictness()]
	better := !h.found || o.Strictness() > h.outcome.Strictness() ||
		(o == h.outcome && len(m.Prefix) > len(h.match.Prefix))
	person := h.person || m.Person
	if better {
		h = ruleHit{found: true, outcome: o, match: m, argv: argv}
	}
	h.person = person
	return h
}

func (h ruleHit) name() string {
	if !h.found {
		return ""
	}
	name := "prefix_rule " + strings.Join(h.match.Prefix, " ")
	if h.match.File != "" {
		name += fmt.Sprintf(" (%s:%d)", h.match.File, h.match.Line)
	}
	return name
}

func (h ruleHit) text(verdict string) string {
	what := "`" + clip(strings.Join(h.argv, " ")) + "` " + verdict + " by a rule"
	if h.match.Justification != "" {
		return what + ": " + h.match.Justification
	}
	return what + " for commands that start with `" + clip(strings.Join(h.match.Prefix, " ")) + "`"
}

// clip keeps texts for the model short.
func clip(s string) string {
	const most = 200 // bytes
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
