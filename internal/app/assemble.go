package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"proctor/event"
	"proctor/executor"
	"proctor/executor/approval"
	"proctor/executor/sandbox"
	"proctor/executor/tool"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/responses"
	"proctor/internal/terms"
	"proctor/policy"
	"proctor/policy/execrules"
	"proctor/policy/filesystem"
)

// originator is what existing Codex dashboards filter by, and the model server sees another name.
const (
	originator     = "codex_exec"
	wireOriginator = "proctor_exec"
)

// parts are what a run is made of; close ends them in the order that keeps session_closed the last word.
type parts struct {
	session      *executor.Session
	tools        *tool.Registry
	gate         *approval.Gate
	stopReviewer func() error
	unlend       func() // ends what other processes record in the session
	release      func() // placeholders, once nothing runs any more
}

func (p *parts) close(ctx context.Context, reason string) error {
	var errs []error
	if p.unlend != nil {
		p.unlend()
	}
	if p.stopReviewer != nil {
		errs = append(errs, p.stopReviewer())
	}
	switch {
	case p.session != nil:
		errs = append(errs, p.session.Close(ctx, reason))
	case p.tools != nil:
		errs = append(errs, tool.CloseAll(context.WithoutCancel(ctx), p.tools.Tools()))
	}
	if p.release != nil {
		p.release()
	}
	if p.gate != nil {
		p.gate.Close()
	}
	return errors.Join(errs...)
}

// assemble makes the session and starts its reviewer. What was started is ended again when it fails.
func (r *run) assemble(ctx context.Context) (p *parts, err error) {
	p = &parts{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close(ctx, "failed"))
		}
	}()
	var standing approval.Standing
	if r.state != nil {
		standing = r.state.Standing
	}
	if p.gate, err = approval.New(approval.Options{
		Standing: standing, Widen: r.widen, Amend: r.amend, RulesFile: r.rulesFile(), Deadline: r.patience(),
		Authority: r.authority(), Stream: r.stream, Watcher: r.store.Bus, Breaker: &turnBreaker{},
		Context: func() event.Sensitive { return r.reviewContext(p.session) },
		Hooked: func(ctx context.Context, q approval.Request) (*policy.Hook, event.ID, error) {
			return p.session.PermissionHook(ctx, q, r.cfg.ReviewRequired())
		},
	}); err != nil {
		return p, err
	}
	if p.tools, err = r.registry(ctx, p.gate); err != nil {
		return p, err
	}
	if p.stopReviewer, err = r.startReviewer(ctx); err != nil {
		return p, err
	}
	if p.unlend, err = r.lend(p.gate); err != nil {
		return p, err
	}
	if keeper, ok := r.confine.Backend.(sandbox.Keeper); ok {
		if p.release, err = keeper.Keep(r.confine.Plan); err != nil {
			return p, cli.Fail(cli.NoSandbox, err)
		}
	}
	o := executor.Options{
		Stream: r.stream, Tools: p.tools, Gate: p.gate, Backend: r.confine.Backend, Progress: r.view, Start: r.start(), State: r.state,
		Heartbeat: r.cfg.Proctor.Ledger.Heartbeat,
		Hooks:     r.hooks,
	}
	if r.roads, err = r.newRoads(p.gate); err != nil {
		return p, err
	}
	o.Network = r.roads
	if r.command == nil {
		o.Model, o.Request, o.Progress = r.model, r.request(), r.progress()
		o.Context = opening(r.env, r.cfg, r.confine.Plan, r.notes)
	}
	if p.session, err = executor.New(o); err == nil {
		r.looker.attach(p.session)
		if r.cfg.ApprovalsReviewer == config.AutoReviewer && r.state != nil {
			p.session.Transcript() // a long history is read now and not while somebody waits for a review
		}
	}
	return p, err
}

