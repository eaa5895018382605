package app

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"proctor/executor"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/terms"
	"proctor/policy/filesystem"
)

//go:embed instructions.md
var instructions string

// maxNotes bounds project notes when the configuration does not, in bytes.
const maxNotes = 32 << 10

// projectNotes reads AGENTS.md of the user, then from the project root down to the working folder.
func projectNotes(cfg *config.Config) (string, error) {
	limit := cfg.ProjectDocMaxBytes
	if limit <= 0 {
		limit = maxNotes
	}
	var b strings.Builder
	for i, dir := range append([]string{cfg.CodexHome}, terms.Folders(cfg.ProjectRoot, cfg.Cwd)...) {
		within := cfg.ProjectRoot
		if i == 0 {
			within = cfg.CodexHome
		}
		text, err := readNotes(filepath.Join(dir, "AGENTS.md"), within, limit-int64(b.Len()))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("read project notes: %w", err)
		}
		if b.Len() > 0 && text != "" {
			b.WriteString("\n")
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// readNotes reads a file that goes to the model. A link may lead to another file of the
// project, and nowhere else: a repository must not choose which of our files are sent.
func readNotes(path, within string, limit int64) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	root, err := filepath.EvalSymlinks(within)
	if err != nil {
		return "", err
	}
	if !filesystem.Within(real, root) {
		return "", fmt.Errorf("%s leads out of %s, to %s; remove the link, or copy the file", path, within, real)
	}
	f, err := os.OpenFile(real, os.O_RDONLY|asItIs, 0)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", errors.Join(err, fmt.Errorf("%s is not a regular file", path))
	}
	b, err := io.ReadAll(io.LimitReader(f, max(limit, 0)))
	if err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		return strings.ToValidUTF8(string(b), "\uFFFD"), nil
	}
	return string(b), nil
}

// opening are the items before the first prompt: what the model should know of its surroundings.
func opening(env cli.Env, cfg *config.Config, plan filesystem.Plan, notes string) []json.RawMessage {
	var items []json.RawMessage
	if cfg.DeveloperInstructions != "" {
		items = append(items, executor.Message("developer", cfg.DeveloperInstructions))
	}
	text := surroundings(env, cfg, plan)
	if notes != "" {
		text += "\n\n# Project notes (AGENTS.md)\n\n" + notes
	}
	return append(items, executor.Message("user", text))
}

func surroundings(env cli.Env, cfg *config.Config, plan filesystem.Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, executor.Surroundings+"\n  <cwd>%s</cwd>\n  <approval_policy>%s</approval_policy>\n  <sandbox_mode>%s</sandbox_mode>\n  <network_access>%s</network_access>\n",
		cfg.Cwd, cfg.ApprovalPolicy, cfg.SandboxMode, plan.Network)
	for _, root := range plan.Writable {
		fmt.Fprintf(&b, "  <writable_root>%s</writable_root>\n", root.Path)
	}
	fmt.Fprintf(&b, "  <shell>%s</shell>\n</environment_context>", filepath.Base(userShell(env)))
	return b.String()
}

func userShell(env cli.Env) string {
	if s := env.Getenv("SHELL"); filepath.IsAbs(s) {
		return s
	}
	return "/bin/bash"
}
