package executor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"proctor/event"
	"proctor/executor/approval"
	"proctor/executor/sandbox"
	"proctor/executor/sandbox/none"
	"proctor/executor/tool"
	"proctor/executor/tool/patch"
	"proctor/executor/tool/shell"
	"proctor/internal/fakemodel"
	"proctor/internal/responses"
	"proctor/policy"
	"proctor/policy/filesystem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// record is a sink that commits in order and can be told to fail from one event on.
type record struct {
	mu     sync.Mutex
	events []*event.Event
	failAt int // events that commit; negative: all
	// onCommit, when set, is told each kind that was committed.
	onCommit func(event.Kind)
}

type answer struct {
	receipts []event.Receipt
	err      error
}

func (a answer) Wait(context.Context) ([]event.Receipt, error) { return a.receipts, a.err }

var errDisk = errors.New("disk full")

func (r *record) Submit(_ context.Context, events ...*event.Event) (event.Pending, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range events {
		if _, err := event.Encode(e); err != nil {
			return nil, err
		}
	}
	if r.failAt >= 0 && len(r.events)+len(events) > r.failAt {
		return answer{err: errDisk}, nil
	}
	r.events = append(r.events, events...)
	for _, e := range events {
		if r.onCommit != nil {
			r.onCommit(e.Kind)
		}
	}
	return answer{receipts: make([]event.Receipt, len(events))}, nil
}

func (r *record) committed(kind event.Kind, call string) *event.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if e.Kind == kind && e.Call == call {
			return e
		}
	}
	return nil
}

func (r *record) of(kind event.Kind) (out []*event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}

// Watch implements approval.Watcher; nobody answers in these tests.
func (r *record) Watch(string, event.Kind, func(event.Entry)) (func(), error) { return func() {}, nil }

// gatekeeper starts processes and checks that each was announced.
type gatekeeper struct {
	none.Backend
	t      *testing.T
	record *record
	starts int
	mu     sync.Mutex
}

func (g *gatekeeper) Start(ctx context.Context, spec sandbox.Spec) (sandbox.Process, error) {
	g.mu.Lock()
	g.starts++
	g.mu.Unlock()
	script := spec.Argv[len(spec.Argv)-1]
	announced := false
	for _, e := range g.record.of(event.ExecStarted) {
		p := e.Payload.(*event.ExecStartedPayload)
		argv, _ := p.Argv.Reveal()
		decision := g.record.committed(event.ToolDecision, e.Call)
		if strings.Contains(argv, script) && decision != nil && decision.Payload.(*event.ToolDecisionPayload).Digest == p.Digest && p.Decision == decision.ID {
			announced = true
		}
	}
	if !announced {
		g.t.Errorf("%q was started without a committed decision and announcement", script)
	}
	return g.Backend.Start(ctx, spec)
}

// quiet shows nothing and keeps item lines for comparison.
type quiet struct{ lines []string }

func (q *quiet) add(format string, args ...any) {
	q.lines = append(q.lines, fmt.Sprintf(format, args...))
}

func (q *quiet) ThreadStarted(string)              { q.add("thread") }
func (q *quiet) TurnStarted()                      { q.add("turn") }
func (q *quiet) ItemStarted(i Item)                { q.add("started %s %s %s", i.ID, i.Type, i.Status) }
func (q *quiet) ItemUpdated(i Item)                { q.add("updated %s %s", i.ID, i.Type) }
func (q *quiet) ItemCompleted(i Item)              { q.add("completed %s %s %s", i.ID, i.Type, i.Status) }
func (q *quiet) TurnFailed(string)                 { q.add("failed") }
func (q *quiet) Notice(string)                     {}
func (q *quiet) Denied(string)                     {}
func (q *quiet) Told(string)                       {}
func (q *quiet) Refused(m string)                  { q.add("refused %s", m[:strings.IndexByte(m, ' ')]) }
func (q *quiet) TurnCompleted(event.Usage, string) { q.add("done") }

type bench struct {
	record  *record
	session *Session
	stream  *event.Stream
	backend *gatekeeper
	show    *quiet
	dir     string
}

