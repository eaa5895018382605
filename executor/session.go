package executor

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"proctor/event"
	"proctor/executor/approval"
	"proctor/executor/hook"
	"proctor/executor/sandbox"
	"proctor/executor/tool"
	"proctor/internal/responses"
)

// Model answers requests; *responses.Client does.
type Model interface {
	Stream(ctx context.Context, req responses.Request, obs responses.Observer) (responses.Response, error)
}

// Options of a Session. Stream, Tools, Gate, Backend and Progress are required, and Model by Turn.
type Options struct {
	Stream   *event.Stream
	Model    Model
	Tools    *tool.Registry
	Gate     *approval.Gate
	Backend  sandbox.Backend // confines by plan, and runs what may leave the sandbox directly
	Progress Progress
	// Network is the road of commands whose network is proxied; without it they are not started.
	Network Network

	// Start describes the session, see event.ConversationStartsPayload.
	Start event.ConversationStartsPayload
	// Request holds what every model request repeats: model, instructions, reasoning, headers.
	Request responses.Request
	// Context are items that stand before the first prompt: environment, project notes.
	Context []json.RawMessage
	// Hooks are asked and told on the way; nil for none.
	Hooks *hook.Set
	// State is what a resumed session had reached, nil for a new one.
	State *State
	// Heartbeat is how often an open session records that it still runs; 0 is never.
	Heartbeat time.Duration
}

// Session is one conversation. See the package comment for its life.
type Session struct {
	opts     Options
	stream   *event.Stream
	progress *serial
	beats    heart

	// main is the session itself where this is an [Aside] of it, agent and actor who calls then; nil and empty else.
	main  *Session
	agent string
	actor event.Actor

	pending sync.WaitGroup // hooks nobody waits for

	mu      sync.Mutex // guards the fields below
	history []json.RawMessage
	told    *told // nil before the first transcript
	usage   event.Usage
	results int64
	open    map[string]bool // calls that were started and have no result
	calls   map[string]int  // how often each id was used
}

// closeTimeout bounds how long tools may take to end what they run.
const closeTimeout = 30 * time.Second

// New makes a session; it records nothing yet.
func New(opts Options) (*Session, error) {
	var missing []error
	for name, absent := range map[string]bool{
		"Stream": opts.Stream == nil, "Tools": opts.Tools == nil, "Gate": opts.Gate == nil,
		"Backend": opts.Backend == nil, "Progress": opts.Progress == nil,
	} {
		if absent {
			missing = append(missing, errors.New("executor options: "+name+" is missing"))
		}
	}
	if err := errors.Join(missing...); err != nil {
		return nil, err
	}
	s := &Session{opts: opts, stream: opts.Stream, progress: &serial{to: opts.Progress}, open: map[string]bool{}, calls: map[string]int{}}
	if opts.State != nil {
		s.history = append(s.history, opts.State.History...)
		s.usage, s.results = opts.State.Usage, opts.State.Results
		for _, id := range opts.State.calls {
			s.calls[label(id)]++
		}
	}
	return s, nil
}

// Open announces the session, with further payloads about what decides. They are
// published: the first turn's record makes them durable before anything happens.
func (s *Session) Open(ctx context.Context, about ...event.Payload) error {
	s.progress.ThreadStarted(s.stream.Session())
	var drafts []event.Draft
	if st := s.opts.State; st == nil {
		drafts = append(drafts, event.Draft{Actor: event.System, Payload: &s.opts.Start})
	} else {
		drafts = append(drafts, event.Draft{Actor: event.System, Payload: &event.SessionResumedPayload{
			After: st.Last, Interrupted: st.OpenCalls(), Version: s.opts.Start.AppVersion,
		}})
	}
	for _, p := range about {
		drafts = append(drafts, event.Draft{Actor: event.System, Payload: p})
	}
	if err := s.stream.PublishAnyway(ctx, drafts...); err != nil {
		return err
	}
	s.beats.start(ctx, s.stream, s.opts.Heartbeat)
	opening := s.opts.Context
	if s.opts.State != nil {
		opening = s.opts.State.Missing()
	}
	if err := s.remember(ctx, "", event.Executor, opening...); err != nil {
		return err
	}
	return s.startHooks(ctx)
}

