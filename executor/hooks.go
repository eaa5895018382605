package executor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"proctor/event"
	"proctor/executor/hook"
)

// maxHookOutput bounds what is kept of the output of a hook, in bytes.
const maxHookOutput = 64 << 10

// ErrHalted means that a SessionStart hook ended the session before it began.
var ErrHalted = errors.New("the session was ended by a SessionStart hook")

// hooked calls the hooks that an input concerns, records what they did, and only then says what it means. Id is the record of the
// run whose word counts. An error is about the record.
func (s *Session) hooked(ctx context.Context, call string, in hook.Input) (hook.Verdict, event.ID, error) {
	set := s.opts.Hooks
	asked, told := hook.Split(set.Select(s.telling(&in)))
	if len(told) > 0 {
		s.pending.Go(func() {
			runs := set.Run(context.WithoutCancel(ctx), in, told)
			_ = s.stream.PublishAnyway(ctx, s.hookDrafts(in, call, runs, make([]event.ID, len(runs)))...) // a lost record stops the run by itself
		})
	}
	if len(asked) == 0 {
		return hook.Verdict{By: -1}, "", nil
	}
	runs := set.Run(ctx, in, asked)
	ids := make([]event.ID, len(runs))
	for i := range ids {
		ids[i] = event.NewID()
	}
	if _, err := s.stream.RecordAnyway(ctx, s.hookDrafts(in, call, runs, ids)...); err != nil {
		return hook.Verdict{}, "", err
	}
	v := hook.Combine(in.Event, runs, set.Open())
	s.tellHooks(runs)
	if v.By < 0 {
		return v, "", nil
	}
	return v, ids[v.By], nil
}

// telling fills in what every hook is told.
func (s *Session) telling(in *hook.Input) hook.Input {
	in.Session, in.Cwd, in.Model, in.Mode = s.stream.Session(), s.opts.Hooks.Dir(), s.opts.Request.Model, "default"
	if s.opts.Start.ApprovalPolicy == "never" {
		in.Mode = "bypassPermissions"
	}
	return *in
}

// tellHooks shows what hooks say to a person, and which of them failed.
func (s *Session) tellHooks(runs []hook.Run) {
	for _, r := range runs {
		if r.Answer.Message != "" {
			s.progress.Told(r.Key + " says: " + clip(r.Answer.Message, maxError))
		}
		if r.Answer.Failure != "" {
			s.progress.Told(fmt.Sprintf("%s gave no answer: %s %s", r.Key, r.Answer.Failure, clip(r.Answer.Detail, maxError)))
		}
	}
}

func (s *Session) hookDrafts(in hook.Input, call string, runs []hook.Run, ids []event.ID) []event.Draft {
	drafts := make([]event.Draft, len(runs))
	for i, r := range runs {
		p := hookPayload(r.Hook)
		p.Outcome, p.Failure, p.Duration = outcome(r.Answer), r.Answer.Failure, r.Took.Milliseconds()
		p.FailedClosed = r.Answer.Failure != "" && in.Event.Gates() && !r.Async && !s.opts.Hooks.Open()
		if r.Ending.Exit >= 0 {
			p.ExitCode = &r.Ending.Exit
		}
		p.OutputBytes = len(r.Ending.Stdout) + len(r.Ending.Stderr)
		p.Stdout, p.Stderr = kept(r.Ending.Stdout), kept(r.Ending.Stderr)
		drafts[i] = event.Draft{ID: ids[i], Turn: in.Turn, Call: call, Actor: event.Policy, Payload: p}
	}
	return drafts
}

func kept(b []byte) event.Sensitive {
	if len(b) == 0 {
		return event.Sensitive{}
	}
	return event.Secret(clip(string(b), maxHookOutput))
}

// SkippedHook is the record of a hook that will not run.
func SkippedHook(h hook.Hook) *event.HookRunPayload {
	p := hookPayload(h)
	p.Outcome = "skipped"
	return p
}

func hookPayload(h hook.Hook) *event.HookRunPayload {
	return &event.HookRunPayload{
		HookEvent: string(h.Event), Hook: clip(h.Key, maxError), Source: h.Source, Trust: string(h.Trust), Hash: h.Hash(), Async: h.Async,
		Command: event.Secret(h.Command),
	}
}

func outcome(a hook.Answer) string {
	switch {
	case a.Failure != "":
		return "failed"
	case a.Deny:
		return "deny"
	case a.Halt:
		return "halt"
	case a.Input != nil:
		return "rewrite"
	case a.Allow:
		return "allow"
	case a.Context != "":
		return "context"
	}
	return "none"
}

// startHooks tells hooks that the session begins.
func (s *Session) startHooks(ctx context.Context) error {
	source := "startup"
	if s.opts.State != nil {
		source = "resume"
	}
	v, _, err := s.hooked(ctx, "", hook.Input{Event: hook.SessionStart, Source: source})
	if err != nil {
		return err
	}
	if v.Halt {
		return fmt.Errorf("%w: %s", ErrHalted, v.Reason)
	}
	return s.remember(ctx, "", event.Executor, contexts(v)...)
}

// contexts are the items that a verdict adds to the conversation. They are nobody's words: a reviewer does not see them.
func contexts(v hook.Verdict) []json.RawMessage {
	items := make([]json.RawMessage, len(v.Contexts))
	for i, text := range v.Contexts {
		items[i] = Message("developer", text)
	}
	return items
}

// HookPrompt marks a user item that a Stop hook wrote. No person said it, so a reviewer does not see it among the words of the user.
const HookPrompt = "<hook_prompt"

// maxStops bounds how often Stop hooks may send a turn on.
const maxStops = 16

// goesOn asks the Stop hooks whether the turn may end; one that objects says what is left to do.
func (t *turn) goesOn(ctx context.Context) (bool, error) {
	v, _, err := t.s.hooked(ctx, "", hook.Input{Event: hook.Stop, Turn: t.id, Active: t.stops > 0, Last: t.result.LastMessage})
	if err != nil || !v.Deny {
		return false, err
	}
	if t.stops++; t.stops > maxStops {
		t.s.progress.Told(fmt.Sprintf("Stop hooks sent the turn on %d times; it ends now", maxStops))
		return false, nil
	}
	return true, t.s.remember(ctx, t.id, event.Executor, Message("user", HookPrompt+">"+v.Reason+"</hook_prompt>"))
}

// promptHooks asks the UserPromptSubmit hooks about a prompt that is recorded already.
func (t *turn) promptHooks(ctx context.Context, prompt string) (blocked bool, more []json.RawMessage, err error) {
	v, _, err := t.s.hooked(ctx, "", hook.Input{Event: hook.UserPromptSubmit, Turn: t.id, Prompt: prompt})
	if err != nil {
		return true, nil, err
	}
	if v.Deny {
		t.note(func(r *Result) { r.Denied++ })
		t.s.progress.Refused("prompt (hook_blocked): " + v.Reason)
	}
	return v.Deny, contexts(v), nil
}
