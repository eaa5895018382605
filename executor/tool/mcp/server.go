package mcp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"proctor/executor/tool"
)

const (
	// MaxTools bounds the tools that are taken from one server.
	MaxTools = 256
	// maxDefinition bounds one tool definition in bytes.
	maxDefinition = 64 << 10

	defaultStart = 10 * time.Second
	defaultCall  = 60 * time.Second
	stopTime     = 2 * time.Second
)

// ServerConfig is one [mcp_servers.NAME] of the configuration.
type ServerConfig struct {
	// Name is the table name: letters, digits, '-' and '_'.
	Name    string
	Command string
	Args    []string
	// Env is the whole environment, "NAME=value".
	Env []string
	// Cwd is the absolute working directory.
	Cwd string
	// StartupTimeout and ToolTimeout default to 10 s and 60 s.
	StartupTimeout, ToolTimeout time.Duration
	// Enabled, when not nil, are the only tools offered; Disabled are not offered.
	Enabled, Disabled []string
}

func (c ServerConfig) check() error {
	var problems []error
	if c.Name == "" || safeName(c.Name) != c.Name || len(c.Name) > 40 {
		problems = append(problems, fmt.Errorf("name %q: expected 1 to 40 letters, digits, '-' or '_'", c.Name))
	}
	if c.Command == "" {
		problems = append(problems, errors.New("command is empty"))
	}
	if !filepath.IsAbs(c.Cwd) {
		problems = append(problems, fmt.Errorf("cwd %q is not absolute", c.Cwd))
	}
	if len(problems) > 0 {
		return fmt.Errorf("MCP server %q: %w", c.Name, errors.Join(problems...))
	}
	return nil
}

// Server is a running server. It is safe for concurrent use.
type Server struct {
	config  ServerConfig
	session *sdk.ClientSession
	tools   []tool.Tool
	close   func() error
}

// Start runs the server and lists its tools; ctx bounds the start only. What it writes to standard error
// goes to log, bounded. Version is ours, told to the server. Close the result.
func Start(ctx context.Context, c ServerConfig, version string, log *slog.Logger) (*Server, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	cmd := c.process()
	cmd.Stderr = &logWriter{log: log.With("mcp_server", c.Name)}
	return connect(ctx, c, version, log, &sdk.CommandTransport{Command: cmd, TerminateDuration: stopTime})
}

func (c ServerConfig) process() *exec.Cmd {
	cmd := exec.Command(c.Command, c.Args...)
	cmd.Dir, cmd.Env = c.Cwd, c.Env
	if cmd.Env == nil {
		cmd.Env = []string{} // nil would be ours
	}
	cmd.WaitDelay = stopTime // a grandchild may hold standard error open
	return cmd
}

// connect does the handshake over any transport.
func connect(ctx context.Context, c ServerConfig, version string, log *slog.Logger, t sdk.Transport) (*Server, error) {
	if c.StartupTimeout <= 0 {
		c.StartupTimeout = defaultStart
	}
	if c.ToolTimeout <= 0 {
		c.ToolTimeout = defaultCall
	}
	client := sdk.NewClient(&sdk.Implementation{Name: "proctor", Version: version}, &sdk.ClientOptions{Capabilities: &sdk.ClientCapabilities{}})
	start, cancel := context.WithTimeout(ctx, c.StartupTimeout)
	defer cancel()
	session, err := client.Connect(start, t, nil)
	if err != nil {
		return nil, fmt.Errorf("start MCP server %q (%s): %w", c.Name, c.Command, err)
	}
	s := &Server{config: c, session: session, close: sync.OnceValue(session.Close)}
	if err := s.list(start, log); err != nil {
		return nil, errors.Join(fmt.Errorf("list tools of MCP server %q: %w", c.Name, err), s.close())
	}
	return s, nil
}

// list takes the tools that may be offered. One that cannot be is logged and left out.
func (s *Server) list(ctx context.Context, log *slog.Logger) error {
	names := map[string]bool{}
	for t, err := range s.session.Tools(ctx, nil) {
		if err != nil {
			return err
		}
		if !s.config.offers(t.Name) {
			continue
		}
		if len(s.tools) == MaxTools {
			log.Warn("MCP server has more tools than are taken", "mcp_server", s.config.Name, "limit", MaxTools)
			return nil
		}
		made, err := newTool(s, t)
		if err == nil && names[made.name] {
			err = fmt.Errorf("another tool is called %q here already", made.name)
		}
		if err != nil {
			log.Warn("MCP tool is not offered", "mcp_server", s.config.Name, "tool", clip(t.Name), "reason", err)
			continue
		}
		names[made.name] = true
		s.tools = append(s.tools, made)
	}
	return nil
}

// Tools are the tools of the server. Closing one of them closes the server.
func (s *Server) Tools() []tool.Tool { return s.tools }

// Close ends the server: its input is closed, after a while it is killed. It may be called more than once.
func (s *Server) Close(context.Context) error {
	if err := s.close(); err != nil {
		if _, exited := errors.AsType[*exec.ExitError](err); exited { // how it ends when told to is its own affair
			return nil
		}
		return fmt.Errorf("close MCP server %q: %w", s.config.Name, err)
	}
	return nil
}

func (c ServerConfig) offers(name string) bool {
	for _, d := range c.Disabled {
		if d == name {
			return false
		}
	}
	if c.Enabled == nil {
		return true
	}
	for _, e := range c.Enabled {
		if e == name {
			return true
		}
	}
	return false
}

// safeName replaces what a function name of the Responses API may not have.
func safeName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		}
		return '_'
	}, s)
}

func clip(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}
