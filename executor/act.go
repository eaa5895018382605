package executor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"proctor/event"
	"proctor/executor/approval"
	"proctor/executor/sandbox"
	"proctor/executor/tool"
)

// act runs an allowed proposal. The decision and the announcement are committed
// together before; without the receipts nothing runs.
func (c *call) act(ctx context.Context, r approval.Ruling, p tool.Proposal) (json.RawMessage, error) {
	s := c.t.s
	decision := r.Decision.Payload.(*event.ToolDecisionPayload)
	action := p.Action()
	confined, gaps := s.opts.Backend.Name(), sandbox.Gaps(s.opts.Backend)
	if r.Plan.Unconfined {
		confined, gaps = "none", nil
	}
	started := &event.ExecStartedPayload{
		ToolName: c.call.Name, Digest: decision.Digest, Decision: r.Decision.ID, Backend: confined,
		Mode: string(r.Plan.Mode), Network: string(r.Plan.Network), Gaps: gaps, Escalated: r.Escalated, Cwd: event.Secret(action.Cwd),
	}
	if !r.Permissions.IsZero() {
		started.Permissions = event.SecretJSON(r.Permissions)
	}
	if len(action.Argv) > 0 {
		started.Argv = event.SecretJSON(action.Argv)
		started.EnvNames = boundedNames(action.EnvNames)
	}
	startID := event.NewID()
	drafts := []event.Draft{r.Decision, {ID: startID, Turn: c.t.id, Call: c.call.ID, Cause: r.Decision.ID, Actor: s.actor, Payload: started}}
	if action.Kind == event.ActionStdin {
		drafts = append(drafts, event.Draft{Turn: c.t.id, Call: c.call.ID, Cause: startID, Actor: event.Model, Payload: &event.ExecInputPayload{
			Process: action.Process, Digest: decision.Digest, Input: event.Secret(action.Input),
		}})
	}
	receipts, err := s.stream.RecordAnyway(ctx, drafts...)
	if err != nil {
		return nil, err
	}
	if len(receipts) != len(drafts) {
		return nil, fmt.Errorf("%w: %d receipts for %d events", event.ErrNotRecorded, len(receipts), len(drafts))
	}
	s.setOpen(c.call.ID, true)
	item := itemOf(p)
	if item.Type != "" {
		item.Status = inProgress
		item = s.progress.started(item)
	}
	o := &observer{s: s, turn: c.t.id, call: c.call, cause: startID, backend: confined, mode: string(r.Plan.Mode), digest: decision.Digest, item: item, origin: serverOrigin(action)}
	if ctx.Err() != nil {
		return c.finish(ctx, o, action, tool.Result{Output: "The turn was interrupted before the call ran; it had no effect."}, context.Cause(ctx))
	}
	backend := s.opts.Backend
	if s.opts.Network != nil {
		backend = roaded{backend, s.opts.Network, Road{Turn: c.t.id, Call: c.call.ID, Cause: startID, Action: action}, s.progress.Denied}
	}
	result, err := p.Run(ctx, tool.Grant{Plan: r.Plan, Backend: backend, Digest: decision.Digest, Scope: r.Scope}, o)
	return c.finish(ctx, o, action, result, err)
}

// finish records the result of a call and shows it.
func (c *call) finish(ctx context.Context, o *observer, action event.Action, result tool.Result, failure error) (json.RawMessage, error) {
	if err := o.failed(); err != nil {
		return nil, err
	}
	c.end.result, c.end.failure = result, failure
	status := Completed
	switch {
	case ctx.Err() != nil && failure != nil && result.Running == 0:
		status = Interrupted
	case failure != nil || !result.Success && o.item.Type == MCPToolCall:
		status = Failed
	case result.Running != 0 && o.item.Type == CommandExecution: // a call that only spoke to a process is done
		status = Running
	}
	if failure != nil {
		result.Success = false
		if result.Output == "" {
			result.Output = failure.Error()
		}
		if errors.Is(failure, tool.ErrDigest) {
			result.Output = "the action changed between its decision and its start, so it was not run"
		}
	}
	payload := o.payload(result, status)
	payload.Arguments = event.Secret(clip(c.call.Arguments, tool.MaxArguments))
	drafts := []event.Draft{{Turn: c.t.id, Call: c.call.ID, Cause: o.cause, Actor: c.t.s.actor, Payload: payload}}
	if payload.Denials > 0 {
		drafts = append(drafts, event.Draft{Turn: c.t.id, Call: c.call.ID, Cause: o.cause, Actor: event.Sandbox, Payload: &event.SandboxOutcomePayload{
			ToolName: c.call.Name, CallID: c.call.ID, Outcome: "denied", Initial: result.Duration.Milliseconds(),
		}})
	}
	if err := c.t.s.stream.PublishAnyway(ctx, drafts...); err != nil {
		return nil, err
	}
	if status != Running {
		c.t.s.setOpen(c.call.ID, false)
	}
	c.t.note(func(r *Result) {
		r.SandboxDenials += payload.Denials
		if status == Failed || (result.ExitCode != nil && *result.ExitCode != 0) {
			r.FailedCalls++
		}
	})
	if status != Running {
		o.show(result, status)
	}
	if status == Completed {
		if result, failure = c.postToolUse(ctx, action, result); failure != nil {
			return nil, failure
		}
	}
	return output(c.call.Custom, c.item.CallID, result.Output, result.Items), nil
}

func (s *Session) setOpen(call string, open bool) {
	if s.main != nil {
		s.main.setOpen(call, open)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if open {
		s.open[call] = true
		return
	}
	delete(s.open, call)
}

// serverOrigin is where an MCP server is, as Codex names it: the scheme and host of its URL, or the word stdio.
func serverOrigin(a event.Action) string {
	if a.Kind != event.ActionMCP {
		return ""
	}
	if u, err := url.Parse(a.Origin); err == nil && u.Host != "" {
		return u.Scheme + "://" + clip(u.Host, maxLabel)
	}
	return "stdio"
}

// itemOf is how a proposal is shown; calls without an item of their own give an empty type.
func itemOf(p tool.Proposal) Item {
	a := p.Action()
	switch a.Kind {
	case event.ActionCommand:
		return Item{Type: CommandExecution, Argv: a.Argv, Cwd: a.Cwd}
	case event.ActionPatch:
		i := Item{Type: FileChange}
		if c, ok := p.(tool.Changer); ok {
			i.Changes = c.Changes()
		}
		return i
	case event.ActionMCP:
		return Item{Type: MCPToolCall, Server: a.Server, Tool: clip(strings.TrimPrefix(a.Tool, "mcp__"+a.Server+"__"), maxLabel), Arguments: a.Arguments}
	case event.ActionPlan:
		i := Item{Type: TodoList}
		if c, ok := p.(tool.Planner); ok {
			i.Steps = c.Steps()
		}
		return i
	default:
		return Item{}
	}
}
