package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"proctor/event"
	"proctor/executor/approval"
	"proctor/internal/cli"
	"proctor/internal/codexhook"
	"proctor/internal/config"
	"proctor/internal/terms"
	"proctor/ledger"
	"proctor/policy"
)

// CodexHookOptions are the flags of proctor codex hook.
type CodexHookOptions struct {
	Config  config.Options
	Timeout time.Duration
	// Exit ends the process; os.Exit.
	Exit func(int)
}

// CodexHook answers one hook of Codex: by the process that answers hooks for this ledger where there is one, else here. The status is
// that of the process.
func CodexHook(ctx context.Context, env cli.Env, o CodexHookOptions) int {
	return codexhook.Run(ctx, codexhook.Options{
		Stdin: env.Stdin, Stdout: env.Stdout, Stderr: env.Stderr, Timeout: o.Timeout, Exit: o.Exit,
		Decide: func(ctx context.Context, raw []byte) (codexhook.Answer, error) {
			cfg, _, err := env.Configure(o.Config)
			if err != nil {
				return codexhook.Answer{}, err
			}
			if c, err := codexhook.Dial(cfg.Proctor.Ledger.Dir, env.Environ, time.Minute); err == nil {
				defer func() { _ = c.Close() }()
				return c.Ask(ctx, raw)
			}
			store, err := Open(ctx, env, cfg, Runner)
			if err != nil {
				return codexhook.Answer{}, err
			}
			a := (&hookDesk{env, store}).answer(ctx, codexhook.Question{Environ: env.Environ, Payload: raw})
			return a, store.Close(context.WithoutCancel(ctx))
		},
	})
}

// hookSession ends the name of a session with what hooks told and were answered about a thread. It is one of its own, since the
// session of the thread is written by its executor.
const hookSession = "-hook"

// serveHooks answers the hooks of Codex for this ledger while this process is there, unless another one does.
func (s *Store) serveHooks(ctx context.Context, env cli.Env) (stop func()) {
	release, err := ledger.Claim(s.dir, "codex-hooks")
	if err != nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	desk := &hookDesk{env, s}
	done := make(chan struct{})
	s.work.Go(func() {
		defer close(done)
		defer release()
		if err := codexhook.Serve(ctx, s.dir, desk.answer); err != nil {
			s.log.Warn("hooks of Codex are answered more slowly", "error", err)
		}
	})
	return func() { cancel(); <-done }
}

// hookDesk decides about hooks and records them.
type hookDesk struct {
	env   cli.Env
	store *Store
}

// answer decides, records, and answers after that.
func (d *hookDesk) answer(ctx context.Context, q codexhook.Question) codexhook.Answer {
	began := time.Now()
	p, err := codexhook.Parse(q.Payload)
	if err == nil {
		err = event.CheckSession(p.Session + hookSession)
	}
	if err != nil {
		return codexhook.Deny("proctor: " + err.Error())
	}
	j, err := d.judge(q, p)
	if err != nil {
		return codexhook.Deny("proctor could not decide: " + err.Error())
	}
	if err := d.record(ctx, q, p, j, time.Since(began)); err != nil {
		return codexhook.Deny("proctor could not record this, so it must not happen: " + err.Error())
	}
	return j.answer
}

// judgement is what our policy says of a payload.
type judgement struct {
	answer   codexhook.Answer
	decision *event.ToolDecisionPayload // nil where there is nothing to decide
}

func (d *hookDesk) judge(q codexhook.Question, p codexhook.Payload) (judgement, error) {
	if p.Event != codexhook.PreToolUse && p.Event != codexhook.PermissionRequest {
		return judgement{}, nil
	}
	env := d.env
	env.Environ = append(append([]string(nil), env.Environ...), codexhook.Environ(q.Environ)...)
	env.Cwd = p.Cwd
	cfg, err := configureHook(env, p)
	if err != nil {
		return judgement{}, err
	}
	action, ok, err := hookAction(p)
	if err != nil || !ok {
		return judgement{}, err
	}
	rules, files, err := terms.Rules(cfg, false)
	if err != nil {
		return judgement{}, err
	}
	plan, err := terms.Plan(env, cfg, nil)
	if err != nil {
		return judgement{}, err
	}
	confine := terms.Confinement{Plan: plan}
	r := &run{env: env, cfg: cfg, confine: confine}
	a := approval.Authority{
		Approval: terms.Approval(cfg.ApprovalPolicy), Sandbox: policy.SandboxMode(cfg.SandboxMode), Reviewer: policy.Reviewer(cfg.ApprovalsReviewer),
		Rules: rules, Home: env.Getenv("HOME"), Plan: plan, DeniedReads: confine.Hides(cfg) || keepsSecrets(cfg), Digest: r.policyDigest(files),
	}
	facts := approval.Facts(a, approval.Request{CallID: p.Use, Tool: p.Tool, Action: action})
	return judged(p, action, facts, a.Digest), nil
}

