package mcp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"proctor/executor/tool"
)

// Server is a running server. It is safe for concurrent use.
type Server struct {
	config  ServerConfig
	session *sdk.ClientSession
	tools   []tool.Tool
	log     *slog.Logger
	close   func() error

	// changed says that the server announced another list of tools since current was read.
	changed atomic.Bool
	mu      sync.Mutex          // guards the fields below
	current map[string][32]byte // digest by name of the definitions last seen
	flights []*flight
}

// Start runs or reaches the server and lists its tools; ctx bounds the start only. What a command writes to standard error
// goes to log, bounded. Version is ours, told to the server. Close the result.
func Start(ctx context.Context, c ServerConfig, version string, log *slog.Logger) (*Server, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	log = log.With("mcp_server", c.Name)
	if c.URL != "" {
		client := httpClient(c)
		s, err := connect(ctx, c, version, log, &sdk.StreamableClientTransport{Endpoint: c.URL, HTTPClient: client, MaxRetries: 2})
		if err != nil {
			client.CloseIdleConnections()
			return nil, err
		}
		end := s.close
		s.close = sync.OnceValue(func() error { defer client.CloseIdleConnections(); return end() })
		return s, nil
	}
	cmd := c.process()
	cmd.Stderr = &logWriter{log: log}
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
	s := &Server{config: c, log: log}
	o := &sdk.ClientOptions{
		Capabilities:           &sdk.ClientCapabilities{},
		ToolListChangedHandler: func(context.Context, *sdk.ToolListChangedRequest) { s.changed.Store(true) },
	}
	if c.Asker != nil {
		o.ElicitationHandler = s.elicit
	}
	start, cancel := context.WithTimeout(ctx, c.StartupTimeout)
	defer cancel()
	session, err := sdk.NewClient(&sdk.Implementation{Name: "proctor", Version: version}, o).Connect(start, t, nil)
	if err != nil {
		return nil, fmt.Errorf("start MCP server %q (%s): %w", c.Name, c.place(), err)
	}
	s.session, s.close = session, sync.OnceValue(session.Close)
	if err := s.offer(start); err != nil {
		return nil, errors.Join(fmt.Errorf("list tools of MCP server %q: %w", c.Name, err), s.close())
	}
	return s, nil
}

// Tools are the tools of the server. Closing one of them closes the server.
func (s *Server) Tools() []tool.Tool { return s.tools }

// closeTime bounds how long a server that does not answer may hold the end of a run.
const closeTime = 4 * stopTime

// Close ends the server: its input is closed, after a while it is killed. It may be called more than once.
func (s *Server) Close(context.Context) error {
	done := make(chan error, 1)
	var closing sync.WaitGroup
	closing.Go(func() { done <- s.close() })
	late := time.NewTimer(closeTime)
	defer late.Stop()
	select {
	case err := <-done:
		if err == nil || s.config.URL != "" { // a server elsewhere may be gone already
			return nil
		}
		if _, exited := errors.AsType[*exec.ExitError](err); exited { // how it ends when told to is its own affair
			return nil
		}
		return fmt.Errorf("close MCP server %q: %w", s.config.Name, err)
	case <-late.C:
		return fmt.Errorf("close MCP server %q: it did not end within %s", s.config.Name, closeTime)
	}
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
