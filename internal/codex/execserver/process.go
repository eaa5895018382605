package execserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"time"

	"proctor/event"
	"proctor/executor/sandbox"
	"proctor/executor/tool"
	"proctor/executor/tool/direct"
	"proctor/policy/filesystem"
)

const (
	// commandTool and inputTool are how events name what Codex's own tools ask for.
	commandTool = "exec_command"
	inputTool   = "write_stdin"
	// maxProcesses bounds the commands of a connection that run, or ended and were not asked about for the last time.
	maxProcesses = 128
	// maxArguments bounds the words of a command together, in bytes.
	maxArguments = 1 << 20
)

// escalated is why a command may want to leave the sandbox; what Codex was told is not part of its request.
const escalated = "Codex approved that this command runs outside its sandbox"

// process is one command of the client.
type process struct {
	id     string // as the client names it
	call   string
	number int
	thread string
	cancel context.CancelFunc

	// announced is closed when the client knows that the command runs, or was told why not; ended when it is over.
	announced, ended chan struct{}
	running          sandbox.Process // set before announced is closed; nil when nothing was run
	unconfined       bool            // set before announced is closed
	stdin, tty       bool
	inputs           chan struct{} // closed when the input before was taken; guarded by connection.mu
	typed            int           // guarded by connection.mu
	seen             map[string]string
	output           output
}

func (p *process) stop() { p.cancel() }

// command is the proposal of a process.
type command struct {
	*direct.Command
	p      *process
	narrow func(filesystem.Plan) filesystem.Plan
}

// Narrow implements tool.Narrowed.
func (c *command) Narrow(plan filesystem.Plan) filesystem.Plan {
	if c.narrow == nil {
		return plan
	}
	return c.narrow(plan)
}

// Run implements tool.Proposal.
func (c *command) Run(ctx context.Context, g tool.Grant, o tool.Observer) (tool.Result, error) {
	c.p.unconfined = g.Plan.Unconfined
	return c.Command.Run(ctx, g, o)
}

func (c *connection) start(m message) work {
	q, bad := params[startParams](m)
	if bad == nil {
		bad = q.check()
	}
	if bad != nil {
		return refuse(bad)
	}
	dir, bad := pathOf(q.Cwd)
	if bad != nil {
		return refuse(bad)
	}
	c.met(q.Env["CODEX_VERSION"])
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{
		id: q.ProcessID, call: q.Metadata.ToolCallID, thread: q.Metadata.ThreadID, cancel: cancel, announced: make(chan struct{}), ended: make(chan struct{}),
		stdin: q.PipeStdin, tty: q.TTY, inputs: make(chan struct{}), seen: map[string]string{},
	}
	close(p.inputs)
	if bad := c.add(p); bad != nil {
		cancel()
		return refuse(bad)
	}
	return func(serving context.Context) (any, *callError, error) {
		defer context.AfterFunc(serving, cancel)()
		defer cancel()
		return c.run(ctx, m, p, q, dir)
	}
}

func (q *startParams) check() *callError {
	size := 0
	for _, a := range q.Argv {
		size += len(a)
	}
	switch {
	case q.ProcessID == "" || len(q.ProcessID) > 128 || len(q.Metadata.ToolCallID) > 128:
		return fault(codeParams, "process/start: processId and toolCallId have at most 128 bytes, and the first at least one")
	case len(q.Argv) == 0 || q.Argv[0] == "":
		return fault(codeParams, "process/start: argv names no program")
	case size > maxArguments:
		return fault(codeParams, "process/start: argv has %d bytes, at most %d are allowed", size, maxArguments)
	case q.Arg0 != nil && *q.Arg0 != q.Argv[0]:
		return fault(codeParams, "process/start: a program under another name (arg0) is not run here")
	}
	return nil
}

// add makes p known.
func (c *connection) add(p *process) *callError {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, twice := c.processes[p.id]; twice {
		return fault(codeRequest, "process %s is there already", p.id)
	}
	for id, old := range c.processes {
		if len(c.processes) >= maxProcesses && old.over() {
			delete(c.processes, id)
		}
	}
	if len(c.processes) >= maxProcesses {
		return fault(codeRequest, "%d commands are running; wait for one, or end one", maxProcesses)
	}
	c.started++
	p.number = c.started
	if p.call == "" {
		p.call = fmt.Sprintf("exec-%d", p.number)
	}
	c.processes[p.id] = p
	return nil
}

