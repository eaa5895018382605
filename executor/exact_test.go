package executor

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"proctor/event"
	"proctor/executor/tool"
	"proctor/internal/fakemodel"
)

// decidedOtherwise is a tool whose calls are decided as another action than the one that runs.
type decidedOtherwise struct {
	tool.Tool
	change func(*event.Action)
}

func (d decidedOtherwise) Propose(ctx context.Context, c tool.Call) (tool.Proposal, error) {
	p, err := d.Tool.Propose(ctx, c)
	if err != nil {
		return nil, err
	}
	return otherAction{p, d.change}, nil
}

type otherAction struct {
	tool.Proposal
	change func(*event.Action)
}

func (o otherAction) Action() event.Action {
	a := o.Proposal.Action()
	o.change(&a)
	return a
}

// I11: what was decided is byte for byte what runs. A change of one byte in any part of it is refused, and recorded.
func TestOneByteBetweenDecisionAndStartIsRefusedAndRecorded(t *testing.T) {
	patch := fakemodel.Custom("apply_patch", "c1", "*** Begin Patch\n*** Add File: made\n+3\n*** End Patch")
	run := command("c1", "echo x > made")
	for name, c := range map[string]struct {
		part   fakemodel.Part
		change func(*event.Action)
	}{
		"argument":    {run, func(a *event.Action) { a.Argv[2] = "echo y > made" }},
		"program":     {run, func(a *event.Action) { a.Argv[0] += "x" }},
		"folder":      {run, func(a *event.Action) { a.Cwd += "x" }},
		"environment": {run, func(a *event.Action) { a.EnvNames = a.EnvNames[1:] }},
		"terminal":    {run, func(a *event.Action) { a.TTY = true }},
		"word":        {run, func(a *event.Action) { a.Permissions = event.RequireEscalated }},
		"permissions": {run, func(a *event.Action) { a.Additional = &event.Permissions{Network: true} }},
		"patch":       {patch, func(a *event.Action) { a.Patch = strings.Replace(a.Patch, "+3", "+4", 1) }},
		"file":        {patch, func(a *event.Action) { a.Files[0] += "x" }},
	} {
		t.Run(name, func(t *testing.T) {
			b := assemble(t, &record{failAt: -1}, nil, fakemodel.Script(fakemodel.Answer(c.part), fakemodel.Answer(fakemodel.Say("done").Final())))
			var tools []tool.Tool
			for _, impl := range b.session.opts.Tools.Tools() {
				tools = append(tools, decidedOtherwise{impl, c.change})
			}
			registry, err := tool.NewRegistry(tools...)
			if err != nil {
				t.Fatal(err)
			}
			b.session.opts.Tools = registry
			if _, err := b.run(t.Context(), "go"); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(filepath.Join(b.dir, "made")); err == nil {
				t.Error("it ran")
			}
			decision := b.record.committed(event.ToolDecision, "c1").Payload.(*event.ToolDecisionPayload)
			result := b.record.committed(event.ToolResult, "c1").Payload.(*event.ToolResultPayload)
			told, _ := result.Output.Reveal()
			if result.Status != Failed || result.Success || !strings.Contains(told, "changed between its decision and its start") || result.Digest != decision.Digest {
				t.Errorf("recorded %+v, told %q", result, told)
			}
		})
	}
}
