package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// CheckSpec validates what every backend needs and finds out early that a program is missing.
func CheckSpec(s Spec) error {
	switch {
	case len(s.Argv) == 0 || s.Argv[0] == "":
		return fmt.Errorf("%w: Argv is empty", ErrInvalidSpec)
	case !filepath.IsAbs(s.Dir):
		return fmt.Errorf("%w: Dir %q is not absolute", ErrInvalidSpec, s.Dir)
	case s.TTY && (s.StdinFile != nil || s.StdoutFile != nil || s.StderrFile != nil):
		return fmt.Errorf("%w: TTY and own files for the streams exclude each other", ErrInvalidSpec)
	case s.TTY && (s.StdoutTTY || s.StderrTTY || s.Merged), s.StdoutTTY && s.StdoutFile != nil, s.StderrTTY && s.StderrFile != nil,
		s.Merged && (s.StderrTTY || s.StderrFile != nil):
		return fmt.Errorf("%w: TTY, StdoutTTY, StderrTTY, Merged and own files contradict each other", ErrInvalidSpec)
	}
	for _, word := range append(append([]string{s.Dir}, s.Argv...), s.Env...) {
		if strings.ContainsRune(word, 0) {
			return fmt.Errorf("%w: NUL byte in %.80q", ErrInvalidSpec, word)
		}
	}
	if err := s.Plan.Validate(); err != nil {
		return err
	}
	if err := checkProxy(s); err != nil {
		return err
	}
	if info, err := os.Stat(s.Dir); err != nil || !info.IsDir() {
		return fmt.Errorf("%w: working directory %q is missing or no directory", ErrInvalidSpec, s.Dir)
	}
	_, err := LookPath(s)
	return err
}

// LookPath finds Argv[0] in the PATH of Env as execvp(3) does, relative entries below Dir.
func LookPath(s Spec) (string, error) {
	name := s.Argv[0]
	if strings.Contains(name, "/") {
		full := name
		if !filepath.IsAbs(name) {
			full = filepath.Join(s.Dir, name)
		}
		if err := executable(full); err != nil {
			return "", fmt.Errorf("%w: %s: %w", ErrNotFound, name, err)
		}
		return full, nil
	}
	for _, dir := range filepath.SplitList(Getenv(s.Env, "PATH", "/bin:/usr/bin")) {
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(s.Dir, dir)
		}
		if full := filepath.Join(dir, name); executable(full) == nil {
			return full, nil
		}
	}
	return "", fmt.Errorf("%w: %s is not in PATH", ErrNotFound, name)
}

// Getenv is the last value of name in env, or fallback.
func Getenv(env []string, name, fallback string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(env[i], name+"="); ok {
			return v
		}
	}
	return fallback
}

// NetworkDisabledEnv tells the command that the network is off, under the name that Codex uses.
const NetworkDisabledEnv = "CODEX_SANDBOX_NETWORK_DISABLED=1"
