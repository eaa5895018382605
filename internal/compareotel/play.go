package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"proctor/internal/fakemodel"
	"proctor/internal/otlpsink"
)

// program is one of the two.
type program struct{ name, path string }

// seen is what a program sent in a scenario.
type seen struct {
	shapes          shapes
	records, points int
	status          int
}

const config = `model = "gpt-5.5"
model_provider = "scripted"
check_for_update_on_startup = false
sandbox_mode = "workspace-write"
%s
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
env_key = "SCRIPTED_KEY"
request_max_retries = 1
stream_max_retries = 3
[otel]
environment = "compare"
log_user_prompt = true
log_agent_responses = true
log_guardian_assessments = true
exporter = { otlp-http = { endpoint = %q, protocol = "binary" } }
metrics_exporter = { otlp-http = { endpoint = %q, protocol = "json" } }
trace_exporter = { otlp-http = { endpoint = %q, protocol = "binary" } }
`

// apart is where folders are made: the CLI keeps no helper programs below the temporary folder, and then runs no command.
const apart = "/var/tmp"

// patience tells a hang from a slow machine.
const patience = 3 * time.Minute

// play runs p once, in folders of its own, with a model and a collector of its own.
func (p program) play(ctx context.Context, s scenario) (seen, error) {
	script, err := fakemodel.Parse(s.Model)
	if err != nil {
		return seen{}, err
	}
	model := fakemodel.New(script)
	url, err := model.Start()
	if err != nil {
		return seen{}, err
	}
	defer func() { _ = model.Close() }()
	sink, err := otlpsink.Start(otlpsink.Options{})
	if err != nil {
		return seen{}, err
	}
	defer sink.Close()
	dir, err := os.MkdirTemp(apart, "compareotel-")
	if err != nil {
		return seen{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	self, err := os.Executable()
	if err != nil {
		return seen{}, err
	}
	text := fmt.Sprintf(config, strings.ReplaceAll(s.Config, "$SELF", self), url, sink.HTTPURL("/v1/logs"), sink.HTTPURL("/v1/metrics"), sink.HTTPURL("/v1/traces"))
	if err := furnish(dir, text); err != nil {
		return seen{}, err
	}
	status, err := p.exec(ctx, dir, s.Args)
	if err != nil {
		return seen{}, err
	}
	if len(model.Requests()) == 0 {
		return seen{}, errors.New("the model was never asked")
	}
	got := seen{shapes: shapes{}, records: len(sink.Records()), points: len(sink.Points()), status: status}
	got.shapes.records(sink.Records())
	got.shapes.points(sink.Points())
	got.shapes.spans(sink.Spans())
	return got, nil
}

// furnish makes homes, a configuration and a repository to work in.
func furnish(dir, config string) error {
	for _, d := range []string{"home", "codex", "repo/.git/objects", "repo/.git/refs"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{"codex/config.toml": config, "repo/.git/HEAD": "ref: refs/heads/main\n", "repo/README.md": "hello\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// exec returns the exit status of `p exec`.
func (p program) exec(ctx context.Context, dir string, args []string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c := exec.CommandContext(ctx, p.path, append(append([]string{"exec", "--json"}, args...), "do the scripted work")...)
	c.Dir = filepath.Join(dir, "repo")
	c.Env = append(without(os.Environ(), "OTEL_", "CODEX_", "PROCTOR_", "TRACE", "XDG_"),
		"HOME="+filepath.Join(dir, "home"), "CODEX_HOME="+filepath.Join(dir, "codex"), "PROCTOR_HOME="+filepath.Join(dir, "state"), "SCRIPTED_KEY=scripted")
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	err := c.Run()
	if ctx.Err() != nil {
		return 0, fmt.Errorf("no end within %v: %s", patience, tail(said.String()))
	}
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		return 0, err
	}
	return c.ProcessState.ExitCode(), nil
}

func without(env []string, prefixes ...string) []string {
	return slices.DeleteFunc(env, func(v string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(v, p) })
	})
}

func tail(s string) string { return s[max(0, len(s)-2000):] }
