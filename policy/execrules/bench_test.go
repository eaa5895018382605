package execrules

import (
	"fmt"
	"strings"
	"testing"

	"proctor/policy"
	"proctor/policy/command"
)

// The whole path of one command: parse, classify, match against 1,000 rules, decide.
func BenchmarkDecide(b *testing.B) {
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "prefix_rule(['tool%d', ['a', 'b'], 'c'], 'prompt')\n", i)
	}
	rules := mustParse(b, text.String())
	argv := []string{"bash", "-lc", "git status && tool500 b c d | head -3"}
	for b.Loop() {
		p := rules.Apply(command.Parse(argv), Options{ResolveHostExecutables: true})
		d := policy.Decide(policy.Facts{Action: policy.ActionExec, Approval: policy.ApprovalPolicy{Mode: policy.OnRequest},
			Sandbox: policy.WorkspaceWrite, Parts: p.Parts, Inner: p.Inner})
		if d.Reason != policy.ReasonRulePrompt {
			b.Fatal(d)
		}
	}
}
