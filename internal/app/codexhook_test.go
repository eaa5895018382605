package app

import (
	"os"
	"path/filepath"
	"testing"

	"proctor/internal/cli"
	"proctor/internal/codexhook"
)

// FuzzHookJudge decides about hostile payloads under a real configuration: no panic, and a yes only to what can be read as a command or a patch that
// policy allows. A command of the rule that forbids is never allowed, however it is written down.
func FuzzHookJudge(f *testing.F) {
	home := f.TempDir()
	rules := filepath.Join(home, "rules")
	if err := os.Mkdir(rules, 0o700); err != nil {
		f.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(rules, "mine.rules"), []byte(`prefix_rule(pattern=["git", "push"], decision="forbidden")`), 0o600); err != nil {
		f.Fatal(err)
	}
	environ := []string{"HOME=" + home, "CODEX_HOME=" + home, "PROCTOR_HOME=" + filepath.Join(home, "state")}
	desk := &hookDesk{env: cli.Env{Environ: environ, Cwd: home}}
	for _, input := range []string{
		`{"command":"git push"}`, `{"command":["git","push"]}`, `{"command":"git push","description":"x"}`, `{"command":7}`, `{"command":[]}`, `[]`, `null`, `"x"`, `{}`,
		`{"command":"*** Begin Patch\n*** Add File: /etc/x\n+n\n*** End Patch"}`, `{"input":"*** Begin Patch"}`, `{"patch":""}`,
	} {
		f.Add(codexhook.PreToolUse, "Bash", input)
		f.Add(codexhook.PermissionRequest, "Bash", input)
		f.Add(codexhook.PreToolUse, "apply_patch", input)
		f.Add(codexhook.PermissionRequest, "mcp__x__y", input)
	}
	f.Fuzz(func(t *testing.T, event, name, input string) {
		p := codexhook.Payload{Event: event, Session: "s", Cwd: home, Tool: name, Input: []byte(input)}
		j, err := desk.judge(codexhook.Question{}, p)
		if err != nil {
			return // an objection
		}
		if j.answer.Allow && (event != codexhook.PermissionRequest || j.decision == nil || j.decision.Outcome != "allow") {
			t.Errorf("allowed: %+v", j)
		}
		if (name == toolShell || name == toolPatch) && (event == codexhook.PreToolUse || event == codexhook.PermissionRequest) && j.decision == nil {
			t.Errorf("nothing was decided about %s", input)
		}
		if name == toolShell && j.decision != nil && (input == `{"command":"git push"}` || input == `{"command":["git","push"]}`) && !j.answer.Deny {
			t.Errorf("%s: %+v", input, j.answer)
		}
	})
}
