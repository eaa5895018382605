package config

import (
	"fmt"
	"path"
	"strings"
)

const (
	maxRuleFiles   = 16
	maxRedactRules = 2000
)

// redactRules reads the files of [redact] rules: TOML in the form of gitleaks. What of it has no meaning here is named in a
// warning: leaving out an allow-list masks more, never less.
func (l *loader) redactRules(home string, p *Proctor) {
	for i, file := range p.Redact.Rules {
		if file = l.expandHome(file); !path.IsAbs(file) {
			file = path.Join(home, file)
		}
		p.Redact.Rules[i] = file
		doc, err := l.document(LayerUser, file)
		if err == nil && doc == nil {
			err = fmt.Errorf("no such file")
		}
		if err != nil {
			l.r.fail(asError(err, file))
			continue
		}
		p.Redact.Imported = append(p.Redact.Imported, l.leakRules(doc)...)
	}
}

func (l *loader) leakRules(doc *node) []RedactRule {
	var allow, words []string
	for _, key := range sortedKeys(doc.kids) {
		switch n := doc.kids[key]; key {
		case "title", "minVersion", "rules":
		case "allowlist":
			a, w := l.leakAllow(n, key)
			allow, words = append(allow, a...), append(words, w...)
		case "allowlists":
			for _, item := range n.items {
				a, w := l.leakAllow(item, key)
				allow, words = append(allow, a...), append(words, w...)
			}
		default: // extend: the built-in rules are there anyway
			l.r.warn(WarnNote, n.origin, key, "%s is not supported in a file of redaction rules, and ignored", key)
		}
	}
	var out []RedactRule
	rules := doc.find("rules")
	if rules == nil || !rules.array || len(rules.items) > maxRedactRules {
		l.r.failAt(doc.origin, "rules", "no list of rules, or too many", fmt.Sprintf("1 to %d tables [[rules]]", maxRedactRules), "")
		return nil
	}
	for _, n := range rules.items {
		if r, ok := l.leakRule(n); ok {
			r.Allow, r.Words = append(r.Allow, allow...), append(r.Words, words...)
			out = append(out, r)
		}
	}
	return out
}

func (l *loader) leakRule(n *node) (RedactRule, bool) {
	if !n.isTable() {
		l.r.failAt(n.origin, "rules", "got "+describe(n), "a table", "")
		return RedactRule{}, false
	}
	r := RedactRule{ID: n.text("id"), Regex: n.text("regex"), Keywords: textItems(n.find("keywords")), Origin: n.origin}
	at := "rules." + r.ID
	for _, key := range sortedKeys(n.kids) {
		switch v := n.kids[key]; key {
		case "id", "regex", "keywords", "description", "tags":
		case "secretGroup":
			g, _ := v.val.(int64)
			r.Group = int(g)
		case "entropy":
			switch e := v.val.(type) {
			case float64:
				r.Entropy = e
			case int64:
				r.Entropy = float64(e)
			}
		case "allowlist":
			a, w := l.leakAllow(v, at+"."+key)
			r.Allow, r.Words = append(r.Allow, a...), append(r.Words, w...)
		case "allowlists":
			for _, item := range v.items {
				a, w := l.leakAllow(item, at+"."+key)
				r.Allow, r.Words = append(r.Allow, a...), append(r.Words, w...)
			}
		default: // path, required, verify and the like
			l.r.warn(WarnNote, v.origin, at+"."+key, "%s.%s is not supported, and ignored", at, key)
		}
	}
	if r.ID == "" {
		l.r.failAt(n.origin, "rules.id", "missing", "a name for the rule", "")
		return r, false
	}
	if r.Regex == "" {
		l.r.warn(WarnNote, n.origin, at, "%s has no regex, and is ignored: rules by path have no meaning here", at)
		return r, false
	}
	return r, true
}

// leakAllow reads one allow-list. Only patterns and words about the secret itself are supported: a list that also looks at lines,
// paths or commits is left out as a whole when all of it must hold.
func (l *loader) leakAllow(n *node, at string) (allow, words []string) {
	if !n.isTable() {
		return nil, nil
	}
	for _, key := range sortedKeys(n.kids) {
		v := n.kids[key]
		switch {
		case key == "description" || key == "regexes" || key == "stopwords" || key == "condition" && strings.EqualFold(n.text(key), "or") || key == "condition" && n.text(key) == "||":
		case key == "regexTarget" && (n.text(key) == "secret" || n.text(key) == ""):
		case key == "condition" || key == "regexTarget" || key == "targetRules":
			l.r.warn(WarnNote, v.origin, at+"."+key, "the allow-list %s is ignored: its %s is not supported", at, key)
			return nil, nil
		default: // paths, commits
			l.r.warn(WarnNote, v.origin, at+"."+key, "%s.%s is not supported, and ignored", at, key)
		}
	}
	return textItems(n.find("regexes")), textItems(n.find("stopwords"))
}

func textItems(n *node) (out []string) {
	if n == nil {
		return nil
	}
	for _, item := range n.items {
		if s, ok := item.val.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
