package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sandboxCase is one line of testdata/sandbox-cases.json: a command, and whether its effect may show afterwards.
type sandboxCase struct {
	ID, Mode, Profile, Config, Setup, Cwd, Check, Expect string
	Command                                              []string
	Env                                                  map[string]string
}

// TestSandboxCases runs the escape and permission cases on every backend that works here, a few at a time.
func TestSandboxCases(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/sandbox-cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []sandboxCase }
	if err := json.Unmarshal(raw, &file); err != nil || len(file.Cases) < 100 {
		t.Fatalf("%d cases, %v", len(file.Cases), err)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("missing capability: python3 is not installed")
	}
	for _, backend := range []string{"bwrap", "native"} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath("bwrap"); err != nil && backend == "bwrap" {
				t.Skip("missing capability: bwrap is not installed")
			}
			for _, c := range file.Cases {
				if got := c.run(t, backend, python); got != c.Expect {
					t.Errorf("%s: %s, want %s", c.ID, got, c.Expect)
				}
			}
		})
	}
}

// run lays the case out below /var/tmp, which no confined command may write, and says whether its effect happened.
func (c sandboxCase) run(t *testing.T, backend, python string) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "proctor-case-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	fill := strings.NewReplacer("{{CASE}}", dir, "{{WS}}", dir+"/ws", "{{OUT}}", dir+"/out", "{{HOME}}", dir+"/home", "{{PY}}", python).Replace
	for _, name := range []string{"ws", "out", "home", "state"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"home/config.toml": fill(c.Config),
		"state/proctor.toml": "[sandbox]\nbackend = " + strconv.Quote(backend) + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := append(os.Environ(), "CODEX_HOME="+dir+"/home", "PROCTOR_HOME="+dir+"/state", "TMPDIR=")
	for name, value := range c.Env {
		env = append(env, name+"="+fill(value))
	}
	if c.Setup != "" {
		if out, err := c.command(t, dir+"/ws", os.Environ(), "bash", "-c", fill(c.Setup)).CombinedOutput(); err != nil {
			t.Fatalf("%s: set up: %v: %s", c.ID, err, out)
		}
	}
	self, err := exec.LookPath("proctor")
	if err != nil {
		t.Fatal(err)
	}
	argv := []string{self, "sandbox", "linux", "-c", "sandbox_mode=" + strconv.Quote(c.Mode), "--"}
	if c.Profile != "" {
		argv = []string{self, "sandbox", "linux", "-P", c.Profile, "--"}
	}
	for _, word := range c.Command {
		argv = append(argv, fill(word))
	}
	cwd := dir + "/ws"
	if c.Cwd != "" {
		cwd = fill(c.Cwd)
	}
	cmd := c.command(t, cwd, env, argv...)
	stdout, err := os.Create(dir + "/stdout")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = stdout
	err = cmd.Run()
	_ = stdout.Close()
	if c.Check != "" {
		err = c.command(t, "/", os.Environ(), "bash", "-c", fill(c.Check)).Run()
	}
	if err == nil {
		return "allowed"
	}
	return "denied"
}

func (c sandboxCase) command(t *testing.T, dir string, env []string, argv ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, append(env, "PWD="+dir), time.Second
	return cmd
}
