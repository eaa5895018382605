package direct

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"proctor/event"
	"proctor/executor/sandbox"
	"proctor/executor/tool"
)

// Options describe a Command. Name, Argv and Dir are required.
type Options struct {
	// Name is the tool name that events carry.
	Name string
	Argv []string
	// Dir is absolute.
	Dir string
	Env []string
	// Secrets are further variables.
	Secrets []Named

	// Stdin, Stdout and Stderr are handed to the command as they are; output on such a file is neither seen nor recorded.
	// Without a Stdin the input is empty, unless OpenStdin keeps it open for the process that Attach gets.
	Stdin, Stdout, Stderr *os.File
	OpenStdin             bool
	// TTY, StdoutTTY, StderrTTY, Merged, Rows and Cols are those of sandbox.Spec.
	TTY, StdoutTTY, StderrTTY, Merged bool
	Rows, Cols                        uint16

	// Mask, when set, takes secrets out of everything that observer and Show get.
	Mask *Mask

	// Show gets output after the observer; from one goroutine at a time, it must not keep p. An error ends showing:
	// the command then gets SIGPIPE, as it would have without us. Nil shows nothing.
	Show func(s sandbox.Stream, p []byte) error
	// Attach is called when the command runs; what it returns is called when it has ended. Nil does nothing.
	Attach func(sandbox.Process) (detach func())
	// Ask is the signal that asks the command to end when the context ends with cause; nil means SIGTERM.
	Ask func(cause error) syscall.Signal
	// Grace is how long the command may take after that; 10 s by default.
	Grace time.Duration
	// Permissions is how the command asks to run, event.UseDefault when empty; Justification says why.
	Permissions, Justification string
	// Limits are those of the command.
	Limits sandbox.Limits
}

const defaultGrace = 10 * time.Second

// Command is a tool.Proposal.
type Command struct {
	o      Options
	action event.Action
}

// New makes the proposal; it starts nothing.
func New(o Options) *Command {
	if o.Grace <= 0 {
		o.Grace = defaultGrace
	}
	if o.Permissions == "" {
		o.Permissions = event.UseDefault
	}
	o.Argv, o.Env = slices.Clone(o.Argv), slices.Clone(o.Env)
	return &Command{o: o, action: event.Action{
		Kind: event.ActionCommand, Tool: o.Name, Argv: o.Argv, Cwd: o.Dir, EnvNames: names(o.Env, o.Secrets), TTY: o.TTY, Permissions: o.Permissions, Justification: o.Justification,
	}}
}

func names(env []string, secrets []Named) []string {
	var out []string
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		out = append(out, name)
	}
	for _, s := range secrets {
		out = append(out, s.Name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Action implements tool.Proposal.
func (c *Command) Action() event.Action {
	a := c.action
	a.Argv, a.EnvNames = slices.Clone(a.Argv), slices.Clone(a.EnvNames)
	return a
}

// Run implements tool.Proposal.
func (c *Command) Run(ctx context.Context, g tool.Grant, o tool.Observer) (tool.Result, error) {
	if err := g.Check(c.Action()); err != nil {
		return tool.Result{}, err
	}
	began := time.Now()
	w := &watch{observer: o, show: c.o.Show}
	output, flush := w.output, func() {}
	if c.o.Mask != nil {
		m := &masked{Observer: o, mask: c.o.Mask, held: map[sandbox.Stream]string{}}
		o, output = m, func(s sandbox.Stream, p []byte) { m.output(s, p, w.output) }
		flush = func() { m.flush(w.output) }
	}
	// The command ends when it is asked to, not with the context; when this process dies it is killed all the same.
	p, err := g.Backend.Start(context.WithoutCancel(ctx), sandbox.Spec{
		Argv: c.o.Argv, Dir: c.o.Dir, Env: c.environ(), Plan: g.Plan, TTY: c.o.TTY, Rows: c.o.Rows, Cols: c.o.Cols,
		StdoutTTY: c.o.StdoutTTY, StderrTTY: c.o.StderrTTY, Merged: c.o.Merged,
		Stdin: c.o.OpenStdin, StdinFile: c.o.Stdin, StdoutFile: c.o.Stdout, StderrFile: c.o.Stderr,
		OnOutput: output, OnDenial: o.Denied, OnChange: tool.Changes(o), ChangeRoots: tool.ChangeRoots(g.Plan, c.o.Env),
		Limits: c.o.Limits,
	})
	if err != nil {
		return notStarted(began, err)
	}
	w.started(p)
	if c.o.Attach != nil {
		defer c.o.Attach(p)()
	}
	interrupted := c.await(ctx, p)
	r := p.Wait()
	flush()
	if r.SetupError != nil {
		return notStarted(began, r.SetupError)
	}
	code := r.ExitCode
	return tool.Result{
		Success: true, ExitCode: &code, Denials: r.Denials + r.DenialsDropped, DenialsDropped: r.DenialsDropped, ChangesOmitted: r.ChangesOmitted, Backend: r.Backend, Exact: r.DenialsExact,
		Duration: time.Since(began), Aggregated: w.all.String(),
	}, interrupted
}

func (c *Command) environ() []string {
	env := slices.Clone(c.o.Env)
	for _, s := range c.o.Secrets {
		env = append(env, s.Name+"="+s.Reveal())
	}
	return env
}

func notStarted(began time.Time, err error) (tool.Result, error) {
	return tool.Result{Output: "not started: " + err.Error(), Duration: time.Since(began)}, fmt.Errorf("%w: %w", tool.ErrNotStarted, err)
}

// await returns when the command has ended: nil, or the cause of a context that ended before.
func (c *Command) await(ctx context.Context, p sandbox.Process) error {
	select {
	case <-p.Done():
		return nil
	case <-ctx.Done():
	}
	ask := syscall.SIGTERM
	if c.o.Ask != nil {
		ask = c.o.Ask(context.Cause(ctx))
	}
	if p.Signal(ask) != nil { // it is gone, or cannot be reached: nothing else is left
		p.Kill()
	}
	late := time.NewTimer(c.o.Grace)
	defer late.Stop()
	select {
	case <-p.Done():
	case <-late.C:
		p.Kill()
		<-p.Done()
	}
	return context.Cause(ctx)
}

// watch takes the output of one command.
type watch struct {
	observer tool.Observer
	show     func(sandbox.Stream, []byte) error
	all      tool.Buffer // written by one goroutine at a time, read after Wait

	mu      sync.Mutex // guards the fields below
	process sandbox.Process
	closed  bool // nobody reads what is shown
}

// output is sandbox.Spec.OnOutput.
func (w *watch) output(s sandbox.Stream, p []byte) {
	_, _ = w.all.Write(p)
	w.observer.Output(s, p)
	if w.show == nil || w.isClosed() {
		return
	}
	if w.show(s, p) != nil {
		w.mu.Lock()
		w.closed = true
		w.pipe()
		w.mu.Unlock()
	}
}

func (w *watch) started(p sandbox.Process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.process = p
	if w.closed {
		w.pipe()
	}
}

// pipe tells the command that its reader went away. It is called with the lock held.
func (w *watch) pipe() {
	if w.process != nil {
		_ = w.process.Signal(syscall.SIGPIPE) // fails only when it has ended
	}
}

func (w *watch) isClosed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed
}
