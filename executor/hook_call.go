package executor

import (
	"context"
	"encoding/json"
	"fmt"

	"proctor/event"
	"proctor/executor/approval"
	"proctor/executor/hook"
	"proctor/executor/tool"
	"proctor/policy"
)

// Names that hooks know tools by.
const (
	bashTool  = "Bash"
	patchTool = "apply_patch"
	stdinTool = "write_stdin"
)

// hookTool is how hooks see an action. Ok is false for what they are not asked about: waiting for a command that runs.
func hookTool(a event.Action, call tool.Call) (in hook.Input, ok bool) {
	switch a.Kind {
	case event.ActionCommand:
		in.Tool, in.Arguments = bashTool, encode(map[string]string{"command": script(a.Argv, call)})
	case event.ActionPatch:
		in.Tool, in.Aliases, in.Arguments = patchTool, []string{"Edit", "Write"}, encode(map[string]string{"command": a.Patch})
	case event.ActionStdin:
		if a.Input == "" {
			return in, false
		}
		in.Tool, in.Aliases = stdinTool, []string{bashTool}
		in.Arguments = encode(map[string]any{"command": a.Input, "session_id": a.Process})
	default:
		in.Tool, in.Arguments = clip(call.Name, maxLabel), json.RawMessage(call.Arguments)
		if call.Namespace != "" {
			in.Tool = clip(call.Namespace+"__"+call.Name, maxLabel)
		}
		if !json.Valid(in.Arguments) {
			in.Arguments = encode(map[string]string{"input": call.Arguments})
		}
	}
	in.Use = call.ID
	return in, true
}

// script is what was asked for, without the shell that was put before it.
func script(argv []string, call tool.Call) string {
	if call.Arguments != "" && len(argv) > 0 {
		return argv[len(argv)-1]
	}
	return event.CommandLine(argv)
}

// preToolUse asks the hooks about a call. It returns what is to be decided: the proposal, or the one that a hook put in its place.
func (c *call) preToolUse(ctx context.Context, p tool.Proposal) (tool.Proposal, *policy.Hook, event.ID, error) {
	in, ok := hookTool(p.Action(), c.call)
	if !ok || !c.t.s.opts.Hooks.Has(hook.PreToolUse) {
		return p, nil, "", nil
	}
	in.Event, in.Turn = hook.PreToolUse, c.t.id
	v, id, err := c.t.s.hooked(ctx, c.call.ID, in)
	if err != nil {
		return p, nil, id, err
	}
	c.t.add(contexts(v))
	if v.Input != nil && !v.Deny {
		if p, err = c.rewrite(ctx, p, v.Input); err != nil {
			v.Deny, v.Reason = true, err.Error()
		}
	}
	if !v.Deny {
		return p, nil, id, nil
	}
	what := "Tool call"
	switch in.Tool {
	case bashTool, patchTool:
		what = "Command"
	}
	return p, &policy.Hook{Blocked: true, Text: fmt.Sprintf("%s blocked by PreToolUse hook: %s. %s: %s", what, v.Reason, what, c.brief(p))}, id, nil
}

// rewrite makes the proposal of the input that a hook wants instead. It is checked and decided about like any other.
func (c *call) rewrite(ctx context.Context, p tool.Proposal, input json.RawMessage) (tool.Proposal, error) {
	call := c.call
	if c.item.CallID == "" {
		return p, fmt.Errorf("a hook wants another input, but this command is a person's own")
	}
	switch p.Action().Kind {
	case event.ActionCommand, event.ActionPatch, event.ActionStdin:
		var with struct {
			Command *string `json:"command"`
		}
		if json.Unmarshal(input, &with) != nil || with.Command == nil {
			return p, fmt.Errorf("hook returned updatedInput without string field `command`")
		}
		var err error
		if call, err = replaced(call, p.Action().Kind, *with.Command); err != nil {
			return p, err
		}
	default:
		call.Arguments = string(input)
	}
	impl, err := c.t.s.opts.Tools.Lookup(call.Namespace, call.Name)
	if err != nil {
		return p, err
	}
	next, err := impl.Propose(ctx, call)
	if err != nil {
		return p, fmt.Errorf("hook returned updatedInput that cannot be run: %w", err)
	}
	if was, now := p.Action().Kind, next.Action().Kind; was != now {
		return p, fmt.Errorf("hook returned updatedInput that makes %s of %s", now, was)
	}
	c.call.Arguments = call.Arguments
	return next, nil
}

