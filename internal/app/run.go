package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"proctor/event"
	"proctor/executor"
	"proctor/executor/sandbox"
	"proctor/executor/tool"
	"proctor/executor/tool/direct"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/terms"
)

// runOriginator marks sessions of proctor run, runTool and noModel what stands in them for a tool and for a model.
const (
	runOriginator = "proctor_run"
	runTool       = "run"
	noModel       = "none"
)

// RunOptions are the flags of proctor run.
type RunOptions struct {
	Config config.Options
	Argv   []string
	// JSON prints the lines of exec --json instead of the command's output.
	JSON        bool
	FailOn      []string
	LogDenials  bool
	IgnoreRules bool
	// Unrecorded leaves the output out of the ledger and hands the streams over as they are.
	Unrecorded bool
	EventsFile string
	// originator marks the sessions; empty means those of proctor run.
	originator string
}

// Run supervises one command: the path of a tool call in Exec, without a model. Status is that of the command, or see ExitOf.
func Run(ctx context.Context, env cli.Env, o RunOptions) error {
	defer cli.SurvivePipes()()
	out := &output{w: env.Stdout}
	r := &run{env: env, out: out, started: time.Now(), command: &o, opts: ExecOptions{
		Config: o.Config, JSON: o.JSON, IgnoreRules: o.IgnoreRules, FailOn: o.FailOn, EventsFile: o.EventsFile,
	}}
	defer r.closeResults()
	if err := r.prepareCommand(ctx); err != nil {
		return err
	}
	if r.model != nil {
		defer r.model.Close()
	}
	var outcome executor.Outcome
	r.work = func(ctx context.Context, s *executor.Session) (_ executor.Result, err error) {
		outcome, err = r.runCommand(ctx, s)
		return outcome.Result, err
	}
	r.judge = func(ctx context.Context, _ executor.Result, err error) error {
		return r.commandVerdict(ctx, outcome, err)
	}
	return r.record(ctx)
}

// prepareCommand is prepare for one command: no prompt, and a model only where a reviewer needs one.
func (r *run) prepareCommand(ctx context.Context) error {
	err := r.configure()
	if err != nil {
		return err
	}
	cli.ShowWarnings(r.env, r.warnings)
	if r.events, err = openResult(r.env, r.opts.EventsFile); err != nil {
		return err
	}
	if err := r.govern(ctx); err != nil {
		return err
	}
	r.view = commandView{human{err: r.env.Stderr, colour: r.env.Colour(r.env.StderrTerminal)}, r.command.LogDenials}
	if r.command.JSON {
		r.view = jsonl{r.out, r.env.Stderr}
	}
	if r.cfg.ApprovalsReviewer == config.AutoReviewer {
		r.model, err = newModel(r.env, r.cfg)
	}
	return err
}

func (r *run) startCommand(host string) event.ConversationStartsPayload {
	return event.ConversationStartsPayload{
		ProviderName: noModel, Model: noModel, ReasoningSummary: noModel, LegacyMultiAgentInfo: "none",
		ApprovalPolicy: r.cfg.ApprovalPolicy.String(), SandboxPolicy: string(r.cfg.SandboxMode), Reviewer: string(r.cfg.ApprovalsReviewer),
		AppVersion: cli.Version, Originator: or(r.command.originator, runOriginator), TerminalType: terminalType(r.env), Cwd: event.Secret(r.cfg.Cwd), Git: r.git, Worktree: isWorktree(r.cfg.ProjectRoot),
		Host: host, PID: os.Getpid(), Telemetry: exports(r.cfg), TraceParent: r.trace.parent,
	}
}

// runCommand records who asked, and runs the command.
func (r *run) runCommand(ctx context.Context, s *executor.Session) (executor.Outcome, error) {
	text := event.CommandLine(r.command.Argv)
	if err := r.stream.PublishAnyway(ctx, event.Draft{Actor: event.User, Payload: &event.UserPromptPayload{
		Length: len([]rune(text)), Prompt: event.Secret(text),
	}}); err != nil {
		return executor.Outcome{}, err
	}
	o := direct.Options{Name: runTool, Argv: r.command.Argv, Dir: r.cfg.Cwd, Env: r.commandEnv(), Ask: signalFor, Limits: terms.Limits(r.cfg)}
	streams := r.streams(&o)
	o.Attach = func(p sandbox.Process) func() {
		stop, detach := cli.Forward(p), streams(p)
		return func() { detach(); stop() }
	}
	return s.Direct(ctx, runTool, runTool, direct.New(o))
}

// signalFor is the signal that a command gets for the end of its run.
func signalFor(cause error) syscall.Signal {
	switch {
	case errors.Is(cause, cli.ErrInterrupted):
		return syscall.SIGINT
	case errors.Is(cause, event.ErrNotRecorded):
		return syscall.SIGKILL // what it does from here on is not recorded
	}
	return syscall.SIGTERM
}

// commandVerdict is the status of proctor run: the ledger's first, then the policy's, then that of the command.
func (r *run) commandVerdict(ctx context.Context, o executor.Outcome, err error) error {
	switch {
	case errors.Is(err, event.ErrNotRecorded):
		return r.notRecorded(err, "run the command again")
	case o.Refused != nil && ctx.Err() == nil:
		return cli.Fail(cli.Gate, &cli.ShownError{Err: fmt.Errorf("refused: %s", o.Message)})
	case errors.Is(o.Failure, tool.ErrNotStarted):
		return cli.Fail(cli.StartExit(o.Failure), o.Failure)
	case isSetup(err):
		return err
	case err != nil:
		return cli.Fail(cli.Failure, err)
	case o.Tool.ExitCode == nil:
		return cli.Fail(cli.ExitOf(context.Cause(ctx)), fmt.Errorf("%w before the command ran", context.Cause(ctx)))
	}
	if err := errors.Join(r.out.failure(), r.gate(o.Result)); err != nil {
		return err
	}
	if *o.Tool.ExitCode != 0 && o.SandboxDenials > 0 && !r.command.JSON {
		cli.Warn(r.env, fmt.Sprintf("the sandbox refused %d calls of the command; 'proctor replay %s' shows them", o.SandboxDenials, r.session))
	}
	return cli.Fail(cli.Exit(*o.Tool.ExitCode), cli.Silent(*o.Tool.ExitCode))
}

// commandView shows only what the command itself cannot: that it was refused, and with --log-denials what of it.
type commandView struct {
	human
	denials bool
}

func (v commandView) ItemStarted(executor.Item)   {}
func (v commandView) ItemCompleted(executor.Item) {}
func (v commandView) ItemUpdated(executor.Item)   {}

// Denied implements executor.Progress.
func (v commandView) Denied(m string) {
	if v.denials {
		v.human.Denied(m)
	}
}

// show passes output on.
func (r *run) show(s sandbox.Stream, p []byte) error {
	to := io.Writer(r.out)
	if s == sandbox.Stderr {
		to = r.env.Stderr
	}
	_, err := to.Write(p)
	return err
}
