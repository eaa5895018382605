package policy

import (
	"slices"
	"strings"
)

// Change is one change of the facts after which the decision would be another.
type Change struct {
	// Change is what would differ, in words for a person: "an allow rule for [git push]".
	Change   string   `json:"change"`
	Decision Decision `json:"decision"`
}

// Changes decides f again under each change that a person or the model could make, one at a time, and returns those that
// change the outcome or the confinement, in a fixed order.
func Changes(f Facts) []Change {
	base := Decide(f)
	out := []Change{}
	for _, v := range variants(f) {
		if d := Decide(v.facts); d.Outcome != base.Outcome || d.BypassSandbox != base.BypassSandbox {
			out = append(out, Change{v.name, d})
		}
	}
	return out
}

type variant struct {
	name  string
	facts Facts
}

func variants(f Facts) []variant {
	var out []variant
	add := func(name string, change func(*Facts)) {
		g := f
		change(&g)
		out = append(out, variant{name, g})
	}
	if f.Action == ActionExec {
		out = append(out, ruleVariants(f)...)
		if f.Escalation {
			add("the same inside the sandbox", func(g *Facts) { g.Escalation = false })
		} else {
			add("asking to run outside the sandbox, with a justification", func(g *Facts) { g.Escalation, g.Justified = true, true })
		}
	}
	for _, m := range []ApprovalMode{Untrusted, OnRequest, Never} {
		if f.Approval.Mode != m {
			add("approval policy "+string(m), func(g *Facts) { g.Approval = ApprovalPolicy{Mode: m} })
		}
	}
	if f.Approval.Mode == Granular {
		for _, c := range []Category{CategorySandbox, CategoryRules, CategoryMCP, CategoryPermissions, CategorySkill} {
			if !f.Approval.Categories.Keeps(c) {
				add("granular category "+string(c)+" on", func(g *Facts) { g.Approval.Categories = g.Approval.Categories.with(c) })
			}
		}
	}
	for _, m := range []SandboxMode{ReadOnly, WorkspaceWrite, DangerFullAccess} {
		if f.Sandbox != m {
			add("sandbox mode "+string(m), func(g *Facts) { g.Sandbox = m })
		}
	}
	if f.Headless {
		add("a person to ask", func(g *Facts) { g.Headless = false })
		if f.Approval.Mode != OnRequest {
			add("a person to ask under approval policy on-request", func(g *Facts) { g.Headless, g.Approval = false, ApprovalPolicy{Mode: OnRequest} })
		}
	}
	if f.Reviewer != ReviewerAuto {
		add("the automatic reviewer", func(g *Facts) { g.Reviewer = ReviewerAuto })
	}
	if !f.SessionApproved {
		add("an earlier approval of the same action for this session", func(g *Facts) { g.SessionApproved = true })
	}
	if f.Network != nil {
		add("a network_rule that allows "+f.Network.Host, func(g *Facts) { n := *g.Network; n.RuleDecision = Allow; g.Network = &n })
		add("network access", func(g *Facts) { n := *g.Network; n.Enabled = true; g.Network = &n })
	}
	if !f.DocumentedClasses {
		add("only the documented classes (findings ignored)", func(g *Facts) { g.DocumentedClasses = true })
	}
	return out
}

// ruleVariants leave out each rule that asks or forbids, and allow by rule what no rule matches.
func ruleVariants(f Facts) []variant {
	var out []variant
	var seen []string
	for _, p := range slices.Concat(f.Parts, f.Inner) {
		for _, m := range p.Matches {
			name := ruleHit{found: true, match: m}.name()
			if m.Decision == Allow && len(f.Parts) > 1 || slices.Contains(seen, name) {
				continue
			}
			seen = append(seen, name)
			same := func(o RuleMatch) bool { return ruleHit{found: true, match: o}.name() == name }
			g := f
			g.Parts, g.Inner = without(f.Parts, same), without(f.Inner, same)
			out = append(out, variant{"without " + name, g})
		}
	}
	g, missing := f, []string{}
	g.Parts = slices.Clone(f.Parts)
	for i, p := range g.Parts {
		if len(p.Matches) == 0 {
			g.Parts[i].Matches = []RuleMatch{{Prefix: p.Argv, Decision: Allow}}
			missing = append(missing, "["+clip(strings.Join(p.Argv, " "))+"]")
		}
	}
	if len(missing) > 0 {
		out = append(out, variant{"an allow rule for " + strings.Join(slices.Compact(missing), " and for "), g})
	}
	return out
}

func without(parts []Part, drop func(RuleMatch) bool) []Part {
	out := slices.Clone(parts)
	for i := range out {
		out[i].Matches = slices.DeleteFunc(slices.Clone(out[i].Matches), drop)
	}
	return out
}
