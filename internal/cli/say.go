package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"proctor/internal/config"
)

// Warn tells a person something, on standard error.
func Warn(env Env, text string) { _, _ = fmt.Fprintln(env.Stderr, "proctor: warning:", Plain(text)) }

// ShowWarnings prints what the configuration has to say.
func ShowWarnings(env Env, warnings []config.Warning) {
	for _, w := range warnings {
		Warn(env, w.String())
	}
}

// WithTimeout runs f with a limit of d, or none when d is zero. A passed limit is ErrTimeLimit.
func WithTimeout(ctx context.Context, d time.Duration, f func(context.Context) error) error {
	if d <= 0 {
		return f(ctx)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, d, ErrTimeLimit)
	defer cancel()
	return f(ctx)
}

// Plain makes recorded text safe for a terminal: control characters other than
// line break and tab are shown, not sent.
func Plain(s string) string {
	clean := func(r rune) bool {
		return r != '\n' && r != '\t' && (!strconv.IsPrint(r) || r == '\uFEFF')
	}
	if !strings.ContainsFunc(s, clean) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if clean(r) {
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
