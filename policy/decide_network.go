package policy

import "fmt"

// decideNetwork joins what the egress policy said with the network rules. Only a plain miss can be approved; a denied
// host, a local address or a refused method cannot.
func decideNetwork(f Facts) Decision {
	n := f.Network
	if n == nil {
		return refuse(ReasonNetworkNoDecision, "the destination was not judged")
	}
	to := fmt.Sprintf("%s:%d (%s)", n.Host, n.Port, n.Protocol)
	if !n.Enabled {
		return refuse(ReasonNetworkOff, "commands have no network access in this sandbox, so "+to+" cannot be reached")
	}
	rule := "network_rule " + n.Host + " " + n.Protocol
	if n.RuleDecision != "" && n.RuleDecision.Strictness() == Forbid.Strictness() {
		return Decision{Outcome: Forbid, Source: SourceRule, Reason: ReasonNetworkRuleForbid, Rule: rule, Text: "a rule forbids " + to}
	}
	miss := n.Reason == ReasonNotAllowed && n.Askable
	switch {
	case n.Outcome == Allow && n.RuleDecision != Prompt:
		return Decision{Outcome: Allow, Source: SourceConfig, Reason: ReasonNetworkAllowed, Rule: n.Rule}
	case n.Outcome != Allow && !miss:
		return Decision{Outcome: Forbid, Source: SourceConfig, Reason: n.Reason, Rule: n.Rule,
			Text: to + " is refused by the network policy and cannot be approved from here"}
	case n.RuleDecision == Prompt:
		return f.ask(Decision{Source: SourceRule, Reason: ReasonNetworkRulePrompt, Rule: rule, Category: CategoryRules}, "a rule wants approval for "+to)
	case n.RuleDecision == Allow:
		return Decision{Outcome: Allow, Source: SourceRule, Reason: ReasonNetworkRuleAllow, Rule: rule}
	}
	d := f.ask(Decision{Reason: ReasonNotAllowed, Category: CategorySandbox}, to+" is not on the allow list")
	if d.Outcome == Forbid {
		d.Reason = ReasonNotAllowed
	}
	return d
}
