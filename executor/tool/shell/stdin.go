package shell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"syscall"
	"time"

	"proctor/event"
	"proctor/executor/tool"
	"proctor/policy"
)

// StdinName is what models call to write to a running command, or to wait for it.
const StdinName = "write_stdin"

// interrupt is Ctrl-C. A command without a terminal has no input, but takes this one as SIGINT.
const interrupt = "\x03"

// stdinTool is write_stdin.
type stdinTool struct{ m *Manager }

func (stdinTool) Name() string                { return StdinName }
func (stdinTool) Definition() json.RawMessage { return json.RawMessage(stdinForm) }

// Close implements tool.Closer.
func (t stdinTool) Close(ctx context.Context) error { return t.m.Close(ctx) }

// Propose implements tool.Tool. That the command is unknown is not for the arguments to say but for policy, see StdinFacts.
func (t stdinTool) Propose(_ context.Context, c tool.Call) (tool.Proposal, error) {
	a, err := tool.ParseArguments(c)
	if err != nil {
		return nil, err
	}
	if !a.Has("session_id") {
		a.Fail("session_id", "missing; expected the session id of a running command")
	}
	i := &input{m: t.m, name: c.Name, id: a.Int("session_id", 0), chars: a.Raw("chars"), tokens: t.m.tokens(a.Int("max_output_tokens", -1))}
	i.yield = inputWait(a.Int("yield_time_ms", -1), i.chars == "", t.m.o.MaxPoll)
	if err := a.Err(); err != nil {
		return nil, err
	}
	return i, nil
}

// input is a checked write_stdin.
type input struct {
	m      *Manager
	name   string
	id     int
	chars  string
	yield  time.Duration
	tokens int
}

// Action implements tool.Proposal.
func (i *input) Action() event.Action {
	return event.Action{Kind: event.ActionStdin, Tool: i.name, Process: i.id, Input: i.chars}
}

// StdinFacts implements tool.StdinFacts.
func (i *input) StdinFacts() policy.Stdin {
	p := i.m.find(i.id)
	return policy.Stdin{Known: p != nil, Unconfined: p != nil && p.unconfined, Empty: i.chars == ""}
}

// Run implements tool.Proposal.
func (i *input) Run(ctx context.Context, g tool.Grant, _ tool.Observer) (tool.Result, error) {
	if err := g.Check(i.Action()); err != nil {
		return tool.Result{}, err
	}
	start := time.Now()
	p := i.m.find(i.id)
	if p == nil {
		return tool.Result{Output: fmt.Sprintf("write_stdin failed: Unknown process id %d", i.id)}, nil
	}
	if err := i.send(ctx, p); err != nil {
		return tool.Result{Output: "write_stdin failed: " + err.Error()}, nil
	}
	err := p.wait(ctx, i.yield)
	return i.m.settle(p, i.tokens, start), err
}

var errNoInput = errors.New("stdin is closed for this session; run the command again with tty=true to keep it open")

// maxSend bounds how long a terminal may take to accept input.
const maxSend = 30 * time.Second

// send passes the input on. A command that ended meanwhile is no error: its end is the answer.
func (i *input) send(ctx context.Context, p *process) error {
	switch {
	case i.chars == "":
		return nil
	case p.tty:
		return i.m.write(ctx, p, []byte(i.chars))
	case i.chars != interrupt:
		return errNoInput
	}
	_ = p.running.Signal(syscall.SIGINT) // fails only when the command ended
	return nil
}

// write hands b to the terminal, which blocks while nobody reads it.
func (m *Manager) write(ctx context.Context, p *process, b []byte) error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return tool.ErrClosed
	}
	sent := make(chan error, 1)
	m.work.Go(func() { // ends with the command at the latest
		p.input.Lock()
		defer p.input.Unlock()
		_, err := p.running.Write(b)
		sent <- err
	})
	m.mu.Unlock()
	late := time.NewTimer(maxSend)
	defer late.Stop()
	select {
	case err := <-sent:
		if err != nil && !over(p) {
			return fmt.Errorf("send %d bytes: %w", len(b), err)
		}
		return nil
	case <-p.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-late.C:
		return fmt.Errorf("send %d bytes: the command did not read them within %s", len(b), maxSend)
	}
}

// over reports whether the command ended, or does so within a moment: a terminal is gone before its last process is.
func over(p *process) bool {
	grace := time.NewTimer(time.Second)
	defer grace.Stop()
	select {
	case <-p.ended:
		return true
	case <-grace.C:
		return false
	}
}
