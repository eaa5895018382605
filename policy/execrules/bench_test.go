package execrules

import (
	"fmt"
	"strings"
	"testing"

	"proctor/policy"
	"proctor/policy/command"
)

func thousandRules(b *testing.B) *Rules {
	b.Helper()
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "prefix_rule(['tool%d', ['a', 'b'], 'c'], 'prompt')\n", i)
	}
	return mustParse(b, text.String())
}

// The whole path of one command: parse, classify, match against 1,000 rules, decide.
func BenchmarkDecide(b *testing.B) {
	rules := thousandRules(b)
	for name, script := range map[string]string{
		"plain": "git status && tool500 b c d | head -3", "one": "make test", "whole": "if true; then tool500 b c > x; fi",
	} {
		b.Run(name, func(b *testing.B) {
			argv := []string{"bash", "-lc", script}
			for b.Loop() {
				p := rules.Apply(command.Parse(argv), Options{ResolveHostExecutables: true})
				d := policy.Decide(policy.Facts{Action: policy.ActionExec, Approval: policy.ApprovalPolicy{Mode: policy.OnRequest},
					Sandbox: policy.WorkspaceWrite, Parts: p.Parts, Inner: p.Inner})
				if d.Reason != policy.ReasonRulePrompt && name != "one" {
					b.Fatal(d)
				}
			}
		})
	}
}

// Every cell of the approval matrix: approval policy, sandbox mode, class, escalation, each with a match against 1,000 rules.
func BenchmarkMatrix(b *testing.B) {
	rules := thousandRules(b)
	var cells []policy.Facts
	for _, argv := range [][]string{{"ls", "-l"}, {"make", "test"}, {"rm", "-rf", "d"}, {"tool7", "a", "c"}} {
		for _, mode := range []policy.ApprovalMode{policy.Untrusted, policy.OnFailure, policy.OnRequest, policy.Never, policy.Granular} {
			for _, sandbox := range []policy.SandboxMode{policy.ReadOnly, policy.WorkspaceWrite, policy.DangerFullAccess} {
				for _, escalated := range []bool{false, true} {
					cells = append(cells, policy.Facts{Action: policy.ActionExec, Approval: policy.ApprovalPolicy{Mode: mode}, Sandbox: sandbox,
						Escalation: escalated, Justified: true, Parts: command.Parse(argv).Parts})
				}
			}
		}
	}
	n := 0
	for b.Loop() {
		f := cells[n%len(cells)]
		n++
		f.Parts = rules.matched(f.Parts, Options{ResolveHostExecutables: true})
		if policy.Decide(f).Outcome == "" {
			b.Fatal(f)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "decisions/s")
}
