package mcp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"proctor/event"
	"proctor/executor/tool"
	"proctor/policy"
)

// maxName bounds NAMESPACE__NAME, a rule of the Responses API.
const maxName = 64

// serverTool is one tool of a server.
type serverTool struct {
	s          *Server
	name       string // for the model
	original   string // for the server
	definition json.RawMessage
	hints      policy.MCP
	digest     [32]byte // of everything the server said of it when it was offered
}

func newTool(s *Server, t *sdk.Tool) (*serverTool, error) {
	made := &serverTool{
		s: s, original: t.Name, digest: definitionDigest(t),
		hints: policy.MCP{Server: s.config.Name, Tool: t.Name, Mode: s.config.mode(t.Name)},
	}
	made.name = shorten(safeName(t.Name), maxName-len(made.Namespace())-len("__"))
	if t.Name == "" {
		return nil, errors.New("it has no name")
	}
	if a := t.Annotations; a != nil {
		made.hints.Destructive, made.hints.OpenWorld = a.DestructiveHint, a.OpenWorldHint
		if a.ReadOnlyHint { // the library does not tell false from not advertised; both give no permission
			made.hints.ReadOnly = &a.ReadOnlyHint
		}
	}
	schema := t.InputSchema
	if schema == nil {
		schema = map[string]any{"type": "object", "properties": map[string]any{}}
	}
	definition, err := json.Marshal(struct {
		Type        string `json:"type"`
		Name        string `json:"name"`
		Description string `json:"description"`
		Strict      bool   `json:"strict"`
		Parameters  any    `json:"parameters"`
	}{"function", tool.FullName(made), t.Description, false, schema})
	if err != nil {
		return nil, fmt.Errorf("its schema has no JSON form: %w", err)
	}
	if len(definition) > maxDefinition {
		return nil, fmt.Errorf("its definition has %d bytes, at most %d are allowed", len(definition), maxDefinition)
	}
	made.definition = definition
	return made, nil
}

// shorten cuts a name to n bytes, keeping it distinct.
func shorten(name string, n int) string {
	if len(name) <= n {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return name[:n-9] + "_" + hex.EncodeToString(sum[:4])
}

// Name implements tool.Tool.
func (t *serverTool) Name() string { return t.name }

// Namespace implements tool.Namespaced.
func (t *serverTool) Namespace() string { return "mcp__" + t.s.config.Name }

// Definition implements tool.Tool.
func (t *serverTool) Definition() json.RawMessage { return t.definition }

// Parallel implements tool.Parallel: only tools that say they are read-only.
func (t *serverTool) Parallel() bool { return t.hints.ReadOnly != nil }

// Close implements tool.Closer.
func (t *serverTool) Close(ctx context.Context) error { return t.s.Close(ctx) }

// Propose implements tool.Tool.
func (t *serverTool) Propose(ctx context.Context, c tool.Call) (tool.Proposal, error) {
	if strings.TrimSpace(c.Arguments) == "" {
		c.Arguments = "{}"
	}
	if _, err := tool.ParseArguments(c); err != nil {
		return nil, err
	}
	return &proposal{t, c.ID, c.Arguments, t.s.stale(ctx, t)}, nil
}

type proposal struct {
	t         *serverTool
	call      string
	arguments string
	stale     bool
}

// Action implements tool.Proposal.
func (p *proposal) Action() event.Action {
	return event.Action{Kind: event.ActionMCP, Tool: tool.FullName(p.t), Server: p.t.s.config.Name, Origin: p.t.s.config.origin(), Arguments: p.arguments}
}

// MCPFacts implements tool.MCPFacts.
func (p *proposal) MCPFacts() policy.MCP {
	m := p.t.hints
	m.Changed = p.stale
	return m
}

// Run implements tool.Proposal.
func (p *proposal) Run(ctx context.Context, g tool.Grant, _ tool.Observer) (tool.Result, error) {
	if err := g.Check(p.Action()); err != nil {
		return tool.Result{}, err
	}
	start, server := time.Now(), p.t.s
	if server.stale(ctx, p.t) {
		return unanswered(start, "the server changed the tool after the call was decided, so it was not made"), nil
	}
	f := server.launch(ctx, p.call)
	defer server.land(f)
	answer, err := server.session.CallTool(f.ctx, &sdk.CallToolParams{Name: p.t.original, Arguments: json.RawMessage(p.arguments)})
	switch {
	case ctx.Err() != nil:
		return tool.Result{Output: "the call was interrupted", Duration: time.Since(start)}, ctx.Err()
	case errors.Is(context.Cause(f.ctx), errTimeout):
		return unanswered(start, fmt.Sprintf("no answer of MCP server %q within %s", server.config.Name, f.limit)), nil
	case err == nil && answer.NeedsInput():
		return unanswered(start, "the server asks for further input, which is not offered here"), nil
	case err != nil:
		return unanswered(start, err.Error()), nil
	}
	return result(answer, time.Since(start)), nil
}

// unanswered is the result of a call that the server gave none for.
func unanswered(start time.Time, why string) tool.Result {
	text, cut := tool.Truncate("tool call error: "+strings.ToValidUTF8(why, "\uFFFD"), tool.DefaultOutputTokens, 0)
	return tool.Result{Output: text, Unanswered: true, Truncated: cut, Duration: time.Since(start)}
}
