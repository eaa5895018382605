package reconcile

import (
	"encoding/json"
	"slices"
	"strings"

	"proctor/event"
	"proctor/internal/codex"
)

// maxCompared bounds what is compared of a call, in bytes: longer texts may have been cut by who told them.
const maxCompared = 48 << 10

// Read is what a source tells in the events of its session, in their order.
func Read(w Source, events []*event.Event) Told {
	r := reader{told: Told{Source: w}, at: map[string]int{}}
	for _, e := range events {
		switch p := e.Payload.(type) {
		case *event.ToolDecisionPayload:
			r.decision(e, p)
		case *event.ExecStartedPayload:
			if c := r.call(e.Call); c != nil {
				c.Ran = true
			}
		case *event.ToolResultPayload:
			r.result(e, p)
		case *event.FileChangePayload:
			r.change(e, p)
		}
	}
	for i := range r.told.Calls {
		if c := &r.told.Calls[i]; c.Class == Patch {
			slices.Sort(c.Files)
			c.Files = slices.Compact(c.Files)
		}
	}
	return r.told
}

type reader struct {
	told Told
	at   map[string]int
}

// call is the one with an id; nil for what is no call of the model: single requests about files, input for terminals.
func (r *reader) call(id string) *Call {
	id = strings.TrimPrefix(id, codex.Mark)
	if id == "" || r.told.Source == Executor && (strings.HasPrefix(id, "fs-") || strings.Contains(id, "/input-")) {
		return nil
	}
	i, known := r.at[id]
	if !known {
		i = len(r.told.Calls)
		r.at[id] = i
		r.told.Calls = append(r.told.Calls, Call{ID: id})
	}
	return &r.told.Calls[i]
}

func (r *reader) decision(e *event.Event, p *event.ToolDecisionPayload) {
	c := r.call(e.Call)
	if c == nil {
		return
	}
	if p.Outcome == "forbid" || p.Decision == "denied" {
		c.Outcome = Refused
	}
	text, ok := p.Action.Reveal()
	var a event.Action
	if !ok || c.What != "" || json.Unmarshal([]byte(text), &a) != nil {
		return
	}
	c.Vague = e.Masked != nil || len(text) > maxCompared
	if a.Kind == event.ActionCommand {
		c.Class, c.What = Command, scriptOf(a.Argv)
	}
	if a.Kind == event.ActionPatch {
		r.patch(c, a.Patch)
	}
}

// patch takes the files of a patch text, unless they are known from what was changed.
func (r *reader) patch(c *Call, text string) {
	c.Class = Patch
	files, moved := patchFiles(text)
	c.What = patchName(files)
	if len(c.Files) == 0 {
		c.Files = slices.Concat(files, moved)
	}
}

func (r *reader) change(e *event.Event, p *event.FileChangePayload) {
	paths := []string{p.Path}
	if p.MoveTo != "" {
		paths = append(paths, p.MoveTo)
	}
	if r.told.Source == Executor {
		if !p.Command {
			r.told.Written = append(r.told.Written, paths...)
		}
		return
	}
	if c := r.call(e.Call); c != nil {
		c.Class, c.Ran = Patch, true
		c.Files = append(c.Files, paths...)
	}
}

func (r *reader) result(e *event.Event, p *event.ToolResultPayload) {
	c := r.call(e.Call)
	if c == nil {
		return
	}
	if c.What == "" {
		r.what(c, e, p)
	}
	r.outcome(c, p)
}

// what reads the arguments.
func (r *reader) what(c *Call, e *event.Event, p *event.ToolResultPayload) {
	text, _ := p.Arguments.Reveal()
	c.Vague = e.Masked != nil || len(text) > maxCompared
	command, isCommand := commandIn(text)
	var a arguments
	switch {
	case isCommand && strings.HasPrefix(command, "apply_patch") && strings.Contains(command, "*** Begin Patch"):
		r.patch(c, command)
	case isCommand && c.Class == "":
		c.Class, c.What = Command, command
	case p.ToolName == "apply_patch":
		r.patch(c, text)
	case p.ToolName == "file_change" && json.Unmarshal([]byte(text), &a) == nil:
		c.Class = Patch
		names := make([]string, len(a.Changes))
		for i, change := range a.Changes {
			names[i] = change.Path
		}
		c.What = patchName(names)
		if len(c.Files) == 0 {
			c.Files = names
		}
	case p.MCPServer != "" || strings.HasPrefix(p.ToolName, "mcp__") || strings.HasPrefix(p.ToolNamespace, "mcp__"):
		name := p.ToolName[strings.LastIndex(p.ToolName, "__")+1:]
		c.Class, c.What = MCP, strings.TrimPrefix(name, "_")+" "+plainJSON(text)
	case c.Class == "":
		c.Class, c.What = Other, p.ToolName+" "+plainJSON(text)
	}
}

// outcome reads how the call ended. Hooks are told an output and nothing else; telemetry has success for whatever ran.
func (r *reader) outcome(c *Call, p *event.ToolResultPayload) {
	c.NoItem = r.told.Source == Rollout && p.Status == "" && c.Class == Command
	exit := p.ExitCode
	if exit == nil && r.told.Source != Executor && r.told.Source != Hooks {
		output, _ := p.Output.Reveal()
		exit = exitIn(output)
		c.Ran = c.Ran || strings.Contains(output[:min(len(output), 200)], "\nProcess running with session ID ")
	}
	switch {
	case p.Status == "interrupted":
		return
	case p.Status == "running":
		c.Ran = true
		return
	case r.told.Source == Hooks:
		c.Ran = true
		return
	case p.Status == "refused":
		c.Outcome = Refused
		return
	case exit != nil && *exit < 0:
		c.Outcome = Failed
		return
	case exit != nil:
		c.Ran, c.Outcome = true, Failed
		if *exit == 0 {
			c.Outcome = Done
		}
		if c.Class == Command {
			c.Exit = exit
		}
		return
	}
	switch {
	case p.Status == "failed", r.told.Source == Telemetry && !p.Success && c.Outcome == "":
		c.Outcome = Failed
	case p.Status == "completed" && c.Class != Command, r.told.Source == Telemetry && p.Success && c.Class == Patch:
		c.Ran, c.Outcome = true, Done
	}
}
