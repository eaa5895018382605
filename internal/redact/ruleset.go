package redact

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// Rule finds one shape of secret.
type Rule struct {
	ID string
	// Keywords are ASCII, of any case; a text without any of them is not searched. A rule without keywords is searched
	// for everywhere, which is slow.
	Keywords []string
	// Pattern is RE2. It begins at a keyword, or with Around anywhere up to 256 bytes before one.
	Pattern string
	Around  bool
	// Tied and Needs refuse places before the pattern is tried. Tied: behind the keyword, names, blanks, quotes and backslashes
	// must lead to = or : (or, in a list, a comma). Needs: this byte must come before the next blank, quote or slash.
	Tied  bool
	Needs string
	// Boundary refuses matches that begin inside a word.
	Boundary bool
	// Group is the group of the secret; 0 takes the first group that took part, or the whole match.
	Group int
	// Entropy is a floor in bits per byte of the secret; 0 is none.
	Entropy float64
	// Check names a function of check.go, empty for none.
	Check string
	// Window is how many bytes from the keyword on are looked at first; when a match goes to its end the window grows, up
	// to 64 KiB. 0 means 256.
	Window int
	// Allow are patterns, and Words texts in any case, of secrets that are none.
	Allow []string
	Words []string
	// Unsure rules mask what leaves and not what is recorded.
	Unsure bool

	builtIn bool
}

//go:embed rules.conf
var builtIn string

// standard are the rules of this program.
var standard = sync.OnceValue(func() *Rules {
	version, rules, err := parseRules(builtIn)
	if err != nil {
		panic(fmt.Sprintf("redact: rules.conf: %v", err)) //nolint:forbidigo // a test parses it
	}
	r, err := compile(version, rules, nil)
	if err != nil {
		panic(fmt.Sprintf("redact: rules.conf: %v", err)) //nolint:forbidigo // a test compiles it
	}
	return r
})

// Standard is the built-in set of rules. It is compiled at the first use: most commands record and export nothing.
func Standard() *Rules { return standard() }

// NewRules is the built-in set with more rules behind it, and with values that are known to be secret before it. All
// problems of more are reported at once.
func NewRules(more []Rule, values ...Known) (*Rules, error) {
	if len(more) == 0 && len(values) == 0 {
		return Standard(), nil
	}
	version, rules, err := parseRules(builtIn)
	if err != nil {
		return nil, err
	}
	return compile(version, append(rules, more...), values)
}

// Version names the rules: of the built-in file, and a digest over all rules. Known values are no part of it.
func (r *Rules) Version() string { return r.version }

// versionOf is deterministic: the same rules have the same version everywhere.
func versionOf(version string, rules []Rule) string {
	h := sha256.New()
	for _, r := range rules {
		_, _ = fmt.Fprintf(h, "%q\n", fmt.Sprint(r))
	}
	return version + "/" + hex.EncodeToString(h.Sum(nil)[:4])
}

// parseRules reads the form of rules.conf.
func parseRules(text string) (version string, rules []Rule, err error) {
	macros := map[string]string{}
	var problems []error
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case word == "version":
			version = rest
		case word == "define":
			name, value, _ := strings.Cut(rest, " ")
			macros["{"+name+"}"] = value
		case word == "rule":
			rules = append(rules, Rule{ID: rest, builtIn: true})
		case len(rules) == 0:
			problems = append(problems, fmt.Errorf("line %d: %q stands before any rule", n, word))
		default:
			if err := rules[len(rules)-1].set(word, rest, macros); err != nil {
				problems = append(problems, fmt.Errorf("line %d: %w", n, err))
			}
		}
	}
	return version, rules, errors.Join(problems...)
}

func (r *Rule) set(word, rest string, macros map[string]string) (err error) {
	switch word {
	case "keywords":
		r.Keywords = strings.Fields(rest)
	case "pattern":
		for name, value := range macros {
			rest = strings.ReplaceAll(rest, name, value)
		}
		r.Pattern = rest
	case "around":
		r.Around = true
	case "tied":
		r.Tied = true
	case "needs":
		r.Needs = rest
	case "boundary":
		r.Boundary = true
	case "unsure":
		r.Unsure = true
	case "check":
		r.Check = rest
	case "entropy":
		r.Entropy, err = strconv.ParseFloat(rest, 64)
	case "window":
		r.Window, err = strconv.Atoi(rest)
	default:
		return fmt.Errorf("unknown word %q", word)
	}
	return err
}
