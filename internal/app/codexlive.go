package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"proctor/internal/cli"
	"proctor/internal/codex/appserver"
	"proctor/internal/codex/install"
	"proctor/internal/codexhook"
	"proctor/internal/config"
)

// livePatience is how long each of the checks below may take.
const livePatience = 30 * time.Second

// codexLiveChecks prove that the installed Codex takes what was installed; no turn is run.
func codexLiveChecks(ctx context.Context, env cli.Env, cfg *config.Config) []check {
	if cfg == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 3*livePatience)
	defer cancel()
	return []check{liveHooks(ctx, env, cfg), liveAnswer(ctx, env), liveExecutor(ctx, env, cfg), liveOtel(ctx, cfg)}
}

// listedHook is a hook as Codex sees it.
type listedHook struct {
	Key     string `json:"key"`
	Event   string `json:"eventName"`
	Command string `json:"command"`
	Enabled bool   `json:"enabled"`
	Trust   string `json:"trustStatus"`
	Managed bool   `json:"isManaged"`
}

// liveHooks asks Codex which of our hooks it would run: those that it does not trust are silently left out.
func liveHooks(ctx context.Context, env cli.Env, cfg *config.Config) check {
	const name = "codex hooks"
	hooks, err := listHooks(ctx, env, cfg)
	if err != nil {
		return check{name, false, true, "ask Codex for its hooks: " + err.Error()}
	}
	live, idle := map[string]bool{}, []string{}
	for _, h := range hooks {
		switch {
		case !strings.HasSuffix(h.Command, " codex hook"):
		case h.Enabled && (h.Managed || h.Trust == "trusted" || h.Trust == "managed"):
			live[strings.ToLower(strings.ReplaceAll(h.Event, "_", ""))] = true
		default:
			idle = append(idle, h.Event+" "+h.Trust)
		}
	}
	var missing []string
	for _, e := range codexhook.Events {
		if !live[strings.ToLower(e)] {
			missing = append(missing, e)
		}
	}
	switch {
	case len(live) == 0 && len(idle) == 0:
		return check{name, false, false, "none is installed; 'proctor codex install --hooks'"}
	case len(missing) > 0:
		return check{name, false, true, fmt.Sprintf("Codex would not run: %s (%s); run 'proctor codex install --hooks' again", strings.Join(missing, ", "), strings.Join(idle, ", "))}
	}
	return check{name, true, true, fmt.Sprintf("Codex trusts all %d", len(live))}
}

func listHooks(ctx context.Context, env cli.Env, cfg *config.Config) ([]listedHook, error) {
	program, err := findCodex(env)
	if err != nil {
		return nil, err
	}
	c, err := appserver.Start(appserver.Options{
		Argv: []string{program, "app-server"}, Env: env.Environ, Dir: cfg.Cwd, Stderr: io.Discard,
		Ask:  func(string, json.RawMessage) (any, error) { return nil, errors.New("nobody is asked here") },
		Told: func(string, json.RawMessage) {},
	})
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	who := map[string]any{"name": "proctor_doctor", "title": "proctor", "version": cli.Version}
	if err := c.Call(ctx, "initialize", map[string]any{"clientInfo": who, "capabilities": map[string]any{"experimentalApi": false}}, nil); err != nil {
		return nil, err
	}
	if err := c.Notify("initialized"); err != nil {
		return nil, err
	}
	var listed struct {
		Data []struct {
			Hooks []listedHook `json:"hooks"`
		} `json:"data"`
	}
	if err := c.Call(ctx, "hooks/list", map[string]any{"cwds": []string{cfg.Cwd}}, &listed); err != nil {
		return nil, err
	}
	var hooks []listedHook
	for _, d := range listed.Data {
		hooks = append(hooks, d.Hooks...)
	}
	return hooks, nil
}

// liveAnswer asks the hook something that it must refuse: it does so without recording, and shows that a fault is an objection.
func liveAnswer(ctx context.Context, env cli.Env) check {
	const name = "codex hook answers"
	program, err := ownProgram()
	if err != nil {
		return check{name, false, true, err.Error()}
	}
	cmd := exec.CommandContext(ctx, program, "codex", "hook")
	cmd.Env, cmd.Stdin = env.Environ, strings.NewReader(`{"hook_event_name":"PreToolUse","session_id":""}`)
	var told bytes.Buffer
	cmd.Stderr = &told
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 2 || told.Len() == 0 {
		return check{name, false, true, fmt.Sprintf("%s codex hook: expected a refusal with status 2, got %v", program, err)}
	}
	return check{name, true, true, "a payload that it cannot read is refused"}
}

// liveExecutor attaches to the executor as Codex would, when it is installed.
func liveExecutor(ctx context.Context, env cli.Env, cfg *config.Config) check {
	const name = "codex executor"
	b, err := os.ReadFile(filepath.Join(cfg.CodexHome, install.Environments))
	if err != nil || !bytes.Contains(b, []byte(`"exec-server"`)) {
		return check{name, false, false, "not installed; 'proctor codex install --exec-server'"}
	}
	if !bytes.Contains(b, []byte("include_local = false")) {
		return check{name, false, true, install.Environments + " lets Codex run commands itself: include_local = false is missing"}
	}
	program, err := ownProgram()
	if err != nil {
		return check{name, false, true, err.Error()}
	}
	cmd := exec.CommandContext(ctx, program, "codex", "exec-server")
	cmd.Env, cmd.Dir = env.Environ, cfg.Cwd
	cmd.Stdin = strings.NewReader(`{"id":1,"method":"initialize","params":{"clientName":"proctor_doctor"}}` + "\n")
	out, err := cmd.Output()
	if err != nil || !bytes.Contains(out, []byte(`"sessionId"`)) {
		return check{name, false, true, fmt.Sprintf("%s codex exec-server does not answer: %v", program, err)}
	}
	return check{name, true, true, "it is the only one, and answers"}
}

// liveOtel reaches where Codex sends its logs.
func liveOtel(ctx context.Context, cfg *config.Config) check {
	const name = "codex telemetry"
	if !cfg.Otel.Exporter.Enabled() {
		return check{name, false, false, "not installed; 'proctor codex install --otel'"}
	}
	if err := reach(ctx, cfg.Otel.Exporter.Endpoint); err != nil {
		return check{name, false, true, cfg.Otel.Exporter.Endpoint + ": " + err.Error() + "; start 'proctor codex otel-receive'"}
	}
	return check{name, true, true, cfg.Otel.Exporter.Endpoint}
}
