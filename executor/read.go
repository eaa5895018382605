package executor

import (
	"context"
	"fmt"
	"time"

	"proctor/event"
	"proctor/executor/sandbox"
	"proctor/executor/tool"
	"proctor/policy"
	"proctor/policy/filesystem"
)

// Reading is one look at a path that the agent program makes itself, not a command.
type Reading struct {
	// ID names the call in events when it is refused, Operation says what it does.
	ID, Operation string
	// Path is canonical. Through are the places of links that led to it: it is not read when the plan closes one of these.
	Path    string
	Through []string
	// Narrow is that of tool.Narrowed; nil narrows nothing.
	Narrow func(filesystem.Plan) filesystem.Plan
	// Do looks, once it is allowed. What it fills in is recorded before Read returns.
	Do func(*event.FileReadPayload)
}

// Read decides about a reading, lets it happen, and records it: with one event, or, when it is refused, as any refused call; then
// refused says why. What was read must not be passed on before Read returns.
func (s *Session) Read(ctx context.Context, r Reading) (refused string, err error) {
	c := &call{t: &turn{s: s}, call: tool.Call{ID: s.callLabel(r.ID), Name: r.Operation}}
	request := c.request()
	request.Action = event.Action{Kind: event.ActionRead, Tool: r.Operation, Files: []string{r.Path}}
	request.Narrow = r.Narrow
	ruling, err := s.opts.Gate.Rule(ctx, request)
	if err != nil {
		return "", err
	}
	if !ruling.Allowed {
		_, err = c.refused(ctx, ruling, nil)
		return ruling.Message, err
	}
	at, verdict := ruling.Plan.CheckReadThrough(r.Through, r.Path)
	if !verdict.Allowed {
		return c.hidden(ctx, r.Operation, at, verdict)
	}
	decision := ruling.Decision.Payload.(*event.ToolDecisionPayload)
	payload := &event.FileReadPayload{Operation: r.Operation, Path: clip(r.Path, 4096), Policy: decision.Policy, Rule: string(verdict.Reason)}
	r.Do(payload)
	_, err = s.stream.RecordAnyway(ctx, event.Draft{Actor: event.Executor, Payload: payload})
	return "", err
}

// hidden refuses to read what the plan closes.
func (c *call) hidden(ctx context.Context, operation, at string, v filesystem.Verdict) (string, error) {
	o := &observer{s: c.t.s, call: c.call, backend: "none"}
	o.Denied(sandbox.Denial{At: time.Now(), Program: operation, Syscall: "openat", Path: at, Access: "read", Rule: string(v.Reason)})
	if err := o.failed(); err != nil {
		return "", err
	}
	message := fmt.Sprintf("reading %s is not allowed (%s)", at, v.Reason)
	_, err := c.refuse(ctx, policy.ReasonReadHidden, message)
	return message, err
}
