package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"proctor/event"
	"proctor/executor"
	"proctor/executor/approval"
	"proctor/executor/sandbox"
	"proctor/executor/tool"
	"proctor/executor/tool/direct"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/terms"
	"proctor/policy"
	"proctor/policy/filesystem"
)

// environment is the [environment] of a run on its way: what setup needs, and what the agent must not have.
type environment struct {
	secrets []direct.Named
	mask    *direct.Mask
	confine terms.Confinement // of setup
}

const (
	setupTool = "setup"
	// maxSecret bounds a secret from above, minSecret from below: a shorter one is found in every other file, in bytes.
	maxSecret = 64 << 10
	minSecret = 6
)

// keepsSecrets reports whether setup of cfg gets secrets, which then decides how the agent is confined.
func keepsSecrets(cfg *config.Config) bool {
	return cfg.Environment.Wanted() && len(cfg.Environment.Secrets)+len(cfg.Environment.SecretFiles) > 0
}

// prepareEnvironment takes the secrets out of the environment of this process and of r, and plans the confinement of setup.
// It is called before anything is started.
func (r *run) prepareEnvironment(ctx context.Context) error {
	e := r.cfg.Environment
	if !e.Wanted() {
		return nil
	}
	own := &environment{}
	if keepsSecrets(r.cfg) {
		if r.confine.Plan.Unconfined {
			return cli.Fail(cli.Failure, fmt.Errorf("%s: [environment] has secrets, and sandbox_mode danger-full-access would leave them "+
				"within reach of the agent; choose another mode, or take the secrets out", e.Origin.File))
		}
		if r.confine.Backend.Name() == "landlock" { // no PID namespace: what setup started could go on, and be looked into
			return cli.Fail(cli.NoSandbox, errors.New("[environment] has secrets, and the backend landlock cannot keep the agent away from "+
				"processes that have them; it needs bwrap or native, see 'proctor doctor'"))
		}
	}
	var problems []error
	for _, name := range e.Secrets {
		value, _ := r.env.Lookup(name)
		own.secrets, problems = addSecret(own.secrets, problems, name, value, "variable "+name+" is not set")
	}
	for _, name := range slices.Sorted(maps.Keys(e.SecretFiles)) {
		path := e.SecretFiles[name]
		value, err := readSecret(path)
		if err != nil {
			problems = append(problems, fmt.Errorf("secret %s: %w", name, err))
			continue
		}
		own.secrets, problems = addSecret(own.secrets, problems, name, value, "file "+path+" is empty")
		if err := r.hide(path); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		return cli.Fail(cli.Failure, fmt.Errorf("[environment] of %s: %w", e.Origin.File, errors.Join(problems...)))
	}
	own.mask = direct.NewMask(own.secrets...)
	r.environment = own
	r.forget(e.Secrets)
	cfg := *r.cfg
	cfg.PermissionProfile = "" // it is about the agent; what the requirements close to reading stays closed
	cfg.SandboxMode, cfg.SandboxWorkspaceWrite.NetworkAccess, cfg.NetworkProxy.Enabled = config.WorkspaceWrite, e.Network, false
	var err error
	own.confine, err = terms.Confine(ctx, r.env, &cfg, r.opts.AddDirs)
	return err
}

func addSecret(to []direct.Named, problems []error, name, value, missing string) ([]direct.Named, []error) {
	switch {
	case value == "":
		return to, append(problems, fmt.Errorf("secret %s: %s", name, missing))
	case len(value) < minSecret || len(value) > maxSecret:
		return to, append(problems, fmt.Errorf("secret %s has %d bytes; from %d to %d can be kept out of the record", name, len(value), minSecret, maxSecret))
	}
	return append(to, direct.Secret(name, strings.Clone(value))), problems
}

func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+2))
	return strings.TrimRight(string(b), "\r\n"), err
}

// hide keeps a file away from the agent.
func (r *run) hide(path string) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("hide secret file: %w", err)
	}
	plan := &r.confine.Plan
	covered := slices.ContainsFunc(plan.DeniedReads, func(d filesystem.Denied) bool { return filesystem.Within(real, d.Path) })
	if !covered {
		plan.DeniedReads = append(slices.Clone(plan.DeniedReads), filesystem.Denied{Path: real, Kind: filesystem.File})
	}
	return plan.Validate()
}

// forget takes variables out of what this process hands on, and out of what /proc shows of it.
func (r *run) forget(names []string) {
	gone := func(v string) bool { name, _, _ := strings.Cut(v, "="); return slices.Contains(names, name) }
	kept := make([]string, 0, len(r.env.Environ))
	for _, v := range r.env.Environ {
		if !gone(v) {
			kept = append(kept, strings.Clone(v)) // the bytes of the original are overwritten below
		}
	}
	r.env.Environ = kept
	scrub(names)
	for _, name := range names {
		_ = os.Unsetenv(name) // fails for names that no environment can hold
	}
}

// setup runs the setup phase in the session, unless nothing changed since it ran last. An error stops the run.
func (r *run) setup(ctx context.Context) error {
	if r.environment == nil {
		return nil
	}
	began := time.Now()
	started := r.phase(event.PhaseSetup, r.environment.confine.Plan)
	for _, s := range r.environment.secrets {
		started.Secrets = append(started.Secrets, s.Name)
	}
	if _, err := r.stream.RecordAnyway(ctx, event.Draft{Actor: event.System, Payload: started}); err != nil {
		return err
	}
	ended := &event.PhaseEndedPayload{Phase: event.PhaseSetup, Status: "cached"}
	var failure error
	if key := r.cacheKey(); key == "" || !r.cached(key) {
		failure = r.runSetup(ctx, ended, began)
		if failure == nil && key != "" {
			r.remember(r.cacheKey())
		}
	}
	ended.Duration = time.Since(began).Milliseconds()
	if errors.Is(failure, event.ErrNotRecorded) {
		return failure
	}
	if _, err := r.stream.RecordAnyway(ctx, event.Draft{Actor: event.System, Payload: ended}); err != nil || failure != nil {
		return errors.Join(failure, err)
	}
	_, err := r.stream.RecordAnyway(ctx, event.Draft{Actor: event.System, Payload: r.phase(event.PhaseAgent, r.confine.Plan)})
	return err
}