// judged is the decision about facts. What has to be asked is left to whom Codex asks: after PreToolUse it asks PermissionRequest, after
// that its reviewer.
func judged(p codexhook.Payload, action event.Action, facts policy.Facts, digest string) judgement {
	d := policy.Decide(facts)
	j := judgement{decision: &event.ToolDecisionPayload{
		ToolName: p.Tool, CallID: p.Use, Decision: "denied", Source: "Config", Outcome: "forbid", Reason: string(d.Reason), Rule: d.Rule, DecidedBy: string(d.Source),
		Digest: action.Digest(), Policy: digest, Facts: event.SecretJSON(facts), Action: event.SecretJSON(action), Agent: hookOriginator,
	}}
	switch d.Outcome {
	case policy.Allow:
		j.decision.Decision, j.decision.Outcome = "approved", "allow"
		j.answer.Allow = p.Event == codexhook.PermissionRequest
	case policy.Prompt:
		j.decision.Decision, j.decision.Outcome = "asked", "prompt"
	default:
		reason := d.Text
		if d.Rule != "" {
			reason += " (" + d.Rule + ")"
		}
		j.answer = codexhook.Deny(reason)
		j.decision.Message = event.Secret(j.answer.Reason)
	}
	return j
}

// hookOriginator marks what hooks of Codex told.
const hookOriginator = "codex_hook"

// configureHook loads the settings of the folder that Codex works in. Its flags are not known here: where nobody chose a sandbox, that
// of a workspace is assumed, as for its executor.
func configureHook(env cli.Env, p codexhook.Payload) (*config.Config, error) {
	o := config.Options{Cwd: p.Cwd, Headless: p.Mode == "bypassPermissions"}
	cfg, _, err := env.Configure(o)
	if err != nil {
		return nil, err
	}
	_, named := cfg.FilesystemProfile()
	if named || cfg.Explain("sandbox_mode").Origin.Layer != config.LayerDefault || cfg.SandboxMode != config.ReadOnly {
		return cfg, nil
	}
	o.Flags = append(o.Flags, config.Flag{Key: "sandbox_mode", Value: string(config.WorkspaceWrite), Name: "Codex's own sandbox"})
	if wider, _, err := env.Configure(o); err == nil && wider.SandboxMode == config.WorkspaceWrite {
		return wider, nil
	}
	return cfg, nil
}

// record commits what was told and decided in one step.
func (d *hookDesk) record(ctx context.Context, q codexhook.Question, p codexhook.Payload, j judgement, took time.Duration) error {
	outcome := "none"
	switch {
	case j.answer.Deny:
		outcome = "deny"
	case j.answer.Allow:
		outcome = "allow"
	}
	told, total := clipText(string(q.Payload), maxHookText), len(q.Payload)
	if d.store.Err() != nil {
		return notRecordedBy(d.store)
	}
	r := reporter{session: p.Session + hookSession, turn: p.Turn, call: p.Use}
	events := []*event.Event{r.event(event.System, &event.HookRunPayload{
		HookEvent: shorten(p.Event, 64), Hook: "codex:" + shorten(p.Event, 64), Source: "codex", Trust: "trusted", Outcome: outcome, Duration: took.Milliseconds(),
		Command: event.Secret("proctor codex hook"), Stdout: event.Secret(told), OutputBytes: total,
	})}
	if j.decision != nil {
		events = append(events, r.event(event.Policy, j.decision))
	}
	if more := hookFact(p); more != nil {
		events = append(events, r.event(event.System, more))
	}
	pending, err := d.store.Bus.Submit(ctx, events...)
	if err == nil {
		_, err = pending.Wait(ctx)
	}
	return err
}

// maxHookText bounds the texts of one event, in bytes.
const maxHookText = 64 << 10

// hookFact is the event of the catalog that a payload tells of, nil for none.
func hookFact(p codexhook.Payload) event.Payload {
	switch p.Event {
	case codexhook.UserPromptSubmit:
		return &event.UserPromptPayload{Length: len([]rune(p.Prompt)), Prompt: event.Secret(clipText(p.Prompt, maxHookText))}
	case codexhook.PostToolUse:
		output, _ := hookText(p.Response)
		return &event.ToolResultPayload{
			ToolName: p.Tool, CallID: p.Use, Success: true, Status: "completed", AgentName: hookOriginator,
			Arguments: event.Secret(clipText(string(p.Input), maxHookText)), Output: event.Secret(clipText(output, maxHookText)), OutputTruncated: len(output) > maxHookText,
		}
	case codexhook.Stop:
		return &event.AgentResponsePayload{AgentType: hookOriginator, TurnID: p.Turn, Response: event.Secret(clipText(p.Last, maxHookText)), Length: len(p.Last)}
	}
	return nil
}

// hookText is a JSON string, or other JSON as it stands.
func hookText(raw json.RawMessage) (string, bool) {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s, true
	}
	return string(raw), false
}

// reporter makes events for a session that several processes write: the ledger numbers them.
type reporter struct {
	session, turn, call string
	cause               event.ID
	at                  time.Time // now when zero
	id                  func() event.ID
}

func (r reporter) event(actor event.Actor, p event.Payload) *event.Event {
	entry, _ := event.Lookup(p.Kind())
	at, id := r.at, event.NewID
	if at.IsZero() {
		at = time.Now()
	}
	if r.id != nil {
		id = r.id
	}
	return &event.Event{
		ID: id(), Kind: p.Kind(), Schema: entry.Schema, Session: r.session, Turn: shorten(r.turn, 200), Call: shorten(r.call, 200),
		Time: at.UTC().Truncate(time.Microsecond), Cause: r.cause, Actor: actor, Payload: p,
	}
}

var errHookInput = errors.New("the tool_input is not what this tool takes")

func hookInput(p codexhook.Payload) (map[string]json.RawMessage, error) {
	var in map[string]json.RawMessage
	if err := json.Unmarshal(p.Input, &in); err != nil {
		return nil, fmt.Errorf("%w: %w", errHookInput, err)
	}
	return in, nil
}

// clipText is the beginning of a text, in bytes, cut at a character.
func clipText(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}
