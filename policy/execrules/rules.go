package execrules

import (
	"path"
	"slices"
	"strings"

	"proctor/policy"
	"proctor/policy/command"
)

// File is one rules file: its name for messages, and its text.
type File struct {
	Name string
	Text string
	// Managed: the rules are an administrator's, and may say "prompt-user": a person must answer.
	Managed bool
}

// Options says how commands are matched. The zero value matches first words exactly.
type Options struct {
	// ResolveHostExecutables lets rules for a base name match a path with that base name; sessions have it on.
	ResolveHostExecutables bool
	// Home is what "~/" in host_executable paths stands for; when empty such paths match nothing.
	Home string
	// Cwd is the folder where relative paths begin; when empty they are matched as they stand.
	Cwd string
}

// Result is what the rules say about one command. Decision is empty when no rule matched.
type Result struct {
	Matches  []policy.RuleMatch
	Decision policy.Outcome
}

// Rules is a loaded set of rules; it is immutable. The nil pointer and the zero value match nothing.
type Rules struct {
	prefix  map[string][]prefixRule // by first word, in order of loading
	network map[networkKey][]networkRule
	hosts   map[string][]string // program name -> permitted paths
	count   int
}

// prefixRule is one rule with one first word.
type prefixRule struct {
	first         string
	rest          [][]string // alternatives for each further word
	decision      policy.Outcome
	person        bool
	justification string
	file          string
	line          int
}

// match returns the words of argv that the rule covers.
func (r prefixRule) match(argv []string) ([]string, bool) {
	n := len(r.rest) + 1
	if len(argv) < n || argv[0] != r.first {
		return nil, false
	}
	for i, alternatives := range r.rest {
		if !slices.Contains(alternatives, argv[i+1]) {
			return nil, false
		}
	}
	return argv[:n:n], true
}

// Len is the number of prefix rules, alternatives of the first word counted one by one.
func (r *Rules) Len() int {
	if r == nil {
		return 0
	}
	return r.count
}

// Check matches one command as it is; scripts are not split.
func (r *Rules) Check(argv []string, o Options) Result {
	if r == nil || len(argv) == 0 {
		return Result{}
	}
	matches := matchAll(r.prefix[argv[0]], argv, "")
	if len(matches) == 0 && o.ResolveHostExecutables {
		matches = r.byBaseName(argv, o)
	}
	res := Result{Matches: matches}
	for _, m := range matches {
		if res.Decision == "" {
			res.Decision = m.Decision
		}
		res.Decision = policy.Strictest(res.Decision, m.Decision)
	}
	return res
}

// byBaseName matches a path by the rules of its last part, if host_executable does not exclude the path. Paths are
// cleaned as text, and a link on the way makes that wrong: where a list decides, only a path without ".." that starts at
// the root is allowed by it, while rules that ask or forbid reach every spelling.
func (r *Rules) byBaseName(argv []string, o Options) []policy.RuleMatch {
	program := argv[0]
	if !strings.Contains(program, "/") {
		return nil
	}
	sure := path.IsAbs(program) && !slices.Contains(strings.Split(program, "/"), "..")
	switch {
	case path.IsAbs(program):
		program = path.Clean(program)
	case o.Cwd != "":
		program = path.Join(o.Cwd, program)
	}
	name := path.Base(program)
	listed, limited := r.hosts[name]
	if name == program || limited && !slices.ContainsFunc(listed, func(p string) bool { return atHome(p, o.Home) == program }) {
		return nil
	}
	matches := matchAll(r.prefix[name], slices.Concat([]string{name}, argv[1:]), program)
	if limited && !sure {
		return slices.DeleteFunc(matches, func(m policy.RuleMatch) bool { return m.Decision == policy.Allow })
	}
	return matches
}

func atHome(p, home string) string {
	if rest, ok := strings.CutPrefix(p, "~/"); ok {
		if home == "" {
			return ""
		}
		return path.Join(home, rest)
	}
	return p
}

func matchAll(rules []prefixRule, argv []string, resolved string) []policy.RuleMatch {
	var out []policy.RuleMatch
	for _, rule := range rules {
		if prefix, ok := rule.match(argv); ok {
			out = append(out, policy.RuleMatch{
				Prefix: prefix, Decision: rule.decision, Justification: rule.justification, Person: rule.person,
				ResolvedProgram: resolved, File: rule.file, Line: rule.line,
			})
		}
	}
	return out
}

// Apply gives the parts and the inner commands of p their matches, in place of those they had. P is not changed.
func (r *Rules) Apply(p command.Parsed, o Options) command.Parsed {
	p.Parts = r.matched(p.Parts, o)
	p.Inner = r.matched(p.Inner, o)
	return p
}

func (r *Rules) matched(parts []policy.Part, o Options) []policy.Part {
	out := slices.Clone(parts)
	for i := range out {
		out[i].Matches = r.Check(out[i].Argv, o).Matches
	}
	return out
}
