package execrules

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"proctor/policy"
	"proctor/policy/command"
)

func mustParse(t interface{ Fatal(...any) }, texts ...string) *Rules {
	var files []File
	for _, text := range texts {
		files = append(files, File{Name: "t.rules", Text: text})
	}
	r, err := Parse(files)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A path is matched by the rules of its base name only where the lists permit it.
func TestHostExecutables(t *testing.T) {
	const rule = "prefix_rule(['git', 'push'], 'prompt')\n"
	const allowed = "prefix_rule(['git', 'push'])\nhost_executable('git', ['/usr/bin/git'])"
	for _, c := range []struct {
		name, text, program string
		o                   Options
		want                policy.Outcome
	}{
		{"off", rule, "/usr/bin/git", Options{}, ""},
		{"no entry", rule, "/opt/git", Options{ResolveHostExecutables: true}, policy.Prompt},
		{"relative", rule, "./git", Options{ResolveHostExecutables: true}, policy.Prompt},
		{"listed", rule + "host_executable('git', ['/usr/bin/git'])", "/usr/bin/git", Options{ResolveHostExecutables: true}, policy.Prompt},
		{"not listed", rule + "host_executable('git', ['/usr/bin/git'])", "/opt/git", Options{ResolveHostExecutables: true}, ""},
		{"relative is never listed", rule + "host_executable('git', ['/usr/bin/git'])", "./git", Options{ResolveHostExecutables: true}, ""},
		{"relative to a folder", rule + "host_executable('git', ['/usr/bin/git'])", "./git", Options{ResolveHostExecutables: true, Cwd: "/usr/bin"}, policy.Prompt},
		{"roundabout", rule + "host_executable('git', ['/usr/bin/git'])", "/usr//x/../bin/./git/", Options{ResolveHostExecutables: true}, policy.Prompt},
		{"doubled slash is allowed", allowed, "//usr/./bin//git", Options{ResolveHostExecutables: true}, policy.Allow},
		{"a link may be on the way up", allowed, "/w/link/../../usr/bin/git", Options{ResolveHostExecutables: true}, ""},
		{"the folder may have been left", allowed, "./git", Options{ResolveHostExecutables: true, Cwd: "/usr/bin"}, ""},
		{"without a list any path will do", "prefix_rule(['git', 'push'])", "../git", Options{ResolveHostExecutables: true}, policy.Allow},
		{"the name is that of the cleaned path", rule, "/usr/bin/git/x/..", Options{ResolveHostExecutables: true}, policy.Prompt},
		{"empty list", rule + "host_executable('git', [])", "/usr/bin/git", Options{ResolveHostExecutables: true}, ""},
		{"second call replaces", rule + "host_executable('git', [])\nhost_executable('git', ['/opt/git'])", "/opt/git", Options{ResolveHostExecutables: true}, policy.Prompt},
		{"home", rule + "host_executable('git', ['~/bin/git'])", "/home/u/bin/git", Options{ResolveHostExecutables: true, Home: "/home/u"}, policy.Prompt},
		{"home unknown", rule + "host_executable('git', ['~/bin/git'])", "/home/u/bin/git", Options{ResolveHostExecutables: true}, ""},
		{"exact rule hides the base name", rule + "prefix_rule(['/opt/git'])", "/opt/git", Options{ResolveHostExecutables: true}, policy.Allow},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := mustParse(t, c.text).Check([]string{c.program, "push"}, c.o)
			if got.Decision != c.want {
				t.Errorf("decision is %q, want %q", got.Decision, c.want)
			}
		})
	}
}

