package redact

import (
	"encoding/base64"
	"encoding/json"
	"hash/crc32"
	"math"
	"strings"
)

// match is what a rule found in a text: the secret is text[from:to], the whole match text[start:end].
type match struct {
	text                 string
	from, to, start, end int
}

func (m *match) shift(by int) {
	m.from, m.to, m.start, m.end = m.from+by, m.to+by, m.start+by, m.end+by
}

func (m match) secret() string { return m.text[m.from:m.to] }

// checks refuse matches that only look like secrets.
var checks = map[string]func(match) bool{
	"digits":      func(m match) bool { return strings.ContainsAny(m.secret(), digits) },
	"mixed":       func(m match) bool { s := shape(m.secret()); return s.digits > 0 && s.letters > 1 },
	"pem":         func(m match) bool { return hasRun(m.secret(), 4) },
	"github":      github,
	"jwt":         jwt,
	"urlpassword": urlPassword,
	"header":      header,
	"cookie":      cookie,
	"flag":        flagValue,
	"value":       keyValue,
	"random":      random,
	"luhn":        luhn,
	"userpass":    userPassword,
	"given":       given,
}

// userPassword accepts base64 of NAME:PASSWORD.
func userPassword(m match) bool {
	plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(m.secret(), "="))
	name, password, ok := strings.Cut(string(plain), ":")
	return err == nil && ok && name != "" && password != "" && !strings.ContainsFunc(string(plain), func(r rune) bool { return r < ' ' || r > '~' })
}

const digits = "0123456789"

// entropy is that of the bytes of s, in bits per byte.
func entropy(s string) float64 {
	if s == "" {
		return 0
	}
	var count [256]int
	for i := range len(s) {
		count[s[i]]++
	}
	sum := 0.0
	for _, n := range count {
		if n > 0 {
			p := float64(n) / float64(len(s))
			sum -= p * math.Log2(p)
		}
	}
	return sum
}

// kinds counts the bytes of a text by kind.
type kinds struct{ digits, letters, hex, upper, lower, others int }

func shape(s string) (k kinds) {
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			k.digits++
			k.hex++
		case 'a' <= c && c <= 'z':
			k.letters++
			k.lower++
			if c <= 'f' {
				k.hex++
			}
		case 'A' <= c && c <= 'Z':
			k.letters++
			k.upper++
			if c <= 'F' {
				k.hex++
			}
		default:
			k.others++
		}
	}
	return k
}

