package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"proctor/event"
	"proctor/executor"
	"proctor/internal/cli"
	"proctor/internal/codex/appserver"
	"proctor/internal/codex/execserver"
	"proctor/internal/config"
)

// CodexRunOptions are the flags of proctor codex run.
type CodexRunOptions struct {
	Config      config.Options
	IgnoreRules bool
	Prompt      string
	Prompted    bool
	JSON        bool // print what the app-server tells about items and turns
}

// codexRun is one turn of the real Codex CLI under supervision.
type codexRun struct {
	env     cli.Env
	opts    CodexRunOptions
	cfg     *config.Config
	store   *Store
	host    *sharedHost
	client  *appserver.Client
	session *execserver.Session
	thread  string
	out     *output

	attached chan struct{} // closed when Codex is at our executor

	mu      sync.Mutex // guards the fields below
	reasons map[string]string
	turn    codexTurn
	over    bool
	done    chan struct{} // closed when the turn is over
}

// RunCodex lets Codex work on one prompt: as a client of its app-server, and as its executor.
func RunCodex(ctx context.Context, env cli.Env, o CodexRunOptions) error {
	program, err := findCodex(env)
	if err != nil {
		return err
	}
	if o.Prompt, err = readPrompt(env, o.Prompt, o.Prompted); err != nil {
		return err
	}
	return WithStore(ctx, env, o.Config, Open, Runner, func(store *Store, cfg *config.Config) error {
		r := &codexRun{
			env: env, opts: o, cfg: cfg, store: store, out: &output{w: env.Stdout}, attached: make(chan struct{}), done: make(chan struct{}), reasons: map[string]string{},
		}
		return r.supervised(ctx, program)
	})
}

// findCodex is the CLI: $CODEX, else codex of PATH.
func findCodex(env cli.Env) (string, error) {
	name := or(env.Getenv("CODEX"), "codex")
	path, err := exec.LookPath(name)
	if err != nil {
		return "", cli.Fail(cli.Failure, fmt.Errorf("the Codex CLI %q is not installed: install it with 'npm install -g @openai/codex@%s', or name it in CODEX: %w",
			name, execserver.ProtocolVersion, err))
	}
	return path, nil
}

// supervised runs the turn with executor, telemetry and ledger around it.
func (r *codexRun) supervised(ctx context.Context, program string) error {
	around := &run{env: r.env, cfg: r.cfg, store: r.store}
	telemetry, err := around.telemetry()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := around.stopOnFailure(ctx, cancel)
	err = r.run(ctx, program)
	stop()
	telemetry.finish(ctx)
	switch {
	case r.store.Err() != nil:
		return notRecordedBy(r.store)
	case ctx.Err() != nil:
		return cli.Fail(cli.ExitOf(context.Cause(ctx)), context.Cause(ctx))
	case err != nil && cli.ExitOf(err) == cli.Failure:
		return cli.Fail(cli.Failure, err)
	}
	return errors.Join(err, r.out.failure())
}

// run makes the private home, serves as the executor, and talks to the app-server.
func (r *codexRun) run(ctx context.Context, program string) (err error) {
	token := rand.Text()
	l, err := execserver.Listen(ctx, "ws://127.0.0.1:0")
	if err != nil {
		return err
	}
	home, remove, err := overlay(r.cfg, fmt.Sprintf("ws://%s/%s", l.Addr(), token))
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer remove()
	host := &codexHost{env: r.env, store: r.store, opts: ExecServerOptions{Config: r.opts.Config, IgnoreRules: r.opts.IgnoreRules, Listen: "ws"}}
	host.env.StdinTerminal = false
	r.host = &sharedHost{Host: host, sessions: map[string]*execserver.Session{}}
	server := execserver.New(execserver.Options{
		Host: r.host, Environment: codexEnvironment(r.env, r.cfg), Workspace: r.cfg.Cwd, Warn: func(text string) { cli.Warn(r.env, text) },
		Thread: r.threadOfClient, Attached: sync.OnceFunc(func() { close(r.attached) }),
	})
	serving, endServing := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() {
		_ = server.ServeListener(serving, l, token, func(err error) { cli.Warn(r.env, "Codex left its executor: "+err.Error()) })
	})
	defer func() { endServing(); work.Wait(); err = errors.Join(err, r.host.close(ctx, r.reason(ctx, err))) }()
	asking, endAsking := context.WithCancel(ctx) // nobody is asked for a server that is gone
	defer endAsking()
	r.client, err = appserver.Start(appserver.Options{
		Argv: []string{program, "app-server"}, Env: r.clientEnv(home), Dir: r.cfg.Cwd, Stderr: r.env.Stderr, Told: r.told,
		Ask: func(method string, params json.RawMessage) (any, error) { return r.answer(asking, method, params) },
	})
	if err != nil {
		return err
	}
	defer func() { endAsking(); _ = r.client.Close() }() // kills: before the executor is taken away
	return r.converse(ctx)
}

func (r *codexRun) reason(ctx context.Context, err error) string {
	return reason(ctx, executor.Result{Status: r.turn.status}, err)
}

func (r *codexRun) clientEnv(home string) []string {
	var env []string
	for _, v := range r.env.Environ {
		if name, _, _ := strings.Cut(v, "="); name != "CODEX_HOME" && name != "CODEX_EXEC_SERVER_URL" {
			env = append(env, v)
		}
	}
	return append(env, "CODEX_HOME="+home)
}

// threadOfClient is the thread that the app-server writes, before it told: its launcher may stand between.
func (r *codexRun) threadOfClient() string {
	r.mu.Lock()
	thread := r.thread
	r.mu.Unlock()
	if thread != "" || r.client == nil {
		return thread
	}
	return threadOfGroup(r.client.PID())
}

