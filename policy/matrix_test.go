package policy

import (
	"os"
	"strings"
	"testing"
)

// The whole matrix is data: testdata/matrix.txt says how to read it.
func TestApprovalMatrix(t *testing.T) {
	text, err := os.ReadFile("testdata/matrix.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for n, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cell := strings.Split(line, " | ")
		if len(cell) != 8 {
			t.Fatalf("line %d has %d columns", n+1, len(cell))
		}
		seen[strings.Join(cell[:5], " ")] = true
		for i, class := range []Class{Safe, Ordinary, Dangerous} {
			for _, mode := range map[string][]SandboxMode{"yes": {ReadOnly, WorkspaceWrite}, "no": {DangerFullAccess, ExternalSandbox}}[cell[2]] {
				f := matrixFacts(t, cell, class)
				f.Sandbox = mode
				d := Decide(f)
				got := strings.Join([]string{string(d.Outcome), string(d.Source), string(d.Reason)}, " ")
				if d.BypassSandbox {
					got += " +bypass"
				}
				if got != cell[5+i] {
					t.Errorf("line %d: %s of class %s in %s: got %s, want %s", n+1, strings.Join(cell[:5], " "), class, mode, got, cell[5+i])
				}
				checkTexts(t, n+1, f, d)
			}
		}
	}
	if want := 9 * 3 * 2 * 3 * 4; len(seen) != want {
		t.Errorf("the matrix has %d rows, want all %d", len(seen), want)
	}
}

// checkTexts: what is refused tells the model why and, unless a rule forbids it outright, what it can do instead; an allow says nothing.
func checkTexts(t *testing.T, line int, f Facts, d Decision) {
	t.Helper()
	switch {
	case d.Outcome == Allow && d.Text != "":
		t.Errorf("line %d: an allow says %q", line, d.Text)
	case d.Outcome == Allow:
	case d.Source == SourceRule && !strings.Contains(d.Text, "`a b`"):
		t.Errorf("line %d: %q does not name the command", line, d.Text)
	case d.Reason == ReasonRulePrompt && f.Approval.Mode == Never && !strings.Contains(d.Text, "policy is never"):
		t.Errorf("line %d: %q does not say that the policy is never", line, d.Text)
	case d.Outcome == Forbid && d.Reason != ReasonRuleForbid && !strings.Contains(d.Text, "choose another way"):
		t.Errorf("line %d: %q gives no way out", line, d.Text)
	}
	if oneShot := d.Reason == ReasonRulePrompt || d.Reason == ReasonDangerousCommand; d.Outcome == Prompt && d.OneShot != oneShot {
		t.Errorf("line %d: %s is one-shot: %v", line, d.Reason, d.OneShot)
	}
}

func matrixFacts(t *testing.T, cell []string, class Class) Facts {
	t.Helper()
	f := Facts{Action: ActionExec, Approval: ApprovalPolicy{Mode: ApprovalMode(cell[0])}, Parts: []Part{{Argv: []string{"a", "b"}, Class: class}}}
	all := Categories{true, true, true, true, true}
	if without, granular := strings.CutPrefix(cell[0], "granular"); granular {
		switch without {
		case "-sandbox":
			all.SandboxApproval = false
		case "-rules":
			all.Rules = false
		case "-permissions":
			all.RequestPermissions = false
		case "-none":
			all = Categories{}
		}
		f.Approval = ApprovalPolicy{Mode: Granular, Categories: all}
	}
	switch cell[1] {
	case "nobody":
		f.Headless = true
	case "reviewer":
		f.Headless, f.Reviewer = true, ReviewerAuto
	}
	switch cell[3] {
	case "escalated":
		f.Escalation, f.Justified = true, true
	case "additional":
		f.Permissions = &Permissions{}
	}
	if cell[4] != "none" {
		f.Parts[0].Matches = []RuleMatch{{Prefix: []string{"a"}, Decision: Outcome(cell[4])}}
	}
	if !f.Approval.Known() {
		t.Fatalf("unknown policy %q", cell[0])
	}
	return f
}
