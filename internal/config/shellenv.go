package config

import (
	"slices"
	"strings"
)

// ShellEnvironmentPolicy decides which variables a supervised command gets.
type ShellEnvironmentPolicy struct {
	Inherit               string            `json:"inherit"` // all, core or none
	IgnoreDefaultExcludes bool              `json:"ignore_default_excludes"`
	Exclude               []string          `json:"exclude"` // globs over names, case ignored
	Set                   map[string]string `json:"set"`
	IncludeOnly           []string          `json:"include_only"` // globs over names, case ignored
	UseProfile            bool              `json:"experimental_use_profile"`
}

// coreVariables are what inherit = "core" keeps.
var coreVariables = [...]string{"HOME", "LOGNAME", "PATH", "SHELL", "USER", "USERNAME", "TMPDIR", "TEMP", "TMP"}

// defaultExcludes apply when ignore_default_excludes is false.
var defaultExcludes = []string{"*KEY*", "*SECRET*", "*TOKEN*"}

// Apply filters environ ("NAME=value" strings) in the documented order:
// inherit, default excludes, exclude, set, include_only. The answer is sorted
// and holds each name once; environ is not changed.
func (p ShellEnvironmentPolicy) Apply(environ []string) []string {
	vars := map[string]string{}
	for _, kv := range environ {
		name, value, ok := strings.Cut(kv, "=")
		if !ok || name == "" || !p.inherits(name) {
			continue
		}
		if !p.IgnoreDefaultExcludes && matchesAny(defaultExcludes, name) || matchesAny(p.Exclude, name) {
			continue
		}
		vars[name] = value
	}
	for name, value := range p.Set {
		vars[name] = value
	}
	out := make([]string, 0, len(vars))
	for name, value := range vars {
		if len(p.IncludeOnly) == 0 || matchesAny(p.IncludeOnly, name) {
			out = append(out, name+"="+value)
		}
	}
	slices.Sort(out)
	return out
}

func (p ShellEnvironmentPolicy) inherits(name string) bool {
	switch p.Inherit {
	case "none":
		return false
	case "core":
		return slices.ContainsFunc(coreVariables[:], func(core string) bool { return strings.EqualFold(core, name) })
	default:
		return true
	}
}

func matchesAny(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(g string) bool { return wildcard(g, name) })
}

// wildcard matches * (any run) and ? (one byte), ignoring ASCII case. It runs in
// len(pattern)*len(s) at worst.
func wildcard(pattern, s string) bool {
	pattern, s = strings.ToLower(pattern), strings.ToLower(s)
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