// assemble makes a session with real tools, a real model client and a scripted model.
func assemble(t *testing.T, r *record, st *State, script fakemodel.Scenario) *bench {
	t.Helper()
	server := fakemodel.New(script)
	url, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	client, err := responses.New(responses.Provider{ID: "fake", BaseURL: url}, responses.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	b := &bench{record: r, show: &quiet{}, dir: t.TempDir()}
	if b.dir, err = filepath.EvalSymlinks(b.dir); err != nil {
		t.Fatal(err)
	}
	last := uint64(0)
	if st != nil {
		last = st.Last
	}
	if b.stream, err = event.NewStream("s-1", last, "", "", r, time.Now); err != nil {
		t.Fatal(err)
	}
	full := filesystem.Plan{Mode: filesystem.DangerFullAccess, Unconfined: true, ReadAll: true, Network: filesystem.NetworkOn}
	gate, err := approval.New(approval.Options{Stream: b.stream, Watcher: r, Authority: approval.Authority{
		Approval: policy.ApprovalPolicy{Mode: policy.Never}, Sandbox: policy.DangerFullAccess, Headless: true, Plan: full, Escalated: full, Digest: "p",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gate.Close)
	patcher, err := patch.New(b.dir, patch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	manager, err := shell.New(shell.Options{Dir: b.dir, Env: []string{"PATH=/usr/bin:/bin"}, Shell: "/bin/sh", Patch: patcher})
	if err != nil {
		t.Fatal(err)
	}
	tools, err := tool.NewRegistry(append(manager.Tools(), patcher)...)
	if err != nil {
		t.Fatal(err)
	}
	b.backend = &gatekeeper{t: t, record: r}
	b.session, err = New(Options{
		Stream: b.stream, Model: client, Tools: tools, Gate: gate, Backend: b.backend, Progress: b.show, State: st,
		Start:   event.ConversationStartsPayload{Model: "m"},
		Request: responses.Request{Model: "m", Instructions: "work"},
		Context: []json.RawMessage{Message("user", Surroundings+" here")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) run(ctx context.Context, prompt string) (Result, error) {
	if err := b.session.Open(ctx); err != nil {
		return Result{}, errors.Join(err, b.session.Close(ctx, "failed"))
	}
	result, err := b.session.Turn(ctx, prompt)
	return result, errors.Join(err, b.session.Close(ctx, "completed"))
}

func command(id, cmd string) fakemodel.Part {
	return fakemodel.Call("exec_command", id, map[string]any{"cmd": cmd, "login": false})
}

func workday() fakemodel.Scenario {
	return fakemodel.Script(
		fakemodel.Answer(fakemodel.Reason("look"), command("c1", "echo one > one; exit 3")),
		fakemodel.Answer(command("c2", "echo two > two"), fakemodel.Call("no_such_tool", "c3", map[string]any{}), fakemodel.Call("exec_command", "c4", "{not json")),
		fakemodel.Answer(fakemodel.Custom("apply_patch", "c5", "*** Begin Patch\n*** Add File: three\n+3\n*** End Patch")),
		fakemodel.Answer(command("c6", "rm -rf one")),
		fakemodel.Answer(fakemodel.Say("done").Final()),
	)
}

func TestATurnFromPromptToAnswer(t *testing.T) {
	b := assemble(t, &record{failAt: -1}, nil, workday())
	result, err := b.run(t.Context(), "go")
	if err != nil {
		t.Fatal(err)
	}
	if want := (Result{Status: Completed, LastMessage: "done", Denied: 3, FailedCalls: 1}); result != want {
		t.Errorf("result %+v, want %+v", result, want)
	}
	want := []string{
		"thread", "turn",
		"completed item_0 reasoning ", "started item_1 command_execution in_progress", "completed item_1 command_execution failed",
		"started item_2 command_execution in_progress", "completed item_2 command_execution completed",
		"refused no_such_tool", "refused exec_command",
		"started item_3 file_change in_progress", "completed item_3 file_change completed",
		"refused exec_command",
		"completed item_4 agent_message ", "done",
	}
	if diff := cmp.Diff(want, b.show.lines); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
	for id, status := range map[string]string{"c1": Completed, "c2": Completed, "c3": Refused, "c4": Refused, "c5": Completed, "c6": Refused} {
		e := b.record.committed(event.ToolResult, id)
		if e == nil {
			t.Errorf("call %s has no result", id)
			continue
		}
		p := e.Payload.(*event.ToolResultPayload)
		d := b.record.committed(event.ToolDecision, id).Payload.(*event.ToolDecisionPayload)
		if p.Status != status || p.Digest != d.Digest {
			t.Errorf("call %s: status %s, want %s; digest %s of the result, %s of the decision", id, p.Status, status, p.Digest, d.Digest)
		}
	}
	if p := b.record.committed(event.ToolResult, "c1").Payload.(*event.ToolResultPayload); p.ExitCode == nil || *p.ExitCode != 3 || !p.Success {
		t.Errorf("call c1: %+v", p)
	}
}

// The record breaks at every possible event of a run: nothing that was not announced may have an effect.
func TestNothingRunsWithoutAReceipt(t *testing.T) {
	whole := assemble(t, &record{failAt: -1}, nil, workday())
	if _, err := whole.run(t.Context(), "go"); err != nil {
		t.Fatal(err)
	}
	for n := range len(whole.record.events) {
		b := assemble(t, &record{failAt: n}, nil, workday())
		_, err := b.run(t.Context(), "go")
		if !errors.Is(err, event.ErrNotRecorded) {
			t.Fatalf("broken after %d events: got %v, want ErrNotRecorded", n, err)
		}
		for file, call := range map[string]string{"one": "c1", "two": "c2", "three": "c5"} {
			_, err := os.Stat(filepath.Join(b.dir, file))
			if err == nil && b.record.committed(event.ExecStarted, call) == nil {
				t.Errorf("broken after %d events: %s was made by call %s, which was never announced", n, file, call)
			}
		}
		if starts := len(b.record.of(event.ExecStarted)); b.backend.starts > starts {
			t.Errorf("broken after %d events: %d processes, %d announcements", n, b.backend.starts, starts)
		}
	}
}

func TestDecisionsAreReproducible(t *testing.T) {
	b := assemble(t, &record{failAt: -1}, nil, workday())
	if _, err := b.run(t.Context(), "go"); err != nil {
		t.Fatal(err)
	}
	decided := 0
	for _, e := range b.record.of(event.ToolDecision) {
		p := e.Payload.(*event.ToolDecisionPayload)
		text, _ := p.Facts.Reveal()
		var facts policy.Facts
		if err := json.Unmarshal([]byte(text), &facts); err != nil {
			t.Fatal(err)
		}
		if facts.Action == "" {
			continue // never became an action
		}
		decided++
		if d := policy.Decide(facts); string(d.Reason) != p.Reason || (d.Outcome == policy.Allow) != (p.Outcome == "allow") {
			t.Errorf("call %s: recorded %s %s, decided again %s %s", p.CallID, p.Outcome, p.Reason, d.Outcome, d.Reason)
		}
	}
	if decided != 4 {
		t.Errorf("%d decisions were checked, want 4", decided)
	}
}

// entries serves a record as a reader.
type entries []*event.Event

func (s entries) Read(context.Context, event.Seq, int) ([]event.Entry, error) {
	return nil, errors.ErrUnsupported
}
func (s entries) Follow(context.Context, event.Seq, func(event.Entry) error) error {
	return errors.ErrUnsupported
}

func (s entries) Session(_ context.Context, _ string, from uint64, limit int) ([]event.Entry, error) {
	var out []event.Entry
	for i := int(from) - 1; i < len(s) && len(out) < limit; i++ {
		out = append(out, event.Entry{Receipt: event.Receipt{SessionSeq: uint64(i + 1)}, Kind: s[i].Kind, Session: s[i].Session, Event: s[i]})
	}
	return out, nil
}

// A run is cut off after every possible event: recovering closes it, once, and resuming completes the conversation.
func TestARunThatWasCutOffIsClosedAndCanGoOn(t *testing.T) {
	whole := assemble(t, &record{failAt: -1}, nil, workday())
	if _, err := whole.run(t.Context(), "go"); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= len(whole.record.events); n++ {
		cut := entries(whole.record.events[:n])
		st, err := Load(t.Context(), cut, "s-1")
		if err != nil {
			t.Fatal(err)
		}
		r := &record{failAt: -1, events: append([]*event.Event{}, cut...)}
		if !st.Closed {
			stream, err := event.NewStream("s-1", st.Last, "", "", r, time.Now)
			if err != nil {
				t.Fatal(err)
			}
			open := st.OpenCalls()
			calls, err := Recover(t.Context(), st, stream)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(open, calls); diff != "" {
				t.Errorf("cut after %d: interrupted calls (-want +got):\n%s", n, diff)
			}
		}
		again, err := Load(t.Context(), entries(r.events), "s-1")
		if err != nil {
			t.Fatal(err)
		}
		if !again.Closed || len(again.OpenCalls()) != 0 || again.Turn != "" {
			t.Fatalf("cut after %d: closed %v, open calls %v, turn %q", n, again.Closed, again.OpenCalls(), again.Turn)
		}
		total := uint64(0)
		last := r.events[len(r.events)-1].Payload.(*event.SessionClosedPayload)
		for _, c := range last.Counts {
			total += c
		}
		if last.Events != uint64(len(r.events)) || total != last.Events-1 {
			t.Errorf("cut after %d: closing says %d events and counts %d, there are %d", n, last.Events, total, len(r.events))
		}
		checkConversation(t, n, append(again.History, again.Missing()...))
	}
}

// checkConversation demands one output for each call, after it.
func checkConversation(t *testing.T, n int, items []json.RawMessage) {
	t.Helper()
	open := map[string]bool{}
	for _, item := range items {
		switch h := headOf(item); h.Type {
		case callType, customCallType:
			open[h.CallID] = true
		case outputType, customOutputType:
			if !open[h.CallID] {
				t.Errorf("cut after %d: output without a call: %s", n, item)
			}
			delete(open, h.CallID)
		}
	}
	if len(open) > 0 {
		t.Errorf("cut after %d: calls without an output: %v", n, open)
	}
}

func TestResumeGoesOnWithTheWholeConversation(t *testing.T) {
	first := assemble(t, &record{failAt: -1}, nil, workday())
	if _, err := first.run(t.Context(), "go"); err != nil {
		t.Fatal(err)
	}
	st, err := Load(t.Context(), entries(first.record.events), "s-1")
	if err != nil {
		t.Fatal(err)
	}
	second := assemble(t, first.record, st, fakemodel.Script(fakemodel.Answer(fakemodel.Say("again").Final()).Requiring(`"three`, `go on`, `no_such_tool`)))
	result, err := second.run(t.Context(), "go on")
	if err != nil || result.LastMessage != "again" {
		t.Fatalf("result %+v, error %v", result, err)
	}
	if got, want := second.session.Usage().Input, int64(6000); got != want {
		t.Errorf("usage over the thread: %d input tokens, want %d", got, want)
	}
}

func TestAnInterruptedTurnIsRecorded(t *testing.T) {
	b := assemble(t, &record{failAt: -1}, nil, fakemodel.Script(fakemodel.Answer(command("c1", "echo started > mark; sleep 60"))))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var waiting sync.WaitGroup
	waiting.Go(func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(b.dir, "mark")); err == nil {
				cancel()
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
	result, err := b.run(ctx, "go")
	waiting.Wait()
	if err == nil || result.Status != Interrupted {
		t.Errorf("result %+v, error %v", result, err)
	}
	if p := b.record.committed(event.ToolResult, "c1"); p == nil || p.Payload.(*event.ToolResultPayload).Status != Interrupted {
		t.Errorf("result of the call: %+v", p)
	}
	last := b.record.events[len(b.record.events)-1]
	if last.Kind != event.SessionClosed {
		t.Errorf("last event is %s", last.Kind)
	}
}

// What a model may send in any size must not end the run as if the ledger had failed.
func TestOversizedAndRepeatedCallsAreRecorded(t *testing.T) {
	huge := "*** Begin Patch\n*** Add File: big\n+" + strings.Repeat("\x01", 600<<10) + "\n*** End Patch"
	b := assemble(t, &record{failAt: -1}, nil, fakemodel.Script(
		fakemodel.Answer(command(strings.Repeat("i", 5000), "echo one")),
		fakemodel.Answer(command("again", "exit 1")),
		fakemodel.Answer(command("again", "exit 2"), fakemodel.Call(strings.Repeat("n", 5000), "c3", map[string]any{})),
		fakemodel.Answer(fakemodel.Custom("apply_patch", "huge", huge)),
		fakemodel.Answer(fakemodel.Say("done").Final()),
	))
	if _, err := b.run(t.Context(), "go"); err != nil {
		t.Fatal(err)
	}
	for call, want := range map[string]int{"again": 1, "again#2": 2} {
		e := b.record.committed(event.ToolResult, call)
		if e == nil || *e.Payload.(*event.ToolResultPayload).ExitCode != want {
			t.Errorf("result of %s: %+v", call, e)
		}
	}
	d := b.record.committed(event.ToolDecision, "huge")
	if d == nil || d.Payload.(*event.ToolDecisionPayload).Reason != string(policy.ReasonTooLarge) {
		t.Errorf("decision about the huge call: %+v", d.Payload)
	}
	if n := len(b.record.of(event.ToolResult)); n != 5 {
		t.Errorf("%d results, want 5", n)
	}
	st, err := Load(t.Context(), entries(b.record.events), "s-1")
	if err != nil {
		t.Fatal(err)
	}
	checkConversation(t, len(b.record.events), append(st.History, st.Missing()...))
}

// Cancelling while a step is being committed is no lost record: the step does not happen, and its end is recorded.
func TestCancellingDuringACommitIsRecorded(t *testing.T) {
	for _, kind := range []event.Kind{event.TurnStarted, event.ToolDecision} {
		r := &record{failAt: -1}
		ctx, cancel := context.WithCancel(t.Context())
		r.onCommit = func(k event.Kind) {
			if k == kind {
				cancel()
			}
		}
		b := assemble(t, r, nil, fakemodel.Script(fakemodel.Answer(command("c1", "touch effect")), fakemodel.Answer(fakemodel.Say("no").Final())))
		result, err := b.run(ctx, "go")
		if errors.Is(err, event.ErrNotRecorded) || result.Status != Interrupted {
			t.Errorf("%s: result %+v, error %v", kind, result, err)
		}
		if _, err := os.Stat(filepath.Join(b.dir, "effect")); err == nil {
			t.Errorf("%s: the command ran after the cancellation", kind)
		}
		if started, ended := b.record.committed(event.ExecStarted, "c1"), b.record.committed(event.ToolResult, "c1"); (started != nil) != (ended != nil) {
			t.Errorf("%s: started %v, ended %v", kind, started != nil, ended != nil)
		}
		if last := b.record.events[len(b.record.events)-1]; last.Kind != event.SessionClosed {
			t.Errorf("%s: the last event is %s", kind, last.Kind)
		}
		cancel()
	}
}

// A reviewer hears the user first: no amount of talk by the model pushes the user's words out.
func TestTheUsersWordsStayInTheTranscript(t *testing.T) {
	var entries []toldEntry
	say := func(role, text string) {
		entries = append(entries, toldEntry{TranscriptEntry: event.TranscriptEntry{Role: role, Text: text}})
	}
	say(event.RoleUser, "first")
	say(event.RoleUser, "never touch that")
	for range 1000 {
		say(event.RoleAssistant, strings.Repeat("talk ", 100))
	}
	kept, omitted := choose(entries)
	if len(kept)+omitted != len(entries) || len(kept) > maxTranscript || kept[0].Text != "first" || kept[1].Text != "never touch that" {
		t.Errorf("kept %d, omitted %d, first %+v", len(kept), omitted, kept[:2])
	}
}

func TestAPromptAboveTheBoundIsRefused(t *testing.T) {
	b := assemble(t, &record{failAt: -1}, nil, fakemodel.Script())
	if _, err := b.session.Turn(t.Context(), strings.Repeat("x", MaxPrompt+1)); !errors.Is(err, ErrPromptTooLarge) {
		t.Errorf("got %v", err)
	}
	if len(b.record.events) != 0 {
		t.Errorf("%d events were recorded", len(b.record.events))
	}
}
