package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"proctor/internal/cli"
	"proctor/internal/codex/execserver"
)

// What the forms of deploy/ci run are commands and flags of this program, and of the Codex CLI that its executor was made for.
func TestFormsOfCIAreValid(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../deploy/ci/*")
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v", files, err)
	}
	version := regexp.MustCompile(`@openai/codex@(\S+)`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range version.FindAllStringSubmatch(string(text), -1) {
			if m[1] != execserver.ProtocolVersion {
				t.Errorf("%s: Codex %s, want %s", file, m[1], execserver.ProtocolVersion)
			}
		}
		if filepath.Ext(file) != ".yml" {
			continue
		}
		commands := map[string]bool{}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			line, _, _ = strings.Cut(line, " #")
			for part := range strings.SplitSeq(line, "&&") {
				args := words(part)
				if len(args) == 0 {
					continue
				}
				found, rest, err := newRoot(cli.Env{}).Find(args[1:])
				if err != nil || !found.Runnable() {
					t.Errorf("%s: %q: %v", file, part, err)
					continue
				}
				commands[found.CommandPath()] = true
				if err := found.ParseFlags(rest); err != nil {
					t.Errorf("%s: %q: %v", file, part, err)
				} else if err := found.ValidateArgs(found.Flags().Args()); err != nil {
					t.Errorf("%s: %q: %v", file, part, err)
				}
			}
		}
		for _, c := range []string{"proctor codex install", "proctor ledger export", "proctor ledger key", "proctor replay"} {
			if !commands[c] {
				t.Errorf("%s does not run %s", file, c)
			}
		}
	}
}
