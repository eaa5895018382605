package redact

import (
	"regexp"
	"strings"
	"sync"
)

// rule finds one shape of secret. The first group that took part in a match is the
// secret; without groups it is the whole match.
type rule struct {
	id string
	// words are lower case; a text without any of them is not searched.
	words []string
	expr  string
	// check refuses matches that only look like secrets; nil accepts all.
	check func(string) bool
}

// secretValue is what may follow "key=" or "key: ": quoted, quoted inside JSON, or bare. A bare
// value ends at blanks, quotes and separators, and at an escaped line break, so that
// JSON around it stays JSON.
const secretValue = `(?:\\"((?:[^"\\\r\n]|\\[^"])+)\\?"|"([^"\\\r\n]+)"|'([^'\r\n]+)'|((?:[^\s"'\\,;&|<>(){}]|\\[^nrt"'\s])+))` //nolint:gosec // finds credentials, is none

// rules in order of precedence: where matches overlap, the first rule names the removal.
var rules = []rule{
	{
		"private-key", []string{"private key"},
		`-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?s:.*?)-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|(?:[A-Za-z0-9+/=\s]|\\[nrt])*)`, nil,
	},
	{
		"known-token", []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "npm_", "pypi-", "hf_", "xox", "aiza", "dop_v1_", "age-secret-key-1", "_live_", "sg."},
		`(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,}|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{40,}|hf_[A-Za-z0-9]{30,}|xox[abeoprs]-[A-Za-z0-9-]{10,}|AIza[A-Za-z0-9_-]{35}|dop_v1_[0-9a-f]{64}|AGE-SECRET-KEY-1[0-9A-Z]{58}|[rs]k_live_[A-Za-z0-9]{16,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,})`, nil,
	},
	{"sk-token", []string{"sk-"}, `(?:^|[^A-Za-z0-9])(sk-[A-Za-z0-9_-]{16,})`, hasDigit},
	{"aws-key-id", []string{"akia", "asia"}, `(?:^|[^A-Za-z0-9])((?:AKIA|ASIA)[0-9A-Z]{16})`, nil},
	{"jwt", []string{"eyj"}, `eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`, nil},
	{"url-credentials", []string{"://"}, `://(?:[^\s/:@"'\\\[]*:([^\s/@"'\\]+)|([^\s/:@"'\\]{8,}))@`, nil},
	{"authorization", []string{"authorization"}, `(?i)authorization["'\\]*\s*[:=]\s*["'\\]*(?:(?:bearer|basic|token|digest|negotiate|apikey)\s+)?([^\s"'\\,;]+)`, nil},
	{"bearer", []string{"bearer"}, `(?i)\bbearer\s+([A-Za-z0-9._~+/=-]{16,})`, hasDigit},
	{"cookie", []string{"cookie"}, `(?i)\b(?:set-)?cookie["'\\]*\s*:\s*["'\\]*([^"'\\\r\n]+)`, nil},
	{
		"key-value", []string{"passw", "secret", "token", "api", "access", "private", "credential", "client", "passphrase"},
		`(?i)(?:password|passwd|passphrase|secret|api[_-]?key|apikey|access[_-]?key|private[_-]?key|credential|auth[_-]?token|access[_-]?token|refresh[_-]?token|token)(?:[_-]?(?:id|key|value|base64|access[_-]?key))?\\?["']?\s{0,3}(?:=|:|:=|=>)\s{0,3}` + secretValue, looksSecret,
	},
	{"flag-value", []string{"--pass", "--token", "--secret", "--api"}, `(?i)--(?:password|passwd|passphrase|token|secret|api-?key|access-token)\s+` + secretValue, looksSecret},
}

// looksSecret refuses short values, references to variables, and numbers of few digits such as token counts.
func looksSecret(v string) bool {
	if len(v) < 6 || strings.HasPrefix(v, "$") {
		return false
	}
	return len(v) > 12 || strings.Trim(v, "0123456789.") != ""
}

func hasDigit(v string) bool { return strings.ContainsAny(v, "0123456789") }

type compiled struct {
	rule
	re *regexp.Regexp
}

// compiledRules is built at the first use: most commands never export.
var compiledRules = sync.OnceValue(func() []compiled {
	out := make([]compiled, len(rules))
	for i, r := range rules {
		out[i] = compiled{r, regexp.MustCompile(r.expr)}
	}
	return out
})
