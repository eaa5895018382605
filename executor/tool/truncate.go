package tool

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// DefaultOutputTokens is how much output a model sees when it does not say.
	DefaultOutputTokens = 10_000
	// bytesPerToken is the estimate that Codex works with.
	bytesPerToken = 4
)

// Tokens estimates how many tokens n bytes are.
func Tokens(n int64) int64 { return (n + bytesPerToken - 1) / bytesPerToken }

// Truncate keeps the beginning and the end of text within a budget of tokens. The cut is marked in its place with the
// number of tokens that are missing. Total is the length of the original in bytes when text itself is
// already shortened, else 0. It reports whether anything is missing.
func Truncate(text string, tokens int, total int64) (string, bool) {
	total = max(total, int64(len(text)))
	budget := tokens * bytesPerToken
	if int64(budget) >= total {
		return text, false
	}
	head := text[:boundary(text, min(budget/2, len(text)))]
	rest := text[len(head):]
	at := max(0, len(rest)-(budget-budget/2))
	for at < len(rest) && !utf8.RuneStart(rest[at]) {
		at++
	}
	tail := rest[at:]
	missing := Tokens(total - int64(len(head)) - int64(len(tail)))
	return fmt.Sprintf("%s…%d tokens truncated…%s", head, missing, tail), true
}

// Shown is the text of a collected output as a model sees it: whole, or cut with a heading that says so.
func Shown(b *Buffer, tokens int) (string, bool) {
	text := b.String()
	cut, truncated := Truncate(text, tokens, b.Total())
	if !truncated {
		return text, false
	}
	size := fmt.Sprintf("Total output lines: %d", lines(text))
	if n := b.Omitted(); n > 0 {
		size = fmt.Sprintf("... %d bytes omitted ...", n)
	}
	return fmt.Sprintf("Warning: truncated output (original token count: %d)\n%s\n\n%s", Tokens(b.Total()), size, cut), true
}

// boundary is the largest index up to n that does not split a character.
func boundary(s string, n int) int {
	for n > 0 && n < len(s) && !utf8.RuneStart(s[n]) {
		n--
	}
	return n
}

func lines(s string) int {
	n := strings.Count(s, "\n")
	if s != "" && !strings.HasSuffix(s, "\n") {
		n++
	}
	return n
}
