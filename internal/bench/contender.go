//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"proctor/internal/fakemodel"
)

// contender is an agent with the command line of codex exec.
type contender struct {
	name, binary, dir, sandbox string
	path                       string // put before PATH
	args                       []string
	used                       bool // keep the ledger from run to run
}

// prepare makes home, state and a Git workspace.
func (c contender) prepare(ctx context.Context) error {
	for _, d := range []string{"home", "state", "tmp", "ws"} {
		if err := os.MkdirAll(filepath.Join(c.dir, d), 0o700); err != nil {
			return err
		}
	}
	// Raw bubblewrap is the measure, so the calls go through it.
	if err := os.WriteFile(filepath.Join(c.dir, "state", "proctor.toml"), []byte("[sandbox]\nbackend = \"bwrap\"\n"), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.dir, "ws", "README"), []byte("hello\n"), 0o600); err != nil {
		return err
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"-c", "user.name=bench", "-c", "user.email=bench@example.com", "commit", "-q", "--allow-empty", "-m", "start"}} {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = filepath.Join(c.dir, "ws")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w: %s", args[0], err, out)
		}
	}
	return nil
}

// configuration is one file for everybody: what costs the real one time and has nothing to do with the turn is off.
const configuration = `model = "gpt-5.5"
model_provider = "scripted"
check_for_update_on_startup = false
[analytics]
enabled = false
[feedback]
enabled = false
[features]
plugins = false
apps = false
[model_providers.scripted]
name = "Scripted model"
base_url = %q
wire_api = "responses"
env_key = "BENCH_KEY"
requires_openai_auth = false
supports_websockets = false
`

// exec runs one turn. With memory it watches the tree's memory instead of the clock: watching costs time.
func (c contender) exec(ctx context.Context, scenario fakemodel.Scenario, memory bool) (s sample, err error) {
	if !c.used {
		if err := os.RemoveAll(filepath.Join(c.dir, "state", "ledger")); err != nil {
			return sample{}, err
		}
	}
	model, err := startModel(scenario)
	if err != nil {
		return sample{}, err
	}
	text := fmt.Sprintf(configuration, model.url)
	if err := os.WriteFile(filepath.Join(c.dir, "home", "config.toml"), []byte(text), 0o600); err != nil {
		return sample{}, err
	}
	args := append([]string{"exec", "--json", "-s", c.sandbox}, c.args...)
	cmd := exec.CommandContext(ctx, c.binary, append(args, "do the scripted work")...)
	cmd.Dir = filepath.Join(c.dir, "ws")
	cmd.Env = c.environ()
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = limited{&stdout}, limited{&stderr}
	began := time.Now()
	s, err = clocked(cmd, memory)
	if err != nil {
		_ = model.close()
		return s, fmt.Errorf("%w: %s", err, stderr.String())
	}
	if err := model.close(); err != nil {
		return s, fmt.Errorf("%w: %s", err, stderr.String())
	}
	if n := strings.Count(stdout.String(), `"exit_code":0`); n != len(scenario.Steps)-1 {
		return s, fmt.Errorf("%d commands ended well, want %d: %s", n, len(scenario.Steps)-1, failedLine(stdout.String()))
	}
	s.first, s.calls = model.first().Sub(began), model.calls()
	return s, nil
}

func (c contender) environ() []string {
	path := os.Getenv("PATH")
	if c.path != "" {
		path = c.path + ":" + path
	}
	return []string{
		"PATH=" + path, "HOME=" + filepath.Join(c.dir, "home"), "TMPDIR=" + filepath.Join(c.dir, "tmp"), "BENCH_KEY=none",
		"CODEX_HOME=" + filepath.Join(c.dir, "home"), "PROCTOR_HOME=" + filepath.Join(c.dir, "state"),
	}
}

// limited keeps the first megabyte.
type limited struct{ b *strings.Builder }

var _ io.Writer = limited{}

func (l limited) Write(p []byte) (int, error) {
	if l.b.Len() < 1<<20 {
		l.b.Write(p)
	}
	return len(p), nil
}

// failedLine is the first event that tells of a failure.
func failedLine(events string) string {
	for line := range strings.Lines(events) {
		if strings.Contains(line, `"failed"`) || strings.Contains(line, `"error"`) {
			return strings.TrimSpace(line)
		}
	}
	return "no event tells why"
}
