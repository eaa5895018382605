package hook

import (
	"encoding/json"
	"strings"
	"testing"
)

// definitions parses one hook as JSON.
func definitions(t *testing.T, event, group string) []Definition {
	t.Helper()
	var groups any
	if err := json.Unmarshal([]byte("["+group+"]"), &groups); err != nil {
		t.Fatal(err)
	}
	all, problems, err := Parse("/h/hooks.json", map[string]any{event: groups})
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	return all
}

// The hashes are those that hooks/list of Codex CLI 0.169.0 printed for the same hooks.
func TestHashesAreThoseOfTheCLI(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ event, group, want string }{
		{"PreToolUse", `{"matcher":"Bash|apply_patch","hooks":[{"type":"command","command":"/usr/bin/true","timeout":60}]}`, "610d51e24906fcf54ea21f80d8ca82fd5b4fcc07b5affd1dc0bd708eeb78146b"},
		{"PreToolUse", `{"hooks":[{"type":"command","command":"/usr/bin/true"}]}`, "119446888c569eb25b277c85261a9f58d8e447260c7ce0c36ff5c24c26625535"},
		{"PreToolUse", `{"hooks":[{"type":"command","command":"echo hi","timeout":5,"statusMessage":"checking","async":false}]}`, "10c23caacfafd0e02a6e05402e9d976ebf4ed6992bfbd0816d0968495fea7da9"},
		{"PreToolUse", `{"matcher":"","hooks":[{"type":"command","command":"a<b>&\u2028\u00e9\t\u0001\u007f","commandWindows":"w","statusMessage":""}]}`, "b0882399cc946171a8040568313ac0993709f4e12b77b09889cf38ed9f05faf8"},
		{"PermissionRequest", `{"matcher":"*","hooks":[{"type":"command","command":"/usr/bin/true"}]}`, "392484d01970b051a25fbf223b7fc9aa3f956b145dca387b2dcb0acff5e7303c"},
		{"PostToolUse", `{"matcher":"^Bash$","hooks":[{"type":"command","command":"/usr/bin/true","timeout":0}]}`, "ee9c297cf1cc02e77cee11ed8ebf503506a7815be6d9dc02e2928ae813bd31e3"},
		{"PreCompact", `{"hooks":[{"type":"command","command":"/usr/bin/true","async":true}]}`, "4724a1fb7610985f784492532b6fb66c440f9bc654d619ca00599fbaa2c3b2ba"},
		{"SessionStart", `{"hooks":[{"type":"command","command":"/usr/bin/true"}]}`, "5bcf5439a4b245c57c9e7f3910368077fa8b85b8231cd151f801f58f1414d57e"},
		{"SessionStart", `{"matcher":"startup","hooks":[{"type":"command","command":"/usr/bin/true","additionalContextLimit":10}]}`, "d96f328823214a4ee48fe69fc8d637b2e3cae85428b9adeba58e8ab9b3723e25"},
		{"SessionEnd", `{"hooks":[{"type":"command","command":"/usr/bin/true"}]}`, "a8434bb65bf9ef350fcb4c7ee81d1e30baecc1f8d7355f3a456437adbadfe6ba"},
		{"SessionEnd", `{"matcher":"other","hooks":[{"type":"command","command":"/usr/bin/true","timeout":60}]}`, "794b2b666e1fefdf809cf07b47a26f30cd2129de16974c633c9a1eb4a35cb240"},
		{"UserPromptSubmit", `{"matcher":"x","hooks":[{"type":"command","command":"/usr/bin/true"}]}`, "a546ee7493acf0576a62308b595bc85e72a686cd01c9d2e5cb5d3e6ff8eda8c3"},
		{"Stop", `{"matcher":"x","hooks":[{"type":"command","command":"/usr/bin/true","additionalContextLimit":100}]}`, "e2250e1310df8c544c98765af45ec9400886a9f3cf53958a4b1edc99d0dc2d5b"},
		{"Interrupt", `{"matcher":"x","hooks":[{"type":"command","command":"/usr/bin/true"}]}`, "da2f064d0b976570632c04b931ae62fc99c322c695471285874f7b7726bb4b1d"},
		{"PreModelRequest", `{"matcher":"x","hooks":[{"type":"command","command":"/usr/bin/true"}]}`, "72fc06a99e515d660d0ba710679fd3dede4a0bd4a3caf7fe5797b6bc40d47f0e"},
		{"SubagentStart", `{"matcher":"x","hooks":[{"type":"command","command":"/usr/bin/true"}]}`, "1e09e64245aa635da442e85568ae9b890de507508678eede56ef204ccbf48b92"},
	} {
		if got := definitions(t, c.event, c.group)[0].Hash(); got != "sha256:"+c.want {
			t.Errorf("%s %s: got %s", c.event, c.group, got)
		}
	}
}

