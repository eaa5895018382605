package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/google/uuid"

	"proctor/event"
	"proctor/executor"
	"proctor/executor/hook"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/responses"
	"proctor/internal/terms"
	"proctor/policy/execrules"
	people "proctor/reviewer/human"
)

// ExecOptions are the flags of proctor exec.
type ExecOptions struct {
	Config config.Options
	// Prompt is the argument, Prompted whether there was one.
	Prompt   string
	Prompted bool
	// Resume is a session id, or ResumeLast the newest session.
	Resume      string
	ResumeLast  bool
	JSON        bool
	OutputFile  string // -o
	SchemaFile  string // --output-schema
	AddDirs     []string
	Images      []string
	SkipGit     bool
	IgnoreRules bool
	Colour      string // auto, always, never
	EventsFile  string // --events, "-" for standard output
	FailOn      []string
	// Bypass: no approvals and no sandbox were asked for by name.
	Bypass bool
	// Ask lets people be asked in the terminal; without it exec asks nobody there, as codex exec.
	Ask bool
	// OnSession, when set, is told the session id as soon as it is known.
	OnSession func(id string)
}

// FailOn words.
const (
	FailOnDenied  = "denied"
	FailOnSandbox = "sandbox"
	FailOnTool    = "tool"
)

// run is one proctor exec on its way.
type run struct {
	env      cli.Env
	opts     ExecOptions
	cfg      *config.Config
	warnings []config.Warning

	asks    bool          // people answer what policy asks about
	people  *people.Panel // who they are, nil when nobody is asked
	git     bool          // the folder is under version control; asked before placeholders stand in for a missing .git
	prompt  string
	schema  json.RawMessage
	images  []json.RawMessage
	notes   string
	confine terms.Confinement
	network terms.Network
	roads   *roads // nil before the session is assembled
	rules   *execrules.Rules
	files   []execrules.File
	model   *responses.Client
	hooks   *hook.Set

	store   *Store
	session string
	state   *executor.State
	stream  *event.Stream
	trace   traceContext
	looker  *inspector // of the automatic reviewer, nil without
	started time.Time
	began   bool // the session was put together: from then on it shows its own failures
	out     *output
	// last and events are the files of -o and --events, opened before anything runs; nil without.
	last, events *os.File

	// work is what the session does, judge turns how it ended into an error with its exit status.
	work  func(context.Context, *executor.Session) (executor.Result, error)
	judge func(context.Context, executor.Result, error) error
	// command is what proctor run runs, nil in proctor exec; view shows that session.
	command *RunOptions
	view    executor.Progress
	// environment is nil without a setup.
	environment *environment
}

// Exec runs one prompt. The error carries the exit status, see ExitOf.
func Exec(ctx context.Context, env cli.Env, opts ExecOptions) error {
	defer cli.SurvivePipes()()
	out := &output{w: env.Stdout}
	env.Stdout = out
	r := &run{env: env, opts: opts, started: time.Now(), out: out}
	defer r.closeResults()
	if err := r.prepare(ctx); err != nil {
		return err
	}
	defer r.model.Close()
	r.judge = r.verdict
	r.work = func(ctx context.Context, s *executor.Session) (executor.Result, error) {
		return s.Turn(ctx, r.prompt, r.images...)
	}
	return r.record(ctx)
}

// record does the work with the ledger open.
func (r *run) record(ctx context.Context) error {
	return withStore(ctx, r.env, r.cfg, Open, Runner, func(store *Store) error {
		r.store = store
		err := store.know(r.env, r.cfg, r.environment)
		if err == nil {
			err = r.peopleElsewhere()
		}
		if err == nil {
			err = r.inStore(ctx)
		}
		return err
	})
}

// prepare reads and checks everything that can be wrong before the ledger is opened.
func (r *run) prepare(ctx context.Context) error {
	err := r.configure()
	if err != nil {
		return err
	}
	if err := r.checkFolder(); err != nil {
		return err
	}
	if r.schema, err = readSchema(r.env, r.opts.SchemaFile); err != nil {
		return err
	}
	if r.images, err = readImages(r.env, r.opts.Images); err != nil {
		return err
	}
	if r.prompt, err = readPrompt(r.env, r.opts.Prompt, r.opts.Prompted); err != nil {
		return err
	}
	if len(r.prompt) > executor.MaxPrompt {
		return cli.Fail(cli.Failure, fmt.Errorf("%w: %d bytes, at most %d are allowed; put the text into a file and name the file in the prompt",
			executor.ErrPromptTooLarge, len(r.prompt), executor.MaxPrompt))
	}
	if r.last, err = openResult(r.env, r.opts.OutputFile); err != nil {
		return err
	}
	if r.events, err = openResult(r.env, r.opts.EventsFile); err != nil {
		return err
	}
	if r.notes, err = projectNotes(r.cfg); err != nil {
		return cli.Fail(cli.Failure, err)
	}
	if err = r.govern(ctx); err != nil {
		return err
	}
	r.model, err = newModel(r.env, r.cfg)
	return err
}

