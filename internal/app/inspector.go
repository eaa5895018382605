package app

import (
	"context"
	"encoding/json"

	"proctor/executor"
	"proctor/executor/approval"
	"proctor/executor/tool"
	"proctor/executor/tool/image"
	"proctor/executor/tool/shell"
	"proctor/internal/cli"
	"proctor/internal/responses"
	"proctor/internal/terms"
	"proctor/policy"
	"proctor/reviewer/auto"
)

// inspector gives the automatic reviewer tools to look with: the session's shell in a read-only sandbox without network, where
// nobody is asked, and rules cannot let a command out. Each call is an event of the session with the reviewer as actor.
type inspector struct {
	tools *tool.Registry
	gate  *approval.Gate
	aside *executor.Aside // set before the first turn
}

// newInspector is nil where the reviewer gets no tools: switched off, or no sandbox to put them into.
func (r *run) newInspector() (*inspector, error) {
	if !r.cfg.Proctor.Review.Tools || r.command != nil || r.confine.Plan.Unconfined {
		return nil, nil
	}
	manager, err := shell.New(shell.Options{
		Dir: r.cfg.Cwd, Env: r.commandEnv(), MaxOutputTokens: int(r.cfg.ToolOutputTokenLimit), Limits: terms.Limits(r.cfg),
	})
	if err != nil {
		return nil, cli.Fail(cli.Failure, err)
	}
	viewer, err := image.New(r.cfg.Cwd, image.Options{})
	if err != nil {
		return nil, cli.Fail(cli.Failure, err)
	}
	i := &inspector{}
	if i.tools, err = tool.NewRegistry(append(manager.Tools(), viewer)...); err != nil {
		return nil, cli.Fail(cli.Failure, err)
	}
	a := r.authority()
	a.Approval, a.Sandbox, a.Headless = policy.ApprovalPolicy{Mode: policy.Never}, policy.ReadOnly, true
	a.Plan = r.confine.Plan.Looking()
	a.Escalated = a.Plan
	if i.gate, err = approval.New(approval.Options{Authority: a, Stream: r.stream, Watcher: r.store.Bus}); err != nil {
		return nil, cli.Fail(cli.Failure, err)
	}
	return i, nil
}

// attach gives the inspector its place in a session.
func (i *inspector) attach(s *executor.Session) {
	if i != nil {
		i.aside = s.Aside(i.tools, i.gate)
	}
}

// Tools implements auto.Inspector.
func (i *inspector) Tools() []json.RawMessage { return i.tools.Definitions() }

// Inspect implements auto.Inspector.
func (i *inspector) Inspect(ctx context.Context, p auto.Prompt, c auto.Call) (auto.Output, error) {
	item := responses.Item{
		Type: responses.TypeFunctionCall, CallID: c.ID, Name: c.Name, Namespace: c.Namespace, Arguments: c.Arguments,
	}
	if c.Custom {
		item.Type, item.Arguments, item.Input = responses.TypeCustomCall, "", c.Arguments
	}
	result, err := i.aside.Call(ctx, p.Turn, callName(p.Review, c.ID), item)
	return auto.Output{Text: result.Output, Parts: result.Items}, err
}

// close ends what still runs. A nil inspector has nothing.
func (i *inspector) close() {
	if i == nil {
		return
	}
	_ = tool.CloseAll(context.Background(), i.tools.Tools())
	i.gate.Close()
}
