package executor

import (
	"context"

	"proctor/event"
	"proctor/executor/approval"
	"proctor/executor/tool"
	"proctor/internal/responses"
)

// Aside makes calls in a session beside its model: a reviewer that looks around before it judges. Its calls take the one path of
// any call, under a gate and with tools of their own; they are not part of the conversation and are not shown to whoever follows
// the run. Starts and results have the reviewer as actor.
type Aside struct{ s *Session }

// guardian is how events name who makes the calls of an Aside.
const guardian = mainAgent + "/guardian"

// Aside is made once for a session. Who made the tools closes them.
func (s *Session) Aside(tools *tool.Registry, gate *approval.Gate) *Aside {
	opts := s.opts
	opts.Tools, opts.Gate, opts.Hooks = tools, gate, nil
	return &Aside{&Session{
		opts: opts, stream: s.stream, progress: &serial{to: unseen{}}, main: s, agent: guardian, actor: event.Reviewer,
	}}
}

// Call runs one call in a turn; id names it in events. A call that was refused or failed says so in its result: an error is about
// the record.
func (a *Aside) Call(ctx context.Context, inTurn, id string, item responses.Item) (tool.Result, error) {
	c := newCall(&turn{s: a.s, id: inTurn}, a.s.callLabel(id), item)
	if _, err := c.run(ctx); err != nil {
		return tool.Result{}, err
	}
	result := c.end.result
	switch {
	case c.end.refused != nil:
		result = tool.Result{Output: c.end.message}
	case c.end.failure != nil && result.Output == "":
		result.Output = c.end.failure.Error()
	}
	return result, nil
}

// unseen is a Progress that shows nothing.
type unseen struct{}

func (unseen) ThreadStarted(string)              {}
func (unseen) TurnStarted()                      {}
func (unseen) ItemStarted(Item)                  {}
func (unseen) ItemUpdated(Item)                  {}
func (unseen) ItemCompleted(Item)                {}
func (unseen) TurnCompleted(event.Usage, string) {}
func (unseen) TurnFailed(string)                 {}
func (unseen) Notice(string)                     {}
func (unseen) Refused(string)                    {}
func (unseen) Denied(string)                     {}
func (unseen) Told(string)                       {}
