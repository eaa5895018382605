package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"proctor/internal/config"
)

// Warn tells a person something, on standard error.
func Warn(env Env, text string) { _, _ = fmt.Fprintln(env.Stderr, "proctor: warning:", plain(text)) }

// ShowWarnings prints what the configuration has to say.
func ShowWarnings(env Env, warnings []config.Warning) {
	for _, w := range warnings {
		Warn(env, w.String())
	}
}

// ShowRecovered says which sessions were found open and closed.
func ShowRecovered(env Env, s *Store) {
	for _, r := range s.Recovered {
		text := fmt.Sprintf("session %s had not been closed: its process is gone; it was closed now", r.Session)
		if len(r.Interrupted) > 0 {
			text += fmt.Sprintf(", with %d calls marked as interrupted (%s)", len(r.Interrupted), strings.Join(r.Interrupted, ", "))
		}
		Warn(env, text)
	}
}

// Plain makes text safe to print on a terminal.
func Plain(s string) string { return plain(s) }

// Abs makes a path absolute from the working folder of env.
func Abs(env Env, path string) string { return env.abs(path) }

// WithTimeout runs f with a limit of d, or none when d is zero. A passed limit is ErrTimeLimit.
func WithTimeout(ctx context.Context, d time.Duration, f func(context.Context) error) error {
	if d <= 0 {
		return f(ctx)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, d, ErrTimeLimit)
	defer cancel()
	return f(ctx)
}