// Close ends what still runs and records session_closed as the last event. It is
// called once, after the last turn, and works on a cancelled context.
func (s *Session) Close(ctx context.Context, reason string) error {
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	closing := tool.CloseAll(keep, s.opts.Tools.Tools())
	_, _, err := s.hooked(keep, "", hook.Input{Event: hook.SessionEnd, Reason: "other"})
	s.pending.Wait()
	closing = errors.Join(closing, err)
	s.beats.end()
	counts, last := s.stream.Counts()
	s.mu.Lock()
	open := make([]string, 0, len(s.open))
	for id := range s.open {
		open = append(open, id)
	}
	s.mu.Unlock()
	slices.Sort(open)
	_, err = s.stream.RecordAnyway(ctx, event.Draft{Actor: event.System, Payload: &event.SessionClosedPayload{
		Reason: reason, Events: last + 1, Counts: counts, OpenCalls: open,
	}})
	return errors.Join(closing, err)
}

func (s *Session) agentName() string {
	if s.agent != "" {
		return s.agent
	}
	return mainAgent
}

// Warn shows something a person should know, as an item of its own.
func (s *Session) Warn(text string) { s.progress.completed(Item{Type: Warning, Text: text}) }

// Usage is what the session has used so far, in tokens.
func (s *Session) Usage() event.Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.usage
}

// remember adds items to the conversation and to the ledger.
// Actor is who added the items: what an item says of itself is the word of whoever made it.
func (s *Session) remember(ctx context.Context, turn string, actor event.Actor, items ...json.RawMessage) error {
	if len(items) == 0 {
		return nil
	}
	drafts := make([]event.Draft, len(items))
	for i, item := range items {
		drafts[i] = event.Draft{Turn: turn, Call: label(callOf(item)), Actor: actor, Payload: historyItem(item)}
	}
	s.mu.Lock()
	s.history = append(s.history, items...)
	s.mu.Unlock()
	return s.stream.PublishAnyway(ctx, drafts...)
}

// snapshot is the conversation so far, for one request.
func (s *Session) snapshot() []json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]json.RawMessage(nil), s.history...)
}

// serial hands calls to a Progress one at a time and numbers its items.
//
// The plan is one item through a turn, and nothing is shown after the end of a turn, as
// readers of codex exec expect: what ends later, a background process, is in the ledger only.
type serial struct {
	mu    sync.Mutex
	to    Progress
	next  int
	plan  Item // without ID before the first plan of the turn
	ended bool
}

func (p *serial) ThreadStarted(id string) { p.do(func() { p.to.ThreadStarted(id) }) }
func (p *serial) TurnStarted()            { p.do(func() { p.ended = false; p.to.TurnStarted() }) }
func (p *serial) TurnFailed(m string)     { p.do(func() { p.endTurn(); p.to.TurnFailed(m) }) }
func (p *serial) Notice(m string)         { p.do(func() { p.to.Notice(m) }) }

func (p *serial) Refused(m string) { p.do(func() { p.to.Refused(m) }) }
func (p *serial) Denied(m string)  { p.do(func() { p.to.Denied(m) }) }
func (p *serial) Told(m string)    { p.do(func() { p.to.Told(m) }) }

func (p *serial) TurnCompleted(u event.Usage, last string) {
	p.do(func() { p.endTurn(); p.to.TurnCompleted(u, last) })
}

func (p *serial) endTurn() {
	if p.plan.ID != "" {
		p.to.ItemCompleted(p.plan)
	}
	p.plan, p.ended = Item{}, true
}

// started numbers an item and shows it; completed items that were never started are numbered here too.
func (p *serial) started(i Item) Item {
	p.do(func() {
		if i.Type == TodoList && p.plan.ID != "" {
			i.ID = p.plan.ID
			p.plan = i
			p.to.ItemUpdated(i)
			return
		}
		i.ID = p.number()
		if i.Type == TodoList {
			p.plan = i
		}
		p.to.ItemStarted(i)
	})
	return i
}

func (p *serial) completed(i Item) Item {
	p.do(func() {
		if p.ended || i.Type == TodoList { // the plan is completed with the turn
			return
		}
		if i.ID == "" {
			i.ID = p.number()
		}
		p.to.ItemCompleted(i)
	})
	return i
}

func (p *serial) number() string {
	id := "item_" + strconv.Itoa(p.next)
	p.next++
	return id
}

func (p *serial) do(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}
