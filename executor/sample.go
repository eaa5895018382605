package executor

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"proctor/event"
	"proctor/internal/responses"
)

// sample makes one model request, with all its attempts, and returns the calls
// the model asks for. Every attempt, stream event and item is an event.
func (t *turn) sample(ctx context.Context) ([]responses.Item, error) {
	req := t.s.opts.Request
	req.Input = t.s.snapshot()
	req.Tools = t.s.opts.Tools.Definitions()
	req.Continue = func([]responses.Item) ([]json.RawMessage, error) { return t.s.snapshot(), nil }
	t.requests++
	w := &watch{t: t, ctx: ctx, log: RequestLog{
		Env: t.s.opts.Start.AuthEnv, Model: t.model, Effort: req.Reasoning.Effort, Actor: event.Model,
		Filter: t.s.stream.Filter("delta"),
	}}
	w.log.Publish = w.publish
	if _, err := t.s.opts.Model.Stream(ctx, req, w.observer()); err != nil {
		return nil, err
	}
	var calls []responses.Item
	var items []json.RawMessage
	for _, i := range w.items {
		if i.Call() {
			calls = append(calls, i)
		}
		items = append(items, i.Raw)
	}
	return calls, t.s.remember(ctx, t.id, event.Model, items...)
}

// watch follows one request: its log, the items, what people see.
type watch struct {
	t     *turn
	ctx   context.Context //nolint:containedctx // lives as long as one request
	log   RequestLog
	items []responses.Item
}

func (w *watch) observer() responses.Observer {
	o := w.log.Observer()
	o.FirstOutput, o.Item, o.Broken, o.Retry, o.Completed = w.firstOutput, w.item, w.broken, w.retry, w.completed
	return o
}

func (w *watch) publish(d event.Draft) error {
	d.Turn = w.t.id
	return w.t.s.stream.PublishAnyway(w.ctx, d)
}

func (w *watch) firstOutput(d time.Duration) error {
	if w.t.firstOutput {
		return nil
	}
	w.t.firstOutput = true
	return w.publish(event.Draft{Actor: event.Model, Payload: &event.TurnTTFTPayload{Duration: d.Milliseconds()}})
}

func (w *watch) item(i responses.Item) error {
	if len(i.Raw) > maxItem {
		return fmt.Errorf("the model sent an item of %d bytes, at most %d can be recorded; ask for less at a time", len(i.Raw), maxItem)
	}
	if err := mayComeFromModel(i); err != nil {
		return err
	}
	w.items = append(w.items, i)
	switch i.Type {
	case responses.TypeMessage:
		w.t.result.LastMessage = i.Text
		w.t.s.progress.completed(Item{Type: AgentMessage, Text: i.Text})
		return w.publish(event.Draft{Actor: event.Model, Payload: &event.AgentResponsePayload{
			AgentType: "main", TurnID: w.t.id, RootTurn: w.t.id, ItemID: clip(i.ID, maxLabel), Phase: clip(i.Phase, maxLabel),
			Response: event.Secret(clip(i.Text, maxResponse)), Length: len(i.Text), Truncated: len(i.Text) > maxResponse,
		}})
	case responses.TypeReasoning:
		if i.Text != "" {
			w.t.s.progress.completed(Item{Type: Reasoning, Text: i.Text})
		}
	case responses.TypeWebSearchCall:
		w.t.s.progress.completed(Item{Type: WebSearch, Query: i.Query})
	}
	return nil
}

// mayComeFromModel refuses items that only we add: words of the user or of developers, and results of
// tools. A model server that sends them would put words into the mouth of whoever may authorise.
func mayComeFromModel(i responses.Item) error {
	if i.Type == responses.TypeMessage && i.Role != "assistant" {
		return fmt.Errorf("the model server sent a message of role %q; a model speaks as assistant only", clip(i.Role, maxLabel))
	}
	if strings.HasSuffix(i.Type, "_output") || len(i.Type) > maxLabel {
		return fmt.Errorf("the model server sent an item of type %q, which only a client may add", clip(i.Type, maxLabel))
	}
	return nil
}

// maxResponse is how much of a message codex.agent_response carries, in bytes; the whole is a history item.
const maxResponse = 65536

// broken goes on after a cut stream: messages that were finished stay in the
// conversation, calls are dropped, since the next stream repeats them.
func (w *watch) broken(b responses.Broken) error {
	if err := w.log.broken(b); err != nil {
		return err
	}
	var kept []json.RawMessage
	for _, i := range w.items {
		if i.Type == responses.TypeMessage {
			kept = append(kept, i.Raw)
		}
	}
	w.items = nil
	return w.t.s.remember(w.ctx, w.t.id, event.Model, kept...)
}

func (w *watch) retry(r responses.Retry) error {
	if r.Level == responses.RetryStream {
		w.t.s.progress.Notice(r.Message)
	}
	return w.log.retry(r)
}

func (w *watch) completed(c responses.Completed) error {
	s := w.t.s
	s.mu.Lock()
	s.usage.Input += c.Usage.Input
	s.usage.Cached += c.Usage.Cached
	s.usage.CacheWrite += c.Usage.CacheWrite
	s.usage.Output += c.Usage.Output
	s.usage.Reasoning += c.Usage.Reasoning
	s.mu.Unlock()
	return w.log.completed(c)
}