func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// run decides about a command and runs it to its end. The client has its answer as soon as the command runs, or does not.
func (c *connection) run(ctx context.Context, m message, p *process, q startParams, dir string) (any, *callError, error) {
	defer close(p.ended)
	told := false
	tell := func(result any, bad *callError) {
		if !told {
			told = true
			c.reply(m, result, bad)
			close(p.announced)
		}
	}
	defer tell(nil, fault(codeInternal, "the command did not start"))
	bad, err := c.runIn(ctx, p, q, dir, tell)
	switch {
	case err != nil:
		tell(nil, fault(codeInternal, "%v", err))
	case bad != nil:
		tell(nil, bad)
	}
	if err != nil && !errors.Is(err, event.ErrNotRecorded) {
		err = nil // it is told
	}
	return nil, nil, err
}

func (c *connection) runIn(ctx context.Context, p *process, q startParams, dir string, tell func(any, *callError)) (*callError, error) {
	s, leave, err := c.enter(ctx, p.thread, q.Sandbox.workspace())
	if err != nil {
		return nil, err
	}
	defer leave()
	narrow, err := s.narrow(q.Sandbox)
	if err != nil {
		return fault(codeParams, "process/start: %v", err), nil
	}
	if q.ManagedNetwork {
		narrow = withoutNetwork(narrow)
	}
	o := direct.Options{
		Name: commandTool, Argv: q.Argv, Dir: dir, Env: environ(s.Environ(q.EnvPolicy.policy()), q.Env), OpenStdin: q.PipeStdin, TTY: q.TTY, Limits: s.Limits,
		Ask: func(error) syscall.Signal { return syscall.SIGKILL }, Grace: time.Second,
		Show: func(stream sandbox.Stream, b []byte) error {
			<-p.announced
			c.say(p, stream, b)
			return nil
		},
		Attach: func(running sandbox.Process) func() {
			p.running = running
			kind := "linuxSeccomp"
			if p.unconfined {
				kind = "none"
			}
			tell(startedAnswer{p.id, kind}, nil)
			return func() {}
		},
	}
	if q.Sandbox.unconfined() {
		o.Permissions, o.Justification = event.RequireEscalated, escalated
		if s.Reason != nil {
			o.Justification = cmp.Or(s.Reason(p.call), escalated)
		}
	}
	outcome, err := s.Calls.Direct(ctx, p.call, commandTool, &command{direct.New(o), p, narrow})
	switch {
	case err != nil:
		return nil, err
	case outcome.Refused != nil:
		return fault(codeInternal, "proctor refused the command (%s): %s", outcome.Refused.Reason, outcome.Message), nil
	case outcome.Tool.ExitCode == nil:
		return fault(codeInternal, "proctor did not run the command: %v", outcome.Failure), nil
	}
	c.exited(ctx, p, outcome.Tool)
	return nil, nil
}

func (c *connection) say(p *process, stream sandbox.Stream, b []byte) {
	name := string(stream)
	if p.tty {
		name = "pty"
	}
	n := p.output.add(name, b)
	n.ProcessID = p.id
	c.notify("process/output", n)
}

// earlyExit is how long Codex takes a command that failed on its sandbox for one that never started, and shows no item of it: its own
// executor is slower than that.
const earlyExit = 350 * time.Millisecond

// exited tells the end of a command, once it is recorded.
func (c *connection) exited(ctx context.Context, p *process, r tool.Result) {
	denied := r.Denials > 0 && *r.ExitCode != 0
	if denied {
		select {
		case <-time.After(earlyExit - r.Duration):
		case <-ctx.Done():
		}
	}
	seq := p.output.exit(*r.ExitCode, denied)
	c.notify("process/exited", exitedNotice{p.id, seq, *r.ExitCode, denied})
	c.notify("process/closed", closedNotice{p.id, p.output.close()})
}

// withoutNetwork also takes the network away: Codex wants it to lead through its proxy, which is not here.
func withoutNetwork(narrow func(filesystem.Plan) filesystem.Plan) func(filesystem.Plan) filesystem.Plan {
	return func(p filesystem.Plan) filesystem.Plan {
		if narrow != nil {
			p = narrow(p)
		}
		if !p.Unconfined {
			p.Network = filesystem.NetworkOff
		}
		return p
	}
}

// environ is base with what Codex sets on top. Variables by which a file would run in everything that is started are left out.
func environ(base []string, set map[string]string) []string {
	values := map[string]string{}
	for _, v := range base {
		name, value, _ := strings.Cut(v, "=")
		values[name] = value
	}
	for name, value := range set {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.ContainsRune(value, 0) || name == "BASH_ENV" || name == "ENV" || strings.HasPrefix(name, "LD_") {
			continue
		}
		values[name] = value
	}
	out := make([]string, 0, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		out = append(out, name+"="+values[name])
	}
	return out
}
