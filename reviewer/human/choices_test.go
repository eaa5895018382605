package human

import (
	"strings"
	"testing"

	"proctor/event"
	"proctor/reviewer"
)

// Only the answers that count are offered, and only they are understood.
func TestOnlyWhatCountsIsOffered(t *testing.T) {
	once, ruled, asks := command("rm", "-rf", "x"), command("make", "install"), command()
	once.OneShot = true
	ruled.Amendment = event.Amendment{Prefix: []string{"make", "a\"b"}, File: "/home/ann/.codex/rules/default.rules"}
	asks.Action = event.Action{Kind: event.ActionPermissions, Tool: "request_permissions", Additional: &event.Permissions{Network: true, Write: []string{"/x\x1b[2J"}}}
	asks.Kind, asks.Digest, asks.OneShot = asks.Action.Kind, asks.Action.Digest(), true
	for _, c := range []struct {
		name, typed string
		r           reviewer.Request
		scope       string // of the approval, "" for a refusal
		shows       []string
		hides       []string
	}{
		{"session of a one-shot request", "session\nsession\nsession\n", once, "", nil, []string{"session"}},
		{"once of it", "y\n", once, reviewer.Once, nil, []string{"rule"}},
		{"a rule", "rule\n", ruled, reviewer.Rule, []string{"rule (always)", `prefix_rule(pattern=["make", "a\"b"], decision="allow")`, "/home/ann/.codex/rules/default.rules"}, nil},
		{"a rule that is not offered", "rule\nrule\nn\n", command("make"), "", nil, []string{"rule (always)"}},
		{"permissions for the session", "session\n", asks, reviewer.Session, []string{"network", "yes", "write", "/x⟨U+001B⟩"}, []string{"\x1b"}},
	} {
		v, shown := ask(t, c.r, types(c.typed))
		if (v.Status == reviewer.Approved) != (c.scope != "") || v.Scope != c.scope {
			t.Errorf("%s: got %+v", c.name, v)
		}
		for _, text := range c.shows {
			if !strings.Contains(shown, text) {
				t.Errorf("%s: %q lacks %q", c.name, shown, text)
			}
		}
		for _, text := range c.hides {
			if strings.Contains(shown, text) {
				t.Errorf("%s: %q has %q", c.name, shown, text)
			}
		}
	}
}
