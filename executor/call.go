package executor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"proctor/event"
	"proctor/executor/approval"
	"proctor/executor/tool"
	"proctor/internal/responses"
	"proctor/policy"
)

const (
	// namespace is what codex.tool_decision and tool_result name for tools of our own.
	namespace = "functions"
	mainAgent = "/root"
)

// runCalls runs the calls of one answer, side by side where their tools allow it,
// and adds their outputs to the conversation in the order of the calls.
func (t *turn) runCalls(ctx context.Context, items []responses.Item) error {
	outputs := make([]json.RawMessage, len(items))
	errs := make([]error, len(items))
	var lanes sync.RWMutex // readers run side by side, a writer alone
	var all sync.WaitGroup
	for i, item := range items {
		c := newCall(t, t.s.callLabel(item.CallID), item)
		lock, unlock := lanes.Lock, lanes.Unlock
		if impl, err := t.s.opts.Tools.Lookup(c.call.Namespace, c.call.Name); err == nil && parallel(impl) {
			lock, unlock = lanes.RLock, lanes.RUnlock
		}
		lock() // in the order of the calls
		all.Go(func() {
			defer unlock()
			outputs[i], errs[i] = c.run(ctx)
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return t.s.remember(ctx, t.id, event.Executor, append(outputs, t.taken()...)...)
}

func newCall(t *turn, id string, item responses.Item) *call {
	c := &call{t: t, item: item, call: tool.Call{
		ID: id, Name: item.Name, Namespace: item.Namespace, Arguments: item.Arguments, Custom: item.Type == responses.TypeCustomCall,
	}}
	if c.call.Custom {
		c.call.Arguments = item.Input
	}
	return c
}

func parallel(t tool.Tool) bool {
	p, ok := t.(tool.Parallel)
	return ok && p.Parallel()
}

// callLabel is how events name a call: by the model's id, which some servers use again, so that a
// second call with it becomes id#2. Only the answer to the model carries the id itself.
func (s *Session) callLabel(id string) string {
	if s.main != nil {
		return s.main.callLabel(id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id = label(id)
	s.calls[id]++
	if n := s.calls[id]; n > 1 {
		return fmt.Sprintf("%s#%d", id, n)
	}
	return id
}

// call is one tool call on its way: propose, decide, record, act, record.
type call struct {
	t    *turn
	item responses.Item
	call tool.Call
	end  ending // what came of it, for a call without a model
}

// run returns the output item for the model. An error is about the record, never about the tool.
func (c *call) run(ctx context.Context) (json.RawMessage, error) {
	if ctx.Err() != nil {
		return c.refuse(ctx, policy.ReasonInterrupted, "The turn was interrupted before the call could run.")
	}
	impl, err := c.t.s.opts.Tools.Lookup(c.call.Namespace, c.call.Name)
	if err != nil {
		return c.refuse(ctx, policy.ReasonUnknownTool, err.Error())
	}
	if n, ok := impl.(tool.Namespaced); ok { // models may send the joined name
		c.call.Name, c.call.Namespace = n.Name(), n.Namespace()
	}
	proposal, err := impl.Propose(ctx, c.call)
	if err != nil {
		return c.refuse(ctx, policy.ReasonBadArguments, err.Error())
	}
	return c.supervise(ctx, proposal)
}

// supervise decides about a proposal and runs it: the one path from a proposal to its result.
func (c *call) supervise(ctx context.Context, proposal tool.Proposal) (json.RawMessage, error) {
	proposal, hooked, cause, err := c.preToolUse(ctx, proposal)
	if err != nil {
		return nil, err
	}
	request := c.request()
	request.Action, request.Hook, request.Cause = proposal.Action(), hooked, cause
	if p, ok := proposal.(tool.StdinFacts); ok {
		facts := p.StdinFacts()
		request.Stdin = &facts
	}
	if p, ok := proposal.(tool.MCPFacts); ok {
		facts := p.MCPFacts()
		request.MCP = &facts
	}
	if p, ok := proposal.(tool.Prefixed); ok {
		request.Prefix = p.PrefixRule()
	}
	if p, ok := proposal.(tool.Narrowed); ok {
		request.Narrow = p.Narrow
	}
	ruling, err := c.t.s.opts.Gate.Rule(ctx, request)
	if err != nil {
		return nil, err
	}
	c.signed(ruling)
	if !ruling.Allowed {
		return c.refused(ctx, ruling, proposal)
	}
	return c.act(ctx, ruling, proposal)
}

func (c *call) request() approval.Request {
	ns := c.call.Namespace
	if ns == "" {
		ns = namespace
	}
	return approval.Request{Turn: c.t.id, CallID: c.call.ID, Tool: clip(c.call.Name, maxLabel), Namespace: clip(ns, maxLabel)}
}

// refuse answers a call that never became an action.
func (c *call) refuse(ctx context.Context, reason policy.Reason, message string) (json.RawMessage, error) {
	ruling := c.t.s.opts.Gate.Refuse(c.request(), reason, message)
	c.signed(ruling)
	return c.refused(ctx, ruling, nil)
}

// signed names who made the call in its decision, where that is not the session's own model.
func (c *call) signed(r approval.Ruling) {
	r.Decision.Payload.(*event.ToolDecisionPayload).Agent = c.t.s.agent
}

// refused records a decision against the call and tells the model.
func (c *call) refused(ctx context.Context, r approval.Ruling, p tool.Proposal) (json.RawMessage, error) {
	decision := r.Decision.Payload.(*event.ToolDecisionPayload)
	result := &event.ToolResultPayload{
		ResultSeq: c.t.s.nextResult(), ToolName: decision.ToolName, ToolNamespace: decision.ToolNamespace, CallID: c.call.ID,
		AgentName: c.t.s.agentName(), Arguments: event.Secret(clip(c.call.Arguments, tool.MaxArguments)), Output: event.Secret(r.Message),
		Status: Refused, Digest: decision.Digest,
	}
	if p != nil {
		result.MCPServer, result.MCPServerOrigin = itemOf(p).Server, serverOrigin(p.Action())
	}
	if _, err := c.t.s.stream.RecordAnyway(ctx, r.Decision, event.Draft{
		Turn: c.t.id, Call: c.call.ID, Cause: r.Decision.ID, Actor: c.t.s.actor, Payload: result,
	}); err != nil {
		return nil, err
	}
	c.end.refused, c.end.message = decision, r.Message
	c.t.note(func(res *Result) { res.Denied++ })
	if r.Interrupt {
		c.t.note(func(*Result) { c.t.breaker = true })
	}
	c.t.s.progress.Refused(fmt.Sprintf("%s %s in %s (%s): %s", decision.ToolName, c.brief(p), c.call.ID, reasonAndRule(decision), r.Message))
	if p != nil {
		c.showRefused(itemOf(p), r)
	}
	return output(c.call.Custom, c.item.CallID, r.Message, nil), nil
}

// showRefused completes the item of a call that was not made: any MCP call, and others that a reviewer refused.
func (c *call) showRefused(item Item, r approval.Ruling) {
	switch {
	case item.Type == MCPToolCall:
		item.Status, item.Error, item.Refused = failed, r.Message, true
	case item.Type != "" && r.Declined:
		item.Status = declined
	default:
		return
	}
	c.t.s.progress.completed(item)
}

// brief is what was asked for, in a few words.
func (c *call) brief(p tool.Proposal) string {
	const limit = 200
	if p == nil {
		return clip(c.call.Arguments, limit)
	}
	switch a := p.Action(); {
	case len(a.Argv) > 0 && c.item.CallID == "": // no shell stands before it
		return clip(event.CommandLine(a.Argv), limit)
	case len(a.Argv) > 0:
		return clip(a.Argv[len(a.Argv)-1], limit)
	case a.Additional != nil:
		b, _ := json.Marshal(a.Additional) // strings and bools always have a JSON form
		return clip(string(b), limit)
	case len(a.Files) > 0:
		return clip(strings.Join(a.Files, ", "), limit)
	default:
		return clip(a.Arguments+a.Input, limit)
	}
}

func reasonAndRule(d *event.ToolDecisionPayload) string {
	if d.Rule == "" {
		return d.Reason
	}
	return d.Reason + ", " + d.Rule
}

// note changes the result of the turn; calls run side by side.
func (t *turn) note(f func(*Result)) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	f(&t.result)
}

func (s *Session) nextResult() int64 {
	if s.main != nil {
		return s.main.nextResult()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.results++
	return s.results
}