// configure loads the settings and looks at the working folder.
func (r *run) configure() (err error) {
	if r.cfg, r.warnings, err = r.env.Configure(r.opts.Config); err != nil {
		return err
	}
	if err := r.whoAnswers(); err != nil {
		return err
	}
	if info, err := os.Stat(r.cfg.Cwd); err != nil || !info.IsDir() {
		return cli.Fail(cli.Failure, fmt.Errorf("working folder %s: not a folder that can be used; choose another with -C", r.cfg.Cwd))
	}
	r.git = isGit(r.cfg.ProjectRoot)
	return nil
}

// govern loads what decides and confines.
func (r *run) govern(ctx context.Context) (err error) {
	if r.rules, r.files, err = terms.Rules(r.cfg, r.opts.IgnoreRules); err != nil {
		return err
	}
	if r.network, err = terms.NetworkOf(r.cfg, r.rules); err != nil {
		return err
	}
	if r.network.Proxied {
		for _, note := range r.network.Notes {
			w := config.Warning{Kind: config.WarnNote, Key: "features.network_proxy", Message: note}
			if r.warnings = append(r.warnings, w); r.command != nil { // the others were shown
				cli.ShowWarnings(r.env, []config.Warning{w})
			}
		}
	}
	if r.confine, err = terms.Confine(ctx, r.env, r.cfg, r.opts.AddDirs); err != nil {
		return err
	}
	if err = r.prepareHooks(); err != nil {
		return err
	}
	return r.prepareEnvironment(ctx)
}

// checkFolder refuses to work where nothing can be undone, unless asked to.
func (r *run) checkFolder() error {
	if r.opts.SkipGit || r.opts.Bypass || r.cfg.Trust == config.Trusted || r.git {
		return nil
	}
	return cli.Fail(cli.Failure, fmt.Errorf("%s is not inside a Git repository and not trusted: changes could not be undone; "+
		"run 'git init' there, or use --skip-git-repo-check", r.cfg.Cwd))
}

func isGit(root string) bool {
	_, err := os.Lstat(root + "/.git")
	return err == nil
}

// isWorktree reports whether root is a linked working tree: its .git is a file that leads elsewhere.
func isWorktree(root string) bool {
	info, err := os.Lstat(root + "/.git")
	return err == nil && info.Mode().IsRegular()
}