// A match says which rule it was, for the person who reads the record.
func TestMatchNamesRule(t *testing.T) {
	r := mustParse(t, "\n\nprefix_rule(['git', ['push', 'pull']],\n    decision='forbidden', justification='ask first')")
	got := r.Check([]string{"/usr/bin/git", "pull", "-f"}, Options{ResolveHostExecutables: true})
	want := Result{Decision: policy.Forbid, Matches: []policy.RuleMatch{{
		Prefix: []string{"git", "pull"}, Decision: policy.Forbid, Justification: "ask first",
		ResolvedProgram: "/usr/bin/git", File: "t.rules", Line: 3,
	}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Rules reach the commands inside what is kept whole.
func TestApplyReachesInnerCommands(t *testing.T) {
	r := mustParse(t, "prefix_rule(['git', 'push'], 'forbidden')")
	for _, script := range []string{"if true; then git push; fi", "sudo -u x git push", "(git push)", "echo $(git push)", "xargs git push", "bash -c 'git push'"} {
		p := r.Apply(command.Parse([]string{"bash", "-lc", script}), Options{ResolveHostExecutables: true})
		found := false
		for _, part := range append(p.Parts, p.Inner...) {
			found = found || len(part.Matches) > 0
		}
		if !found {
			t.Errorf("no rule reached git push in %q", script)
		}
	}
}

func TestNetwork(t *testing.T) {
	r := mustParse(t, "network_rule('API.Example.com.', 'https', 'allow')\nnetwork_rule('api.example.com:443', 'https_connect', 'deny')\n"+
		"network_rule('[0:0::1]', 'http', 'prompt')")
	for _, c := range []struct {
		host, protocol string
		want           policy.Outcome
	}{
		{"api.example.com", "https_connect", policy.Forbid},
		{"api.example.com", "http", ""},
		{"::1", "http", policy.Prompt},
		{"example.com", "https", ""},
	} {
		if got := r.Network(c.host, c.protocol).Decision; got != c.want {
			t.Errorf("network rule for %s over %s is %q, want %q", c.host, c.protocol, got, c.want)
		}
	}
}

// What Amend writes reads back as a rule that allows the prefix, whatever the words are.
func TestAmendReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.SliceOfN(rapid.StringMatching(`[^\x00\r]{1,12}`), 1, 4).Draw(t, "prefix")
		line, err := Amend(prefix)
		if errors.Is(err, ErrTooGeneral) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := mustParse(t, line).Check(append(prefix, "x"), Options{}).Decision; got != policy.Allow {
			t.Errorf("%s gives %q", line, got)
		}
	})
	for _, general := range [][]string{nil, {"bash"}, {"/bin/bash", "-lc"}, {"python3.12", "-c"}, {"sudo"}, {"git"}, {"node", "-e"}, {"rm", "-rf"}} {
		if line, err := Amend(general); err == nil {
			t.Errorf("Amend(%q) wrote %s", general, line)
		}
	}
	if line, err := Amend([]string{"git", "status"}); err != nil || line != `prefix_rule(pattern=["git", "status"], decision="allow")` {
		t.Errorf("Amend wrote %s, %v", line, err)
	}
}

// The order of files and one more rule never make a decision looser.
func TestStrictestWins(t *testing.T) {
	words := []string{"'allow'", "'prompt'", "'forbidden'"}
	rapid.Check(t, func(t *rapid.T) {
		rule := rapid.Custom(func(t *rapid.T) string {
			pattern := rapid.SampledFrom([]string{"['a']", "['a', 'b']", "[['a', 'c'], 'b']", "['b']"}).Draw(t, "pattern")
			return "prefix_rule(" + pattern + ", " + rapid.SampledFrom(words).Draw(t, "decision") + ")"
		})
		texts := rapid.SliceOfN(rule, 1, 5).Draw(t, "rules")
		argv := rapid.SampledFrom([][]string{{"a"}, {"a", "b"}, {"b"}, {"c", "b", "d"}}).Draw(t, "argv")
		all := mustParse(t, texts...).Check(argv, Options{}).Decision
		fewer := mustParse(t, texts[1:]...).Check(argv, Options{}).Decision
		turned := mustParse(t, append(texts[1:len(texts):len(texts)], texts[0])...).Check(argv, Options{}).Decision
		if fewer != "" && all.Strictness() < fewer.Strictness() || all != turned {
			t.Fatalf("%q: all %q, without the first %q, turned %q", texts, all, fewer, turned)
		}
	})
}