func (r *run) authority() approval.Authority {
	return approval.Authority{
		Approval: terms.Approval(r.cfg.ApprovalPolicy), Sandbox: policy.SandboxMode(r.cfg.SandboxMode),
		Reviewer: policy.Reviewer(r.cfg.ApprovalsReviewer), Headless: !r.asks, Rules: r.rules, Home: r.env.Getenv("HOME"),
		Plan: r.confine.Plan, Escalated: r.confine.Escalated, DeniedReads: r.confine.Hides(r.cfg) || keepsSecrets(r.cfg), Digest: r.policyDigest(r.files),
	}
}

// policyDigest names everything that decides: settings, the plan, the rules of these files.
func (r *run) policyDigest(files []execrules.File) string {
	h := sha256.New()
	for _, part := range append([]string{r.cfg.Digest(), planJSON(r.confine.Plan)}, ruleTexts(files)...) {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// maxListed bounds warnings and rule files in an event, maxListedText each of them in characters.
const (
	maxListed     = 64
	maxListedText = 160
)

// about are the payloads that say what decides in this session.
func (r *run) about() []event.Payload {
	settings := r.cfg.Origins()
	resolved := &event.ConfigResolvedPayload{Count: len(settings), Settings: event.SecretJSON(settings), Launch: event.SecretJSON(r.launch())}
	for i, w := range r.warnings {
		if i == maxListed {
			resolved.Warnings = append(resolved.Warnings, fmt.Sprintf("… %d more", len(r.warnings)-i))
			break
		}
		resolved.Warnings = append(resolved.Warnings, shorten(w.String(), maxListedText))
	}
	a := r.authority()
	loaded := &event.PolicyLoadedPayload{
		Digest: a.Digest, ApprovalPolicy: r.cfg.ApprovalPolicy.String(), Reviewer: string(a.Reviewer), SandboxMode: string(a.Sandbox),
		Network: string(a.Plan.Network), Backend: r.backendName(), RuleFiles: ruleNames(r.files), Rules: r.rules.Len(), Redaction: r.store.redaction(),
		Plan: event.Secret(planJSON(a.Plan)), Request: event.SecretJSON(terms.Asked(r.env, r.cfg, r.opts.AddDirs)),
	}
	if r.network.Proxied {
		loaded.NetworkRules = event.SecretJSON(r.network.Policy)
		for _, note := range r.network.Notes {
			loaded.Notes = append(loaded.Notes, shorten(note, maxListedText))
		}
	}
	return append([]event.Payload{resolved, loaded, &event.StartupPhasePayload{Phase: "thread_start_total", Status: "ready", Duration: time.Since(r.started).Milliseconds()}}, r.skippedHooks()...)
}

// launch is what --what-if needs to load the configuration again.
func (r *run) launch() config.Launch {
	l := config.LaunchOf(r.env.Here(r.opts.Config), r.cfg)
	l.IgnoreRules = r.opts.IgnoreRules
	return l
}

func (r *run) start() event.ConversationStartsPayload {
	host, _ := os.Hostname()
	if r.command != nil {
		return r.startCommand(host)
	}
	return event.ConversationStartsPayload{
		ProviderName: r.model.Provider().Label(), ReasoningEffort: r.cfg.ModelReasoningEffort, ReasoningSummary: summary(r.cfg),
		ContextWindow: r.cfg.ModelContextWindow, ApprovalPolicy: r.cfg.ApprovalPolicy.String(), SandboxPolicy: string(r.cfg.SandboxMode),
		MCPServers: strings.Join(enabledServers(r.cfg), ","), LegacyMultiAgentInfo: "none",
		AuthEnv:    authEnv(r.model.Provider().AuthEnv(r.env.Getenv)),
		AppVersion: cli.Version, Originator: originator, TerminalType: terminalType(r.env), Model: r.cfg.Model,
		Reviewer: string(r.cfg.ApprovalsReviewer), Cwd: event.Secret(r.cfg.Cwd), Git: r.git, Worktree: isWorktree(r.cfg.ProjectRoot), Host: host, PID: os.Getpid(),
		Telemetry: exports(r.cfg), TraceParent: r.trace.parent,
	}
}

func summary(cfg *config.Config) string {
	if cfg.ModelReasoningSummary == "" {
		return "auto"
	}
	return cfg.ModelReasoningSummary
}

func terminalType(env cli.Env) string {
	if t := env.Getenv("TERM"); t != "" {
		return t
	}
	return "unknown"
}

func (r *run) request() responses.Request {
	req := responses.Request{
		Model: r.cfg.Model, Instructions: instructions, ParallelToolCalls: true, PromptCacheKey: r.session, Verbosity: r.cfg.ModelVerbosity,
		Headers: map[string]string{"originator": wireOriginator, "session-id": r.session, "thread-id": r.session},
	}
	maps.Copy(req.Headers, r.trace.headers(r.env, r.cfg))
	if r.cfg.ModelReasoningEffort != "" || r.cfg.ModelReasoningSummary != "" {
		req.Reasoning = responses.Reasoning{Effort: r.cfg.ModelReasoningEffort, Summary: r.cfg.ModelReasoningSummary}
	}
	if r.schema != nil {
		req.OutputSchema = &responses.OutputSchema{Strict: true, Schema: r.schema}
	}
	return req
}

// commandEnv is the environment that commands of the session get.
func (r *run) commandEnv() []string {
	env := append(terms.Environ(r.env, r.cfg, r.confine.Plan), "CODEX_THREAD_ID="+r.session)
	slices.Sort(env)
	return env
}

func (r *run) progress() executor.Progress {
	if r.opts.JSON {
		return jsonl{r.env.Stdout, r.env.Stderr}
	}
	colour := r.opts.Colour == "always" || r.opts.Colour != "never" && r.env.Colour(r.env.StderrTerminal)
	h := human{out: r.env.Stdout, err: r.env.Stderr, colour: colour, terminal: r.env.StdoutTerminal}
	h.banner([][2]string{
		{"workdir", r.cfg.Cwd}, {"model", r.cfg.Model}, {"provider", r.cfg.ModelProviderID},
		{"approval", r.cfg.ApprovalPolicy.String()}, {"sandbox", string(r.cfg.SandboxMode) + " (" + r.backendName() + ")"},
		{"reasoning effort", or(r.cfg.ModelReasoningEffort, "default")}, {"reasoning summaries", summary(r.cfg)},
		{"session id", r.session}, {"ledger", r.cfg.Proctor.Ledger.Dir}, {"policy", r.policyDigest(r.files)[:16]},
	})
	h.prompt(r.prompt)
	return h
}

func (r *run) backendName() string {
	if r.confine.Plan.Unconfined {
		return "none"
	}
	return r.confine.Backend.Name()
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (r *run) reviewContext(s *executor.Session) event.Sensitive {
	plan := r.confine.Plan
	c := event.ReviewContext{
		Cwd: r.cfg.Cwd, Sandbox: string(r.cfg.SandboxMode), Approval: r.cfg.ApprovalPolicy.String(), Network: string(plan.Network),
		Instructions: r.notes,
	}
	for _, w := range plan.Writable {
		c.Writable = append(c.Writable, w.Path)
	}
	c.Transcript, c.Omitted = s.Transcript()
	for { // escapes may make it larger than its text
		sealed := event.SecretJSON(c)
		if sealed.Len() <= maxReviewContext || len(c.Transcript) == 0 {
			return sealed
		}
		drop := len(c.Transcript)/2 + 1
		c.Transcript, c.Omitted = c.Transcript[drop:], c.Omitted+drop
	}
}

// maxReviewContext bounds what a reviewer is told besides the action, in bytes of JSON.
const maxReviewContext = 768 << 10

func planJSON(p filesystem.Plan) string {
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Sprintf("%q", err)
	}
	return string(b)
}
