package execserver

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"proctor/event"
	"proctor/executor/tool"
	"proctor/policy"
)

const (
	// maxInput bounds one piece of input, in bytes.
	maxInput = 256 << 10
	// maxWait bounds how long a reader waits for output, maxSend how long a command may take to take input.
	maxWait = 30 * time.Second
	maxSend = 30 * time.Second
	// maxWrites bounds the writes of a process that are remembered, so that one that is sent twice is made once.
	maxWrites = 1024
	// interrupt is what a terminal sends for Ctrl-C.
	interrupt = "\x03"
)

func (c *connection) find(id string) *process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.processes[id]
}

// input is a piece of text for a command that runs, as a proposal.
type input struct {
	p    *process
	text string
	send func(ctx context.Context) error
}

// Action implements tool.Proposal.
func (i *input) Action() event.Action {
	return event.Action{Kind: event.ActionStdin, Tool: inputTool, Process: i.p.number, Input: i.text}
}

// StdinFacts implements tool.StdinFacts.
func (i *input) StdinFacts() policy.Stdin {
	return policy.Stdin{Known: i.p.running != nil && !i.p.over(), Unconfined: i.p.unconfined, Empty: i.text == ""}
}

// Run implements tool.Proposal.
func (i *input) Run(ctx context.Context, g tool.Grant, _ tool.Observer) (tool.Result, error) {
	if err := g.Check(i.Action()); err != nil {
		return tool.Result{}, err
	}
	began := time.Now()
	if err := i.send(ctx); err != nil {
		return tool.Result{Output: err.Error(), Duration: time.Since(began)}, nil
	}
	return tool.Result{Success: true, Output: fmt.Sprintf("%d bytes were taken", len(i.text)), Duration: time.Since(began)}, nil
}

// typing supervises input after the one before it.
func (c *connection) typing(p *process, text string, send func(ctx context.Context) error) func(context.Context) (*callError, error) {
	c.mu.Lock()
	before, after := p.inputs, make(chan struct{})
	p.inputs = after
	p.typed++
	id := fmt.Sprintf("%s/input-%d", p.call, p.typed)
	c.mu.Unlock()
	return func(ctx context.Context) (*callError, error) {
		defer close(after)
		select {
		case <-before:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		s, leave, err := c.enter(ctx, p.thread, "")
		if err != nil {
			return nil, err
		}
		defer leave()
		outcome, err := s.Calls.Direct(ctx, id, inputTool, &input{p, text, send})
		switch {
		case err != nil:
			return nil, err
		case outcome.Refused != nil:
			return fault(codeInternal, "proctor refused the input (%s): %s", outcome.Refused.Reason, outcome.Message), nil
		case !outcome.Tool.Success && !p.over():
			return fault(codeInternal, "the input was not taken: %s", outcome.Tool.Output), nil
		}
		return nil, nil
	}
}

func (c *connection) write(m message) work {
	q, bad := params[writeParams](m)
	if bad != nil {
		return refuse(bad)
	}
	status := func(s string) work {
		return func(context.Context) (any, *callError, error) { return statusAnswer{s}, nil, nil }
	}
	p := c.find(q.ProcessID)
	switch {
	case p == nil || p.over():
		return status("unknownProcess")
	case len(q.Chunk) > maxInput:
		return refuse(fault(codeParams, "process/write: %d bytes, at most %d are allowed", len(q.Chunk), maxInput))
	case !p.tty && !p.stdin:
		return status("stdinClosed")
	}
	select {
	case <-p.announced:
	default:
		return status("starting")
	}
	if c.again(p, q.WriteID) {
		return status("accepted")
	}
	typing := c.typing(p, string(q.Chunk), func(ctx context.Context) error { return c.take(ctx, p, q.Chunk) })
	return func(ctx context.Context) (any, *callError, error) {
		bad, err := typing(ctx)
		return statusAnswer{"accepted"}, bad, err
	}
}

// again reports whether a write was made before.
func (c *connection) again(p *process, id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, twice := p.seen[id]; id == "" || twice {
		return id != ""
	}
	if len(p.seen) >= maxWrites {
		clear(p.seen)
	}
	p.seen[id] = id
	return false
}

// take hands input to the command, which may not read it.
func (c *connection) take(ctx context.Context, p *process, b []byte) error {
	sent := make(chan error, 1)
	c.work.Go(func() { // ends with the command at the latest
		_, err := p.running.Write(b)
		sent <- err
	})
	late := time.NewTimer(maxSend)
	defer late.Stop()
	select {
	case err := <-sent:
		return err
	case <-p.ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-late.C:
		return fmt.Errorf("the command did not read %d bytes within %s", len(b), maxSend)
	}
}

func (c *connection) signal(m message) work {
	q, bad := params[signalParams](m)
	if bad != nil {
		return refuse(bad)
	}
	if q.Signal != "interrupt" {
		return refuse(fault(codeParams, "process/signal: signal %q; expected interrupt", clip(q.Signal, 40)))
	}
	p := c.find(q.ProcessID)
	if p == nil || p.over() {
		return refuse(fault(codeRequest, "process %s does not run", clip(q.ProcessID, 128)))
	}
	typing := c.typing(p, interrupt, func(context.Context) error { return p.running.Signal(syscall.SIGINT) })
	return func(ctx context.Context) (any, *callError, error) {
		select {
		case <-p.announced:
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		}
		bad, err := typing(ctx)
		return done, bad, err
	}
}

func (c *connection) terminate(m message) work {
	q, bad := params[processParams](m)
	if bad != nil {
		return refuse(bad)
	}
	p := c.find(q.ProcessID)
	if p == nil {
		return func(context.Context) (any, *callError, error) { return runningAnswer{false}, nil, nil }
	}
	running := !p.over()
	p.stop()
	return func(context.Context) (any, *callError, error) { return runningAnswer{running}, nil, nil }
}

func (c *connection) readOutput(m message) work {
	q, bad := params[readParams](m)
	if bad != nil {
		return refuse(bad)
	}
	p := c.find(q.ProcessID)
	if p == nil {
		return refuse(fault(codeRequest, "process %s is not known", clip(q.ProcessID, 128)))
	}
	limit, seq, patience := maxRetained, uint64(0), time.Duration(0)
	if q.MaxBytes != nil {
		limit = min(max(*q.MaxBytes, 1), maxRetained)
	}
	if q.AfterSeq != nil {
		seq = *q.AfterSeq
	}
	if q.WaitMs != nil {
		patience = min(time.Duration(max(*q.WaitMs, 0))*time.Millisecond, maxWait)
	}
	return func(ctx context.Context) (any, *callError, error) {
		late := time.NewTimer(patience)
		defer late.Stop()
		for {
			a, more := p.output.after(seq, limit)
			if len(a.Chunks) > 0 || a.Closed || patience == 0 {
				return a, nil, nil
			}
			select {
			case <-more:
			case <-late.C:
				patience = 0
			case <-ctx.Done():
				return a, nil, nil
			}
		}
	}
}