// hasRun reports whether n base64 bytes stand behind the first line, as in the body of a key.
func hasRun(s string, n int) bool {
	_, body, _ := strings.Cut(strings.TrimPrefix(s, "-----"), "-----")
	run := 0
	for i := range len(body) {
		if wordByte(body[i]) && body[i] != '_' || body[i] == '+' || body[i] == '/' {
			if run++; run >= n {
				return true
			}
			continue
		}
		run = 0
	}
	return false
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// github accepts what carries the right checksum: its last six digits are the CRC-32 of the rest after the prefix, in base
// 62; and, since a secret that was cut or altered is still one, what is random.
func github(m match) bool {
	s := m.secret()[len("ghp_"):]
	if body, sum := s[:len(s)-6], s[len(s)-6:]; len(s) == 36 {
		want, ok := uint64(0), true
		for i := range len(sum) {
			d := strings.IndexByte(base62, sum[i])
			ok = ok && d >= 0
			want = want*62 + uint64(max(d, 0))
		}
		if ok && want == uint64(crc32.ChecksumIEEE([]byte(body))) {
			return true
		}
	}
	return entropy(s) >= 3
}

// jwt wants a header that is JSON, or one that was cut too short to tell.
func jwt(m match) bool {
	head, _, _ := strings.Cut(m.secret(), ".")
	b, err := base64.RawURLEncoding.DecodeString(head[:len(head)/4*4])
	if err != nil || len(b) < 2 || b[0] != '{' {
		return false
	}
	if len(head)%4 == 0 && json.Valid(b) {
		return true
	}
	return strings.Contains(string(b), `"`)
}

// urlPassword refuses what stands in templates and documents.
func urlPassword(m match) bool {
	s := m.secret()
	return !variableLike(s) && !placeholder(s)
}

func header(m match) bool {
	s := m.secret()
	k := shape(s)
	if variableLike(s) || placeholder(s) || len(s) < 6 || code(m) || strings.Contains(strings.ToLower(s), "authorization") {
		return false
	}
	return k.digits > 0 || k.upper > 0 && k.lower > 0 && len(s) >= 12 || len(s) >= 16 && k.others > 0 && entropy(s) > 3
}

// cookie wants name=value with something random in it.
func cookie(m match) bool {
	name, value, _ := strings.Cut(m.secret(), "=")
	return !strings.ContainsAny(name, ".?({>") && !strings.HasPrefix(value, ">") && !variableLike(value+" ") && strings.ContainsAny(value, digits) && entropy(value) > 2.5 && !strings.Contains(value, "{")
}

func flagValue(m match) bool {
	s := m.secret()
	k := shape(s)
	return len(s) >= 4 && !variableLike(s) && !placeholder(s) && !pathLike(s) && s[0] != '-' && k.digits < len(s) &&
		(k.digits > 0 || k.upper > 0 && k.lower > 0 && len(s) >= 12 || strings.ContainsAny(s, "!@#%^&+=/"))
}

// given accepts what stands where only a password can, unless it is a reference or a number.
func given(m match) bool {
	s := m.secret()
	return len(s) >= 4 && !variableLike(s) && !placeholder(s) && s[0] != '-' && shape(s).digits < len(s)
}

// variableLike are references: to a variable, to a template's field, to a file by shell redirection.
func variableLike(s string) bool {
	password := len(s) > 8 && strings.ContainsAny(s[:1], "$@*#%") && strings.ContainsAny(s, digits) && !identifier(s[1:])
	return !password && strings.ContainsAny(s[:1], "$%<{(@`*#") ||
		strings.Contains(s, "${") || strings.Contains(s, "{{") || strings.Contains(s, "$(")
}

func identifier(s string) bool {
	for i := range len(s) {
		if !wordByte(s[i]) && s[i] != '{' && s[i] != '}' {
			return false
		}
	}
	return true
}

// placeholders are what people and documents write where a secret goes.
var placeholders = []string{"xxxx", "****", "....", "----", "example", "changeme", "placeholder", "redacted", "your-", "your_", "<your", "dummy", "insert", "masked", "undefined", "todo"}

func placeholder(s string) bool {
	lower := strings.ToLower(s)
	for _, p := range placeholders {
		if strings.Contains(lower, p) && (len(s) < 24 || shape(s).digits < 3) {
			return true
		}
	}
	return strings.Trim(s, s[:1]) == ""
}

func pathLike(s string) bool {
	return (s[0] == '/' || s[0] == '~' || strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../")) && strings.Count(s, "/") >= 2 && entropy(s) < 4.2 ||
		strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "file:")
}

// memberOf is an expression of a program, a.b.c, and no value.
func memberOf(s string) bool {
	dots := 0
	for i := range len(s) {
		switch {
		case s[i] == '.' && i > 0 && i < len(s)-1 && s[i-1] != '.':
			dots++
		case !wordByte(s[i]) && s[i] != '[' && s[i] != ']' && s[i] != '?' && s[i] != '!' && s[i] != '*':
			return false
		}
	}
	first := strings.IndexByte(s, '.')
	return dots > 0 && !strings.ContainsAny(s[:first], digits) && s[0] != '.'
}

// keyValue judges what stands behind a name such as password, token or secret.
func keyValue(m match) bool {
	s := m.secret()
	if len(s) < 6 || variableLike(s) || placeholder(s) || pathLike(s) {
		return false
	}
	name := strings.ToLower(m.text[m.start:m.from])
	spoken := strings.HasPrefix(name, "pass") || strings.HasPrefix(name, "secret")
	k := shape(s)
	if k.letters == 0 && k.others == 0 && len(s) <= 12 { // a count
		return false
	}
	lower := strings.ToLower(s)
	quoted := strings.IndexByte(`"'`, m.text[m.from-1]) >= 0
	if k.digits == 0 && (strings.Contains(lower, "passw") || strings.Contains(lower, "token") || strings.Contains(lower, "secret") || strings.Contains(lower, "key") || strings.Contains(lower, "credential")) {
		return false // a label, or another variable
	}
	switch {
	case quoted:
		if strings.ContainsAny(s, "\n\t") || strings.Count(s, " ") > 5 {
			return false
		}
		return k.digits > 0 || spoken && (k.others > 0 || entropy(s) >= 3) || k.others > 0 && !identifier(s) && entropy(s) >= 3.3 && !strings.Contains(s, " ") && !memberOf(s) || len(s) >= 20 && k.upper > 2 && k.lower > 2 && entropy(s) >= 4
	case code(m):
		return false
	case spaced(m): // written as a program is, or as YAML
		return k.digits > 0 && k.letters > 0 && (spoken && !identifierWord(s) || len(s) >= 12 && entropy(s) >= 3)
	}
	shouted := m.text[m.start] >= 'A' && m.text[m.start] <= 'Z'
	return k.digits > 0 && k.letters+k.others > 0 || k.digits > 12 || k.others > 0 && !identifier(s) && entropy(s) >= 2.5 || shouted && spoken && len(s) >= 8 ||
		len(s) >= 20 && k.upper > 2 && k.lower > 2 && entropy(s) >= 4
}

// identifierWord is a name with a number behind it, such as sha256 or field2Name.
func identifierWord(s string) bool {
	return identifier(s) && shape(s).upper > 0 && shape(s).digits <= 3 && entropy(s) < 3.4
}

// code reports whether a bare value is an expression: a call, a member, an index.
func code(m match) bool {
	s := m.secret()
	if m.to < len(m.text) && strings.IndexByte("([{", m.text[m.to]) >= 0 {
		return true
	}
	if i := strings.IndexByte(s, '['); i > 0 && (identifier(s[:i]) || memberOf(s[:i])) && !strings.ContainsAny(s[:i], digits) {
		return true
	}
	return memberOf(s) || strings.Contains(s, "](") || strings.Contains(s, "::") || strings.Contains(s, "=>") || strings.HasPrefix(s, "[") || strings.HasPrefix(s, "!") || strings.HasPrefix(s, "&") ||
		strings.ContainsAny(s, "?") && strings.ContainsAny(s, ":") || strings.Contains(strings.TrimRight(s, "="), "==")
}

func spaced(m match) bool { return m.text[m.from-1] == ' ' || m.text[m.from-1] == '\t' }

// random judges what stands behind a name that says little, such as key: it must be long and without any order, and neither a
// digest nor an id, which stand behind such names by the thousand.
func random(m match) bool {
	s := m.secret()
	k := shape(s)
	if len(s) < 16 || len(s) > 256 || variableLike(s) || placeholder(s) || pathLike(s) || code(m) || strings.Contains(s, " ") {
		return false
	}
	if k.hex+strings.Count(s, "-") == len(s) || hexRun(s) >= 24 || strings.Count(s, "-") >= 3 { // digests, ids, names
		return false
	}
	if strings.HasPrefix(s, "sha256-") || strings.HasPrefix(s, "sha512-") || strings.HasPrefix(s, "sha1-") || strings.HasPrefix(s, "h1:") || strings.Contains(s, "://") {
		return false
	}
	return k.digits >= 2 && k.letters >= 4 && (k.upper > 1 && k.lower > 1 || k.digits >= 4) && k.others*6 <= len(s)
}

// hexRun is the length of the longest run of hex digits and hyphens.
func hexRun(s string) (longest int) {
	run := 0
	for i := range len(s) {
		if strings.IndexByte("0123456789abcdefABCDEF-", s[i]) < 0 {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// luhn is the check of payment cards.
func luhn(m match) bool {
	sum, n := 0, 0
	for _, c := range []byte(reverse(m.secret())) {
		if c < '0' || c > '9' {
			continue
		}
		d := int(c - '0')
		if n%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		n++
	}
	return n >= 13 && sum > 0 && sum%10 == 0
}

func reverse(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}