func readSchema(env cli.Env, path string) (json.RawMessage, error) {
	if path == "" {
		return nil, nil
	}
	const limit = 1 << 20
	f, err := os.Open(env.Abs(path))
	if err != nil {
		return nil, cli.Fail(cli.Failure, fmt.Errorf("read output schema: %w", err))
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, cli.Fail(cli.Failure, fmt.Errorf("read output schema %s: %w", path, err))
	case len(b) > limit:
		return nil, cli.Fail(cli.Failure, fmt.Errorf("read output schema %s: more than %d bytes", path, limit))
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(b, &object); err != nil {
		return nil, cli.Fail(cli.Failure, fmt.Errorf("output schema %s is not a JSON object: %w", path, err))
	}
	return b, nil
}

// inStore does what needs the ledger.
func (r *run) inStore(ctx context.Context) error {
	if err := r.openSession(ctx); err != nil {
		return err
	}
	if r.opts.OnSession != nil {
		r.opts.OnSession(r.session)
	}
	telemetry, err := r.telemetry()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := r.stopOnFailure(ctx, cancel)
	result, err := r.supervise(ctx)
	stop()
	verdict := r.judge(ctx, result, err) // what happens while telemetry leaves does not change how the run ended
	telemetry.finish(ctx)
	return errors.Join(verdict, r.writeEvents(ctx))
}

// stopOnFailure cancels the run as soon as the ledger fails.
func (r *run) stopOnFailure(ctx context.Context, cancel context.CancelCauseFunc) (stop func()) {
	end, done := make(chan struct{}), make(chan struct{})
	go func() { // ends with stop
		defer close(done)
		select {
		case <-r.store.Failed():
			cancel(fmt.Errorf("%w: %w", event.ErrNotRecorded, r.store.Err()))
		case <-ctx.Done():
		case <-end:
		}
	}()
	return func() { close(end); <-done }
}

// openSession makes a new session or loads the one to go on with.
func (r *run) openSession(ctx context.Context) error {
	id := r.opts.Resume
	if r.opts.ResumeLast {
		last, err := r.store.LastSessionIn(ctx, r.cfg.Cwd)
		if err != nil {
			return cli.Fail(cli.Failure, err)
		}
		id = last
	}
	if id == "" {
		r.session = uuid.Must(uuid.NewV7()).String()
		if err := r.store.claim(r.session); err != nil {
			return err
		}
		var err error
		r.trace = newTrace(r.env)
		r.stream, err = r.store.begin(r.session, r.trace)
		return err
	}
	if err := r.store.readable(); err != nil {
		return cli.Fail(cli.Failure, err)
	}
	if err := r.store.claim(id); err != nil {
		return err
	}
	if err := r.store.refresh(); err != nil { // what its last process wrote before it gave the session up
		return cli.Fail(cli.Failure, err)
	}
	state, err := executor.Load(ctx, r.store.Ledger, id)
	switch {
	case err != nil:
		return cli.Fail(cli.Failure, err)
	case state == nil || state.Start == nil:
		return cli.Fail(cli.Failure, fmt.Errorf("no session %q in the ledger; 'proctor ledger ls' lists them", id))
	case !state.Complete:
		return cli.Fail(cli.Failure, fmt.Errorf("session %s cannot go on: a part of its conversation was erased", id))
	case !converses(state.Start.Originator):
		return cli.Fail(cli.Failure, fmt.Errorf("session %s cannot go on: it holds commands of %s, not a conversation", id, state.Start.Originator))
	}
	r.session, r.state = id, state
	r.trace = r.store.traceOf(ctx, id)
	r.stream, err = r.store.Stream(id, state.Last)
	return err
}

// supervise runs the turn with everything around it and closes the session.
func (r *run) supervise(ctx context.Context) (executor.Result, error) {
	parts, err := r.assemble(ctx)
	if err != nil {
		return executor.Result{}, err
	}
	r.began = true
	var result executor.Result
	if err = parts.session.Open(ctx, r.about()...); err == nil {
		for _, w := range r.warnings {
			if r.command == nil {
				parts.session.Warn(w.String())
			}
		}
		if err = r.setup(ctx); err != nil {
			err = &setupError{err}
		} else {
			result, err = r.work(ctx, parts.session)
		}
	}
	return result, errors.Join(err, parts.close(ctx, reason(ctx, result, err)))
}

func reason(ctx context.Context, result executor.Result, err error) string {
	switch {
	case errors.Is(context.Cause(ctx), cli.ErrTerminated):
		return "terminated"
	case errors.Is(context.Cause(ctx), cli.ErrTimeLimit):
		return "timed_out"
	case ctx.Err() != nil:
		return "interrupted"
	case err != nil || result.Status != executor.Completed:
		return "failed"
	}
	return "completed"
}

// verdict turns how the run ended into an error with its exit status.
func (r *run) verdict(ctx context.Context, result executor.Result, err error) error {
	switch {
	case errors.Is(err, event.ErrNotRecorded):
		return r.notRecorded(err, "go on with 'proctor exec resume "+r.session+"'")
	case ctx.Err() != nil:
		return cli.Fail(cli.ExitOf(context.Cause(ctx)), fmt.Errorf("%w; go on with 'proctor exec resume %s'", context.Cause(ctx), r.session))
	case err != nil && !r.began: // nothing was shown yet
		return err
	case isSetup(err):
		return err
	case err != nil:
		return cli.Fail(cli.Failure, &cli.ShownError{Err: err})
	}
	if err := errors.Join(r.out.failure(), r.writeLast(result.LastMessage)); err != nil {
		return err
	}
	return r.gate(result)
}

// gate is what --fail-on makes of the result.
func (r *run) gate(result executor.Result) error {
	for _, word := range r.opts.FailOn {
		n := map[string]int{FailOnDenied: result.Denied, FailOnSandbox: result.SandboxDenials, FailOnTool: result.FailedCalls}[word]
		if n > 0 {
			return cli.Fail(cli.Gate, fmt.Errorf("--fail-on %s: %d; 'proctor replay %s' shows them", word, n, r.session))
		}
	}
	return nil
}

// notRecorded is the end of a run without a ledger; next is what to do once it is repaired.
func (r *run) notRecorded(err error, next string) error {
	if cause := r.store.Err(); cause != nil {
		err = cause // every part of the run reports it; once is enough
	}
	return cli.Fail(cli.NotDurable, fmt.Errorf("the run was stopped because evidence could not be made durable: %w; %s, then %s", err, remedy(err), next))
}

func (r *run) writeLast(message string) error {
	if r.last == nil {
		return nil
	}
	if err := replaceContent(r.last, []byte(message)); err != nil {
		return cli.Fail(cli.Failure, fmt.Errorf("write the last message: %w", err))
	}
	return nil
}