// converse has one turn.
func (r *codexRun) converse(ctx context.Context) error {
	name := map[string]string{"name": "proctor", "title": "proctor", "version": cli.Version}
	if err := r.client.Call(ctx, "initialize", map[string]any{"clientInfo": name, "capabilities": map[string]any{"experimentalApi": false}}, nil); err != nil {
		return err
	}
	if err := r.client.Notify("initialized"); err != nil {
		return err
	}
	var started struct{ Thread struct{ ID string } }
	params := map[string]any{
		"cwd": r.cfg.Cwd, "approvalPolicy": r.approvalPolicy(), "sandbox": string(r.cfg.SandboxMode), "approvalsReviewer": "user",
	}
	if err := r.client.Call(ctx, "thread/start", params, &started); err != nil {
		return err
	}
	r.mu.Lock()
	r.thread = started.Thread.ID
	r.mu.Unlock()
	session, err := r.host.Session(ctx, execserver.Thread{ID: started.Thread.ID, KnownBy: execserver.ByRequest, Workspace: r.cfg.Cwd, About: event.ExecutorAttachedPayload{
		Transport: "app-server", Client: "codex app-server", ProtocolVersion: execserver.ProtocolVersion, Session: execserver.ByRequest, Workspace: r.cfg.Cwd,
	}})
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.session = session
	session.Reason = func(call string) string { r.mu.Lock(); defer r.mu.Unlock(); return r.reasons[call] }
	r.mu.Unlock()
	if err := r.begin(ctx); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(r.env.Stderr, "session id: %s\n", r.thread)
	if err := r.await(ctx, attachPatience); err != nil {
		return r.endTurn(ctx, err)
	}
	input := []map[string]any{{"type": "text", "text": r.opts.Prompt, "text_elements": []any{}}}
	if err := r.client.Call(ctx, "turn/start", map[string]any{"threadId": r.thread, "input": input}, nil); err != nil {
		return r.endTurn(ctx, err)
	}
	select {
	case <-r.done:
		return r.endTurn(ctx, nil)
	case <-r.client.Ended():
		return r.endTurn(ctx, r.client.Err())
	case <-ctx.Done():
		return r.endTurn(ctx, context.Cause(ctx))
	}
}

// attachPatience is how long Codex may take to come to its executor; it does so when a thread starts.
const attachPatience = 30 * time.Second

// await waits for Codex at our executor. Before that it is given nothing to do: another version might do it by itself.
func (r *codexRun) await(ctx context.Context, patience time.Duration) error {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-r.attached:
		return nil
	case <-r.client.Ended():
		return r.client.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-late.C:
		return fmt.Errorf("codex did not come to the executor of proctor within %s, so it was given nothing to do; 'proctor doctor' shows whether its version is one that can", patience)
	}
}

// approvalPolicy is ours as the app-server has it: granular policies are asked for everything, and decided here.
func (r *codexRun) approvalPolicy() string {
	switch p := r.cfg.ApprovalPolicy; p.Mode {
	case config.ApprovalNever, config.ApprovalOnRequest, config.ApprovalUntrusted:
		return p.String()
	case config.ApprovalOnFailure, config.ApprovalGranular:
	}
	return "on-request"
}

// overlay is a private CODEX_HOME: all of the person's own but the environments, which are our executor alone.
func overlay(cfg *config.Config, url string) (home string, remove func(), err error) {
	base := filepath.Join(cfg.ProctorHome, "codex")
	if err := os.MkdirAll(base, 0o700); err != nil {
		return "", nil, err
	}
	if home, err = os.MkdirTemp(base, "home-"); err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(home) }
	entries, err := os.ReadDir(cfg.CodexHome)
	if err != nil && !os.IsNotExist(err) {
		remove()
		return "", nil, err
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case name == "environments.toml" || strings.Contains(name, ".sqlite") || name == "tmp" || name == "thread-writer-locks" || name == "log":
		default:
			err = errors.Join(err, os.Symlink(filepath.Join(cfg.CodexHome, name), filepath.Join(home, name)))
		}
	}
	text := "default = \"proctor\"\ninclude_local = false\n[[environments]]\nid = \"proctor\"\nurl = " + strconv.Quote(url) + "\n"
	if err = errors.Join(err, os.WriteFile(filepath.Join(home, "environments.toml"), []byte(text), 0o600)); err != nil {
		remove()
		return "", nil, err
	}
	return home, remove, nil
}

// sharedHost keeps sessions over the connections of one run: they end with it.
type sharedHost struct {
	execserver.Host
	mu       sync.Mutex
	sessions map[string]*execserver.Session
	ends     []func(context.Context, string) error
}

// Session implements execserver.Host.
func (h *sharedHost) Session(ctx context.Context, t execserver.Thread) (*execserver.Session, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s, ok := h.sessions[t.ID]; ok && s.Workspace == t.Workspace {
		return s, nil
	}
	s, err := h.Host.Session(ctx, t)
	if err != nil {
		return nil, err
	}
	end := s.Close
	s.Close = func(context.Context, string) error { return nil } // with the run
	h.sessions[t.ID] = s
	h.ends = append(h.ends, end)
	return s, nil
}

func (h *sharedHost) close(ctx context.Context, reason string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	for _, end := range h.ends {
		errs = append(errs, end(context.WithoutCancel(ctx), reason))
	}
	return errors.Join(errs...)
}

// codexTurn is the turn as far as it is told.
type codexTurn struct {
	id, status, problem, last string
	calls                     int
	began                     time.Time
	usage                     event.Usage
}

// codexItem is an item of the app-server, as far as it is looked at.
type codexItem struct {
	ID, Type, Text, Phase string
}
