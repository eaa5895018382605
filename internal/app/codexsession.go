package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"proctor/executor"
	"proctor/executor/sandbox"
	"proctor/internal/cli"
	"proctor/internal/codex/execserver"
	"proctor/internal/config"
	"proctor/internal/terms"
	"proctor/ledger"
	"proctor/policy/filesystem"
)

// codexHost makes the sessions of Codex threads: each has the configuration of the folder that it works in.
type codexHost struct {
	env   cli.Env
	opts  ExecServerOptions
	store *Store
}

// claimPatience is how long a session may belong to another process: hooks write single events of it.
const claimPatience = 10 * time.Second

// Session implements execserver.Host.
func (h *codexHost) Session(ctx context.Context, t execserver.Thread) (_ *execserver.Session, err error) {
	r := &run{
		env: h.env, store: h.store, started: time.Now(), session: t.ID, out: &output{w: h.env.Stderr},
		command: &RunOptions{IgnoreRules: h.opts.IgnoreRules, originator: executorOriginator},
		opts:    ExecOptions{Config: h.opts.Config, IgnoreRules: h.opts.IgnoreRules},
	}
	r.opts.Config.Cwd = t.Workspace
	if err := r.configureForCodex(); err != nil {
		return nil, err
	}
	if err := r.govern(ctx); err != nil {
		return nil, err
	}
	if err := r.peopleElsewhere(); err != nil {
		return nil, err
	}
	if r.cfg.ApprovalsReviewer == config.AutoReviewer {
		if r.model, err = newModel(r.env, r.cfg); err != nil {
			return nil, err
		}
	}
	r.view = commandView{human{err: h.env.Stderr}, h.opts.Listen != ""}
	s := &codexSession{r: r}
	if err := s.open(ctx, t); err != nil {
		return nil, errors.Join(err, s.close(ctx, "failed"))
	}
	return &execserver.Session{
		Calls: s.parts.session, Stream: r.stream, Elicit: s.parts.gate.Elicit, Workspace: t.Workspace, Limits: terms.Limits(r.cfg), TmpDir: r.env.Getenv("TMPDIR"), Narrow: s.narrow, Close: s.close,
		Environ: func(p config.ShellEnvironmentPolicy) []string { return p.Apply(r.commandEnv()) },
	}, nil
}

// configureForCodex loads the settings. Where nobody chose a sandbox, Codex's own is the one that counts, up to that of a workspace.
func (r *run) configureForCodex() error {
	if err := r.configure(); err != nil {
		return err
	}
	_, named := r.cfg.FilesystemProfile()
	if named || r.cfg.Explain("sandbox_mode").Origin.Layer != config.LayerDefault || r.cfg.SandboxMode != config.ReadOnly {
		return nil
	}
	before, plain := r.opts.Config, *r.cfg
	r.opts.Config.Flags = append(r.opts.Config.Flags, config.Flag{Key: "sandbox_mode", Value: string(config.WorkspaceWrite), Name: "Codex's own sandbox"})
	if err := r.configure(); err != nil || r.cfg.SandboxMode != config.WorkspaceWrite { // requirements do not allow it
		r.opts.Config, r.cfg = before, &plain
	}
	return nil
}

// codexSession is one session of a Codex thread on its way.
type codexSession struct {
	r        *run
	release  func() // the claim
	parts    *parts
	releases []func() // placeholders of narrowed plans
}

func (s *codexSession) open(ctx context.Context, t execserver.Thread) (err error) {
	r := s.r
	if s.release, err = claimSoon(ctx, r.store.dir, t.ID); err != nil {
		return err
	}
	if err := r.store.refresh(); err != nil {
		return notDurable(err)
	}
	if r.state, err = executor.Load(ctx, r.store.Ledger, t.ID); err != nil {
		return notDurable(err)
	}
	if r.state == nil {
		r.trace = newTrace(r.env)
		r.stream, err = r.store.begin(t.ID, r.trace)
	} else {
		r.trace = r.store.traceOf(ctx, t.ID)
		r.stream, err = r.store.Stream(t.ID, r.state.Last)
	}
	if err != nil {
		return err
	}
	if s.parts, err = r.assemble(ctx); err != nil {
		s.parts = nil // it is closed
		return err
	}
	if err := s.parts.session.Open(ctx, append(r.about(), &t.About)...); err != nil {
		return err
	}
	return r.setup(ctx)
}

// claimSoon claims a session that another process may hold for a moment.
func claimSoon(ctx context.Context, dir, session string) (release func(), err error) {
	for late := time.Now().Add(claimPatience); ; {
		release, err = ledger.Claim(dir, session)
		if !errors.Is(err, ledger.ErrClaimed) {
			return release, notDurable(err)
		}
		if time.Now().After(late) {
			return nil, fmt.Errorf("session %s is written by another process: %w", session, err)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// narrow implements Narrow of execserver.Session.
func (s *codexSession) narrow(q filesystem.Request) (func(filesystem.Plan) filesystem.Plan, error) {
	stated, err := sandbox.Plan(q)
	if err != nil {
		return nil, err
	}
	f := func(p filesystem.Plan) filesystem.Plan { return filesystem.Intersect(p, stated) }
	if keeper, ok := s.r.confine.Backend.(sandbox.Keeper); ok {
		release, err := keeper.Keep(f(s.r.confine.Plan))
		if err != nil {
			return nil, err
		}
		s.releases = append(s.releases, release)
	}
	return f, nil
}

// close ends the session. It works on a cancelled context.
func (s *codexSession) close(ctx context.Context, reason string) error {
	var err error
	if s.parts != nil {
		err = s.parts.close(context.WithoutCancel(ctx), reason)
		s.parts = nil
	}
	for _, release := range s.releases {
		release()
	}
	if s.r.model != nil {
		s.r.model.Close()
	}
	if s.release != nil {
		s.release()
		s.release = nil
	}
	return err
}
