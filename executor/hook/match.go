package hook

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

func anything(string) bool { return true }

// compile reads a matcher: nothing and "*" match everything, words joined by | match exactly, everything else is a regular
// expression that may match anywhere.
func compile(matcher string) (func(string) bool, error) {
	if matcher == "" || matcher == "*" {
		return anything, nil
	}
	if len(matcher) > maxMatcher {
		return nil, fmt.Errorf("longer than %d bytes", maxMatcher)
	}
	if strings.Trim(matcher, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_|") == "" {
		words := strings.Split(matcher, "|")
		return func(s string) bool { return slices.Contains(words, s) }, nil
	}
	re, err := regexp.Compile(matcher)
	if err != nil {
		return nil, err
	}
	return re.MatchString, nil
}
