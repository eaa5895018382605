package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"proctor/executor/tool"
	"proctor/executor/tool/image"
	"proctor/executor/tool/mcp"
	"proctor/executor/tool/patch"
	"proctor/executor/tool/plan"
	"proctor/executor/tool/shell"
	"proctor/internal/config"
)

// registry holds the tools of the session: none without a model.
func (r *run) registry(ctx context.Context) (*tool.Registry, error) {
	if r.command != nil {
		return tool.NewRegistry()
	}
	return r.newTools(ctx, r.commandEnv())
}

// newTools makes the tools that the model is offered. Session.Close closes them.
func (r *run) newTools(ctx context.Context, env []string) (*tool.Registry, error) {
	confined := r.confine.Plan
	patcher, err := patch.New(r.cfg.Cwd, patch.Options{MayRead: func(path string) error {
		if v := confined.CheckRead(path); !v.Allowed {
			return fmt.Errorf("%s may not be read (%s)", path, v.Reason)
		}
		return nil
	}})
	if err != nil {
		return nil, fail(Failure, err)
	}
	o := shell.Options{
		Dir: r.cfg.Cwd, Env: env, AllowLoginShell: r.loginShell(), MaxOutputTokens: int(r.cfg.ToolOutputTokenLimit), Patch: patcher,
	}
	if r.state != nil {
		o.FirstID = int(r.state.Results) + 1 // above every process of the session before
	}
	manager, err := shell.New(o)
	if err != nil {
		return nil, fail(Failure, err)
	}
	viewer, err := image.New(r.cfg.Cwd, image.Options{})
	if err != nil {
		return nil, fail(Failure, err)
	}
	tools := append(manager.Tools(), patcher, plan.Tool{}, viewer)
	servers, err := r.startServers(ctx)
	if err != nil {
		return nil, err
	}
	registry, err := tool.NewRegistry(append(tools, servers...)...)
	if err != nil {
		return nil, errors.Join(fail(Failure, err), tool.CloseAll(ctx, servers))
	}
	return registry, nil
}

// loginShell reports whether commands may run in a login shell. Not where a confined command can write its start-up
// files: a later command that a rule lets out of the sandbox would run them there.
func (r *run) loginShell() bool {
	home := r.env.Getenv("HOME")
	if !r.cfg.AllowLoginShell || r.confine.Plan.Unconfined || home == "" {
		return r.cfg.AllowLoginShell
	}
	real, err := filepath.EvalSymlinks(home)
	return err == nil && !r.confine.Plan.CheckWrite(filepath.Join(real, ".bash_profile")).Allowed
}

// startServers starts the MCP servers of the configuration. One that does not start
// is a warning, unless it is required.
func (r *run) startServers(ctx context.Context) ([]tool.Tool, error) {
	var tools []tool.Tool
	for _, name := range enabledServers(r.cfg) {
		server := r.cfg.MCPServers[name]
		started, err := r.startServer(ctx, name, server)
		switch {
		case err == nil:
			tools = append(tools, started.Tools()...)
		case server.Required:
			return nil, fail(Failure, errors.Join(fmt.Errorf("MCP server %q is required and did not start: %w", name, err), tool.CloseAll(ctx, tools)))
		default:
			r.warnings = append(r.warnings, config.Warning{
				Kind: config.WarnNote, Key: "mcp_servers." + name, Message: fmt.Sprintf("MCP server %q did not start, its tools are missing: %v", name, err),
			})
		}
	}
	return tools, nil
}

func (r *run) startServer(ctx context.Context, name string, s config.MCPServer) (*mcp.Server, error) {
	if s.Command == "" {
		return nil, errors.New("only servers with a command are supported by this version, not a url")
	}
	env := commandEnviron(r.env, r.cfg)
	for _, key := range slices.Sorted(maps.Keys(s.Env)) {
		env = append(env, key+"="+s.Env[key].Reveal())
	}
	return mcp.Start(ctx, mcp.ServerConfig{
		Name: name, Command: s.Command, Args: s.Args, Env: env, Cwd: or(s.Cwd, r.cfg.Cwd),
		StartupTimeout: seconds(s.StartupTimeoutSec), ToolTimeout: seconds(s.ToolTimeoutSec), Enabled: s.EnabledTools, Disabled: s.DisabledTools,
	}, Version, r.env.log())
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func enabledServers(cfg *config.Config) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(cfg.MCPServers)) {
		if cfg.MCPServers[name].IsEnabled() {
			names = append(names, name)
		}
	}
	return names
}
