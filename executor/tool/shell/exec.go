package shell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"proctor/event"
	"proctor/executor/sandbox"
	"proctor/executor/tool"
)

// ExecName is what models call to run a command.
const ExecName = "exec_command"

// maxCommand bounds a command: Linux takes no longer single argument (MAX_ARG_STRLEN with its final NUL).
const maxCommand = 128<<10 - 1

// execTool is exec_command.
type execTool struct{ m *Manager }

func (execTool) Name() string                  { return ExecName }
func (t execTool) Definition() json.RawMessage { return execDefinition(t.m.o.AdditionalPermissions) }

// Parallel implements tool.Parallel: commands may run side by side.
func (execTool) Parallel() bool { return true }

// Close implements tool.Closer.
func (t execTool) Close(ctx context.Context) error { return t.m.Close(ctx) }

// Propose implements tool.Tool.
func (t execTool) Propose(_ context.Context, c tool.Call) (tool.Proposal, error) {
	a, err := tool.ParseArguments(c)
	if err != nil {
		return nil, err
	}
	e := t.m.parse(a)
	if err := a.Err(); err != nil {
		return nil, err
	}
	if p, err := e.patch(t.m.o.Patch, c.Name); p != nil || err != nil {
		return p, err
	}
	e.m, e.env = t.m, environ(t.m.o.Env, e.action.TTY, c.ID)
	e.action.Tool, e.action.EnvNames = c.Name, names(e.env)
	return e, nil
}

// execution is a checked command.
type execution struct {
	m      *Manager
	action event.Action
	script string
	env    []string
	prefix []string
	yield  time.Duration
	tokens int
}

// parse reads the fields; what is wrong is noted in a.
func (m *Manager) parse(a *tool.Arguments) *execution {
	e := &execution{
		script: a.Required("cmd", "the shell command"), prefix: a.Texts("prefix_rule"),
		yield: commandWait(a.Int("yield_time_ms", -1)), tokens: m.tokens(a.Int("max_output_tokens", -1)),
	}
	if len(e.script) > maxCommand {
		a.Fail("cmd", "has %d bytes, at most %d are allowed; write a script file first and run that", len(e.script), maxCommand)
	}
	shell := m.o.findShell(a.Text("shell"))
	if shell == "" {
		a.Fail("shell", "expected one of %s from %s, or nothing for %s", strings.Join(shells, ", "), strings.Join(shellDirs, ", "), m.o.Shell)
	}
	flag := "-c"
	if a.Bool("login", m.o.AllowLoginShell) {
		flag = "-lc"
		if !m.o.AllowLoginShell {
			a.Fail("login", "login shells are switched off here; leave it out or set it to false")
		}
	}
	e.action = event.Action{
		Kind: event.ActionCommand, Argv: []string{shell, flag, e.script}, Cwd: below(m.o.Dir, a.Text("workdir")), TTY: a.Bool("tty", false),
		Justification: a.Raw("justification"),
	}
	m.parsePermissions(a, &e.action)
	if info, err := os.Stat(e.action.Cwd); err != nil || !info.IsDir() {
		a.Fail("workdir", "%s is not a directory that can be entered; expected an existing one", e.action.Cwd)
	}
	return e
}

// patch is the proposal of a command that only calls apply_patch, or nil.
func (e *execution) patch(by Patcher, name string) (tool.Proposal, error) {
	if by == nil {
		return nil, nil
	}
	if strings.HasPrefix(strings.TrimSpace(e.script), "*** Begin Patch") {
		return nil, &tool.ArgumentError{Tool: name, Field: "cmd", Text: "apply_patch verification failed: " +
			"the command is a bare patch; call the apply_patch tool with it, or run it as apply_patch <<'EOF'"}
	}
	dir, text, ok := patchCommand(e.script)
	if !ok {
		return nil, nil
	}
	inner, err := by.ProposeIn(below(e.action.Cwd, dir), text, name)
	if err != nil {
		return nil, err
	}
	return &patched{inner}, nil
}

// Action implements tool.Proposal.
func (e *execution) Action() event.Action {
	a := e.action
	a.Argv, a.EnvNames = slices.Clone(a.Argv), slices.Clone(a.EnvNames)
	return a
}

// PrefixRule implements tool.Prefixed.
func (e *execution) PrefixRule() []string { return slices.Clone(e.prefix) }

// Run implements tool.Proposal.
func (e *execution) Run(ctx context.Context, g tool.Grant, o tool.Observer) (tool.Result, error) {
	if err := g.Check(e.Action()); err != nil {
		return tool.Result{}, err
	}
	start := time.Now()
	p, err := e.m.start(g, o, sandbox.Spec{Argv: e.action.Argv, Dir: e.action.Cwd, Env: e.env, Plan: g.Plan, Limits: e.m.o.Limits, TTY: e.action.TTY})
	if errors.Is(err, errBusy) {
		return tool.Result{Output: "exec_command failed: " + err.Error(), Duration: time.Since(start)}, nil
	}
	if err != nil {
		return notStarted(start, err)
	}
	if err := p.wait(ctx, e.yield); err != nil {
		p.doom()
		p.running.Kill()
		<-p.ended
		return e.m.settle(p, e.tokens, start), err
	}
	r := e.m.settle(p, e.tokens, start)
	if err := p.failed(); err != nil && r.Running == 0 {
		return notStarted(start, err)
	}
	return r, nil
}

func notStarted(start time.Time, err error) (tool.Result, error) {
	return tool.Result{Output: "exec_command failed: " + err.Error(), Duration: time.Since(start)}, fmt.Errorf("%w: %w", tool.ErrNotStarted, err)
}

// patched is a patch that came through the shell: models know it with the heading of a command.
type patched struct{ tool.Proposal }

// Changes implements tool.Changer.
func (p *patched) Changes() []tool.Change {
	if c, ok := p.Proposal.(tool.Changer); ok {
		return c.Changes()
	}
	return nil
}

// Run implements tool.Proposal.
func (p *patched) Run(ctx context.Context, g tool.Grant, o tool.Observer) (tool.Result, error) {
	r, err := p.Proposal.Run(ctx, g, o)
	r.Output = fmt.Sprintf("Wall time: %.4f seconds\nOutput:\n%s", r.Duration.Seconds(), r.Output)
	return r, err
}