// The table is what the CLI called for a command, a patch and a start of a session.
func TestMatchers(t *testing.T) {
	t.Parallel()
	bash := Input{Event: PreToolUse, Tool: "Bash"}
	patch := Input{Event: PreToolUse, Tool: "apply_patch", Aliases: []string{"Edit", "Write"}}
	for _, c := range []struct {
		matcher     string
		bash, patch bool
	}{
		{"", true, true}, {"*", true, true}, {"Bash", true, false}, {"bash", false, false}, {"Bas", false, false}, {"^Bas", true, false},
		{"^exec_command$", false, false}, {"Ba.*", true, false}, {"apply_patch|Bash", true, true}, {"Edit", false, true}, {"Write", false, true},
		{"Bash.", false, false}, {"sh$", true, false}, {"|", false, false}, {"Edit|Bash|x", true, true},
	} {
		b, _ := json.Marshal(c.matcher)
		s := New([]Hook{{Definition: definitions(t, "PreToolUse", `{"matcher":`+string(b)+`,"hooks":[{"type":"command","command":"x"}]}`)[0], Trust: Trusted}}, Options{})
		if got := len(s.Select(bash)) == 1; got != c.bash {
			t.Errorf("%q: Bash %v", c.matcher, got)
		}
		if got := len(s.Select(patch)) == 1; got != c.patch {
			t.Errorf("%q: apply_patch %v", c.matcher, got)
		}
	}
	start := New([]Hook{{Definition: definitions(t, "SessionStart", `{"matcher":"resume","hooks":[{"type":"command","command":"x"}]}`)[0], Trust: Trusted}}, Options{})
	if len(start.Select(Input{Event: SessionStart, Source: "startup"})) != 0 || len(start.Select(Input{Event: SessionStart, Source: "resume"})) != 1 {
		t.Error("a session that begins and one that goes on are told apart")
	}
	prompt := New([]Hook{{Definition: definitions(t, "UserPromptSubmit", `{"matcher":"nothing","hooks":[{"type":"command","command":"x"}]}`)[0], Trust: Trusted}}, Options{})
	if len(prompt.Select(Input{Event: UserPromptSubmit, Prompt: "x"})) != 1 {
		t.Error("a prompt has no matcher")
	}
}

func TestOnlyTrustedHooksAreSelected(t *testing.T) {
	t.Parallel()
	d := definitions(t, "PreToolUse", `{"hooks":[{"type":"command","command":"x"}]}`)[0]
	for trust, want := range map[Trust]int{Managed: 1, Trusted: 1, Bypassed: 1, Untrusted: 0, Modified: 0, Disabled: 0, ManagedOnly: 0, "": 0} {
		s := New([]Hook{{Definition: d, Trust: trust}}, Options{})
		if got := len(s.Select(Input{Event: PreToolUse})); got != want || s.Has(PreToolUse) != (want == 1) || len(s.Skipped()) != 1-want {
			t.Errorf("%q: %d selected, %d skipped", trust, got, len(s.Skipped()))
		}
	}
	var none *Set
	if none.Has(Stop) || none.Select(Input{Event: Stop}) != nil || none.Open() {
		t.Error("no set has no hooks")
	}
}

func TestParseProblems(t *testing.T) {
	t.Parallel()
	one := func(h string) map[string]any {
		var groups any
		if err := json.Unmarshal([]byte(h), &groups); err != nil {
			t.Fatal(err)
		}
		return map[string]any{"PreToolUse": groups}
	}
	for h, want := range map[string]string{
		`[{"matcher":"(","hooks":[{"type":"command","command":"x"}]}]`:                                        `matcher "("`,
		`[{"hooks":[{"type":"prompt","prompt":"x"}]}]`:                                                        "not supported",
		`[{"hooks":[{"type":"command","command":""}]}]`:                                                       "empty",
		`[{"hooks":[{"type":"command","command":"` + strings.Repeat("x", maxCommand+1) + `"}]}]`:              "longer than",
		`[{"matcher":"^` + strings.Repeat("x", maxMatcher) + `","hooks":[{"type":"command","command":"x"}]}]`: "longer than",
	} {
		all, problems, err := Parse("f", one(h))
		if err != nil || len(all) != 0 || len(problems) != 1 || !strings.Contains(problems[0].Text, want) || problems[0].Key != "f:pre_tool_use:0:0" {
			t.Errorf("%.80s: %v %v %v", h, all, problems, err)
		}
	}
	for _, h := range []string{`{}`, `[1]`, `[{"hooks":[{"type":"command","command":"x","timeout":"5"}]}]`, `[{"hooks":[{"type":"command","command":"x","timeout":-1}]}]`, `"x"`} {
		if _, _, err := Parse("f", one(h)); err == nil {
			t.Errorf("%s: no error", h)
		}
	}
	if _, _, err := Parse("f", map[string]any{"PreTool": []any{}}); err == nil {
		t.Error("an event that does not exist is an error")
	}
}