// replaced puts another command, patch or text into the arguments of a call.
func replaced(call tool.Call, kind event.ActionKind, text string) (tool.Call, error) {
	if call.Custom {
		call.Arguments = text
		return call, nil
	}
	field := map[event.ActionKind]string{event.ActionCommand: "cmd", event.ActionStdin: "chars"}[kind]
	var fields map[string]json.RawMessage
	if field == "" || json.Unmarshal([]byte(call.Arguments), &fields) != nil {
		return call, fmt.Errorf("hook returned updatedInput for a patch inside of a command, which cannot be replaced")
	}
	fields[field] = encode(text)
	call.Arguments = string(encode(fields))
	return call, nil
}

// PermissionHook asks the hooks about a prompt that policy would put to a reviewer; nil when none answers. ManagedOnly lets only
// hooks of the administrator approve.
func (s *Session) PermissionHook(ctx context.Context, r approval.Request, managedOnly bool) (*policy.Hook, event.ID, error) {
	if !s.opts.Hooks.Has(hook.PermissionRequest) {
		return nil, "", nil
	}
	in, _ := hookTool(r.Action, tool.Call{Name: r.Tool, Arguments: r.Action.Arguments})
	in.Event, in.Turn = hook.PermissionRequest, r.Turn
	if r.Action.Kind == event.ActionCommand || r.Action.Kind == event.ActionPatch {
		in.Arguments = encode(map[string]string{"command": lastOf(r.Action), "description": r.Action.Justification})
	}
	v, id, err := s.hooked(ctx, r.CallID, in)
	switch {
	case err != nil:
		return nil, id, err
	case v.Deny && v.Reason == "":
		v.Reason = "the action was refused by a PermissionRequest hook"
		fallthrough
	case v.Deny:
		return &policy.Hook{Permission: policy.Forbid, Text: v.Reason}, id, nil
	case v.Allow && (v.Managed || !managedOnly):
		return &policy.Hook{Permission: policy.Allow}, id, nil
	}
	return nil, "", nil
}

func lastOf(a event.Action) string {
	if a.Kind == event.ActionPatch {
		return a.Patch
	}
	if n := len(a.Argv); n == 3 && (a.Argv[1] == "-lc" || a.Argv[1] == "-c") {
		return a.Argv[2]
	}
	return event.CommandLine(a.Argv)
}

// postToolUse tells the hooks how a call ended; one that objects puts its reason in place of the output that the model gets. The
// record has both.
func (c *call) postToolUse(ctx context.Context, a event.Action, r tool.Result) (tool.Result, error) {
	in, ok := hookTool(a, c.call)
	if !ok || !c.t.s.opts.Hooks.Has(hook.PostToolUse) {
		return r, nil
	}
	text := r.Output
	if a.Kind == event.ActionCommand {
		text = r.Aggregated
	}
	in.Event, in.Turn, in.Response = hook.PostToolUse, c.t.id, encode(text)
	v, _, err := c.t.s.hooked(ctx, c.call.ID, in)
	if err != nil {
		return r, err
	}
	c.t.add(contexts(v))
	if v.Deny {
		r.Output, r.Items = v.Reason, nil
		if r.Output == "" {
			r.Output = "the output was withheld by a PostToolUse hook"
		}
	}
	return r, nil
}

// add keeps items for after the outputs of the calls that run now.
func (t *turn) add(items []json.RawMessage) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.more = append(t.more, items...)
}

// taken are the items that were added.
func (t *turn) taken() []json.RawMessage {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	items := t.more
	t.more = nil
	return items
}
