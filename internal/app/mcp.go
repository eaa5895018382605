package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"proctor/executor/approval"
	"proctor/executor/tool"
	"proctor/executor/tool/mcp"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/policy"
)

// startServers starts the MCP servers of the configuration. One that does not start
// is a warning, unless it is required.
func (r *run) startServers(ctx context.Context, gate *approval.Gate) ([]tool.Tool, error) {
	var tools []tool.Tool
	for _, name := range enabledServers(r.cfg) {
		started, err := r.startServer(ctx, name, gate)
		switch {
		case err == nil:
			tools = append(tools, r.distinct(name, tools, started)...)
		case r.cfg.MCPServers[name].Required:
			return nil, cli.Fail(cli.Failure, errors.Join(fmt.Errorf("MCP server %q is required and did not start: %w", name, err), tool.CloseAll(ctx, tools)))
		default:
			r.noteServer(name, fmt.Sprintf("MCP server %q did not start, its tools are missing: %v", name, err))
		}
	}
	return tools, nil
}

func (r *run) noteServer(name, message string) {
	r.warnings = append(r.warnings, config.Warning{Kind: config.WarnNote, Key: "mcp_servers." + name, Message: message})
}

// distinct are the tools of a server whose names no earlier one has: names of server and tool together can meet. A
// server without any is ended.
func (r *run) distinct(name string, taken []tool.Tool, s *mcp.Server) []tool.Tool {
	names := map[string]bool{}
	for _, t := range taken {
		names[tool.FullName(t)] = true
	}
	var out []tool.Tool
	for _, t := range s.Tools() {
		if full := tool.FullName(t); names[full] {
			r.noteServer(name, fmt.Sprintf("MCP tool %q is left out: another server has one of that name", full))
			continue
		}
		out = append(out, t)
	}
	if len(out) == 0 {
		r.noteServer(name, fmt.Sprintf("MCP server %q offers no tool that can be used, so it was stopped", name))
		if err := s.Close(context.Background()); err != nil {
			r.noteServer(name, err.Error())
		}
	}
	return out
}

func (r *run) startServer(ctx context.Context, name string, gate *approval.Gate) (*mcp.Server, error) {
	s := r.cfg.MCPServers[name]
	c := mcp.ServerConfig{
		Name: name, Command: s.Command, Args: s.Args, URL: s.URL, Cwd: or(s.Cwd, r.cfg.Cwd), Asker: gate,
		StartupTimeout: seconds(s.StartupTimeoutSec), ToolTimeout: seconds(s.ToolTimeoutSec), Enabled: s.EnabledTools, Disabled: s.DisabledTools,
		Mode: policy.ToolMode(s.DefaultApproval), Modes: map[string]policy.ToolMode{},
	}
	for tool, t := range s.Tools {
		c.Modes[tool] = policy.ToolMode(t.ApprovalMode)
	}
	var err error
	if s.URL != "" {
		if c.Headers, err = serverHeaders(r.env, s); err != nil {
			return nil, err
		}
	} else {
		set := map[string]string{}
		for key, value := range s.Env {
			set[key] = value.Reveal()
		}
		c.Env = mcp.Environ(r.env.Environ, passedVariables(s), set)
	}
	return mcp.Start(ctx, c, cli.Version, r.env.Logger())
}

// passedVariables are the names in env_vars: words, or tables with a name.
func passedVariables(s config.MCPServer) (names []string) {
	for _, v := range s.EnvVars {
		switch v := v.(type) {
		case string:
			names = append(names, v)
		case map[string]any:
			if name, ok := v["name"].(string); ok {
				names = append(names, name)
			}
		}
	}
	return names
}

// serverHeaders are what every request to a server carries. A variable that is missing is an error: without it the server would
// be asked as somebody else.
func serverHeaders(env cli.Env, s config.MCPServer) (map[string]string, error) {
	headers := map[string]string{}
	for name, value := range s.HTTPHeaders {
		headers[name] = value.Reveal()
	}
	for _, name := range slices.Sorted(maps.Keys(s.EnvHTTPHeaders)) {
		value, err := need(env, s.EnvHTTPHeaders[name], "env_http_headers."+name)
		if err != nil {
			return nil, err
		}
		headers[name] = value
	}
	if s.BearerTokenEnvVar != "" {
		token, err := need(env, s.BearerTokenEnvVar, "bearer_token_env_var")
		if err != nil {
			return nil, err
		}
		headers["Authorization"] = "Bearer " + token
	}
	return headers, nil
}

func need(env cli.Env, variable, key string) (string, error) {
	if value := env.Getenv(variable); value != "" {
		return value, nil
	}
	return "", fmt.Errorf("%s names the variable %s, which is not set; set it or remove the key", key, variable)
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