func (r *run) phase(name string, plan filesystem.Plan) *event.PhaseStartedPayload {
	p := &event.PhaseStartedPayload{Phase: name, Network: string(plan.Network), Digest: r.policyDigest(r.files), Plan: event.Secret(planJSON(plan))}
	if name == event.PhaseSetup {
		o := r.cfg.Environment.Origin
		p.Commands, p.Source = len(r.cfg.Environment.Setup), shorten(fmt.Sprintf("%s:%d", o.File, o.Line), maxListedText)
		sum := sha256.Sum256([]byte(p.Digest + planJSON(plan)))
		p.Digest = hex.EncodeToString(sum[:])
	}
	return p
}

// runSetup runs the commands and looks for what they left behind.
func (r *run) runSetup(ctx context.Context, ended *event.PhaseEndedPayload, began time.Time) error {
	ended.Status = "failed"
	session, done, err := r.setupSession()
	if err != nil {
		return err
	}
	defer done()
	for i, text := range r.cfg.Environment.Setup {
		_, _ = fmt.Fprintln(r.env.Stderr, "setup:", cli.Plain(r.environment.mask.Text(text)))
		outcome, err := session.Direct(ctx, fmt.Sprintf("%s-%d", setupTool, i+1), setupTool, direct.New(r.setupCommand(text)))
		if err == nil {
			err = r.setupProblem(ctx, i, text, outcome)
		}
		if err != nil {
			if ctx.Err() != nil {
				ended.Status = "interrupted"
			}
			ended.Reason = shorten(r.environment.mask.Text(err.Error()), maxListedText)
			return err
		}
	}
	found, err := r.leftBehind(ctx, began)
	ended.Scanned, ended.Whole = found.files, found.whole
	if err == nil && r.cfg.Environment.Leftover == config.LeftoverFail && (len(found.paths) > 0 || !found.whole) {
		err = cli.Fail(cli.Failure, found.failure())
	}
	if err != nil {
		ended.Reason = shorten(err.Error(), maxListedText)
		return err
	}
	ended.Status = "completed"
	return nil
}

// setupSession supervises the commands of setup: rules forbid, and nobody is asked. It is never closed: it holds nothing.
func (r *run) setupSession() (*executor.Session, func(), error) {
	own := r.environment
	a := r.authority()
	a.Approval, a.Sandbox, a.Plan = policy.ApprovalPolicy{Mode: policy.Never}, policy.SandboxMode(config.WorkspaceWrite), own.confine.Plan
	a.DeniedReads, a.Digest = true, r.phase(event.PhaseSetup, own.confine.Plan).Digest // nothing leaves the sandbox
	gate, err := approval.New(approval.Options{Authority: a, Stream: r.stream, Watcher: r.store.Bus})
	if err != nil {
		return nil, nil, err
	}
	none, err := tool.NewRegistry()
	if err != nil {
		return nil, nil, err
	}
	s, err := executor.New(executor.Options{
		Stream: r.stream, Tools: none, Gate: gate, Backend: own.confine.Backend,
		Progress: commandView{human{err: r.env.Stderr, colour: r.env.Colour(r.env.StderrTerminal)}, true},
	})
	if err != nil {
		gate.Close()
		return nil, nil, err
	}
	return s, gate.Close, nil
}

func (r *run) setupCommand(text string) direct.Options {
	return direct.Options{
		Name: setupTool, Argv: []string{"/bin/sh", "-c", text}, Dir: r.cfg.Cwd, Env: r.commandEnv(), Secrets: r.environment.secrets, Mask: r.environment.mask, Ask: signalFor,
		Show: func(_ sandbox.Stream, p []byte) error {
			_, _ = io.WriteString(r.env.Stderr, cli.Plain(string(bytes.ToValidUTF8(p, []byte("\uFFFD"))))) // a view: the ledger has it
			return nil
		},
	}
}

func (r *run) setupProblem(ctx context.Context, i int, text string, o executor.Outcome) error {
	what := fmt.Sprintf("setup command %d (%s)", i+1, shorten(r.environment.mask.Text(text), maxListedText))
	see := fmt.Sprintf("; the run was stopped, 'proctor replay %s' shows why", r.session)
	switch {
	case o.Refused != nil && ctx.Err() == nil:
		return cli.Fail(cli.Gate, fmt.Errorf("%s was refused: %s%s", what, o.Message, see))
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case o.Failure != nil:
		return cli.Fail(cli.StartExit(o.Failure), fmt.Errorf("%s: %w%s", what, o.Failure, see))
	case o.Tool.ExitCode == nil || *o.Tool.ExitCode != 0:
		status := -1
		if o.Tool.ExitCode != nil {
			status = *o.Tool.ExitCode
		}
		return cli.Fail(cli.Failure, fmt.Errorf("%s ended with status %d%s", what, status, see))
	}
	return nil
}

// setupError ended a run before its work began; it carries its own status.
type setupError struct{ err error }

func (e *setupError) Error() string { return e.err.Error() }
func (e *setupError) Unwrap() error { return e.err }

func isSetup(err error) bool {
	_, ok := errors.AsType[*setupError](err)
	return ok
}
